"""The running mean or variance of a batch norm is handed to the optimiser as if it were a weight.

## What it looks like

- TensorFlow: a handwritten batch norm creates its moving mean by `tf.get_variable` or `tf.Variable` without
  `trainable=False`
- PyTorch: the running mean is an `nn.Parameter` with a gradient, or the optimizer gets `buffers()` or the values of
  `state_dict()`
- Caffe: `L.BatchNorm(..., param=[...])`, or a `param { }` of a BatchNorm layer in a `.prototxt`, with an `lr_mult` that
  is not zero (if it is left out, it is 1). The layer keeps three blobs: mean, variance and the correction factor of
  their average

## Why it hurts

The statistics are measured, not learned. While training normalises by the batch, the loss gives them no gradient. But
everything else that goes over all trainable variables does reach them: an L2 term pulls them to zero, decoupled weight
decay shrinks them when gradients are zeroed rather than set to None, distributed training waits for a gradient that
never comes, and finetuning in eval mode really trains them.

In Caffe, old versions let every step of the solver change the averages. Since pull request 4704 Caffe sets the rates to
zero itself if exactly three `param` blocks are given, and stops with an error otherwise.

## Bad

```python
import tensorflow.compat.v1 as tf


def batch_norm(x, scale, offset, training, decay=0.99):
    mean = tf.get_variable("moving_mean", [32], initializer=tf.zeros_initializer())
    variance = tf.get_variable(
        "moving_variance", [32], initializer=tf.ones_initializer()
    )
    if not training:
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)
    batch_mean, batch_variance = tf.nn.moments(x, [0])
    new_mean = tf.assign(mean, decay * mean + (1 - decay) * batch_mean)
    new_variance = tf.assign(variance, decay * variance + (1 - decay) * batch_variance)
    with tf.control_dependencies([new_mean, new_variance]):
        return tf.nn.batch_normalization(
            x, batch_mean, batch_variance, offset, scale, 1e-3
        )


x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.float32, [None, 1])
h = batch_norm(
    x, tf.get_variable("scale", [32]), tf.get_variable("offset", [32]), training=True
)
l2 = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
loss = tf.losses.mean_squared_error(y, tf.layers.dense(tf.nn.relu(h), 1)) + 1e-4 * l2
train_op = tf.train.AdamOptimizer().minimize(loss)
```

## Good

```python
import tensorflow.compat.v1 as tf


def batch_norm(x, scale, offset, training, decay=0.99):
    mean = tf.get_variable(
        "moving_mean", [32], initializer=tf.zeros_initializer(), trainable=False
    )
    variance = tf.get_variable(
        "moving_variance", [32], initializer=tf.ones_initializer(), trainable=False
    )
    if not training:
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)
    batch_mean, batch_variance = tf.nn.moments(x, [0])
    new_mean = tf.assign(mean, decay * mean + (1 - decay) * batch_mean)
    new_variance = tf.assign(variance, decay * variance + (1 - decay) * batch_variance)
    with tf.control_dependencies([new_mean, new_variance]):
        return tf.nn.batch_normalization(
            x, batch_mean, batch_variance, offset, scale, 1e-3
        )


x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.float32, [None, 1])
h = batch_norm(
    x, tf.get_variable("scale", [32]), tf.get_variable("offset", [32]), training=True
)
l2 = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
loss = tf.losses.mean_squared_error(y, tf.layers.dense(tf.nn.relu(h), 1)) + 1e-4 * l2
train_op = tf.train.AdamOptimizer().minimize(loss)
```

## Silent when

- `trainable=False`, `requires_grad=False` or `register_buffer` is used
- the averages are the shadow variables of a `tf.train.ExponentialMovingAverage`, which are not trainable
- Caffe: `lr_mult` is 0 for all three blobs, or there is no `param` at all (Caffe then sets the rates itself);
  `decay_mult` matters only together with a non-zero `lr_mult`
- the variable is a learned mean of something else, such as a gaussian policy

## Right on purpose

The normaliser is to be learned by gradient (an affine layer in all but name), or the learning rate of these parameters
is zero. If that is your case, put `# bnlint: ignore[BN501] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` sets `trainable=False`, `requires_grad=False` or `lr_mult` 0. Unsafe: lists of
trainable variables get shorter, and a Saver made from such a list then loses the statistics (BN504). It leaves
optimizer groups alone, and calls that take their arguments from elsewhere.

## Source

Caffe pull request 4704 ("unmasked statistics learning rates"), `BatchNormLayer::LayerSetUp` and `UpgradeNetBatchNorm`
in Caffe 1.0; TensorFlow API documentation (1.15 and 2.21), `tf.compat.v1.Variable` (`trainable` defaults to True);
PyTorch documentation (2.13), `torch.nn.Parameter` and `torch.nn.Module.register_buffer`.

## Measured

Relative drift of the running mean in an epoch in eval mode: 0.0863 bad, 0 good (torch 2.13.0).
Other seeds: 0.0509, 0.0726 bad, 0, 0 good.

Adam at a learning rate of .02, one epoch on other data; at .001 the mean drifts by .012. In train mode the loss sends the
statistics no gradient, and nothing moves them. Once, in TensorFlow 1.15 with L2 over all trainable variables: the moving
mean ended at .48 where the true mean is 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Change, Cure, Edit, Step
from bnlint.judging import curing, sites, traces
from bnlint.judging.sites import Site
from bnlint.program.model import Call, Const, Sequence
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import StateParameter

MESSAGES = {
    "variable": "{name} is a statistic of batch norm but trainable, for lack of trainable=False",
    "parameter": "{name} is a statistic of batch norm but a parameter that asks for a gradient",
    "group": "{detail} is given the {name} of a network with batch norm, statistics included",
    "caffe": "the solver may change the statistics of this BatchNorm: lr_mult must be 0 for all three blobs",
}


@rule("BN501", "statistics-in-solver", severity="error", frameworks=("torch", "tensorflow", "caffe"))
def check(story: Story) -> Iterator[Report]:
    for event in story.of(StateParameter):
        if event.withdrawn:
            continue
        steps = [Step(message, place) for message, place in event.why]
        steps += [Step("called from here", place) for place in event.where.calls[-2:]]
        yield Report(
            MESSAGES[event.kind].format(name=event.name or "this variable", detail=event.detail),
            event.where.place,
            "certain" if event.certain else "likely",
            traces.distinct(steps, event.where.place),
            frozenset({event}),
            cure(story, event),
        )

def cure(story: Story, event: StateParameter) -> Cure | None:
    """The argument that takes the statistic from the solver."""
    changes: list[Change | None] = []
    if event.kind == "variable":
        changes = [curing.argument(story, event.where.place, "trainable", "False", over=("True",))]
    elif event.kind == "parameter":
        assigned = sites.assigned_call(story, event.where.place)
        changes = [curing.argument(story, assigned, "requires_grad", "False", over=("True",)) if assigned is not None else None]
    elif event.kind == "caffe":
        changes = rates(story, event)
    known = [change for change in changes if change is not None]
    if not known or len(known) < len(changes):
        return None
    name = {"variable": "trainable=False", "parameter": "requires_grad=False"}.get(event.kind, "lr_mult=0")
    return Cure(f"set `{name}`", "unsafe", tuple(known))


def rates(story: Story, event: StateParameter) -> list[Change | None]:
    """lr_mult=0 for each blob that `param=[dict(...), ...]` spells out."""
    found = sites.call_site(story, event.where.place)
    if found is None:
        return []
    if found[0].file.endswith(".prototxt"):
        return written(found[0])
    listed = next((arg.value for arg in found[1].args if arg.keyword == "param"), None)
    if not isinstance(listed, Sequence):
        return []
    changes: list[Change | None] = []
    for blob in listed.elements:
        if isinstance(blob, Call):
            given = next((arg.value for arg in blob.args if arg.keyword == "lr_mult"), None)
            if not (isinstance(given, Const) and given.value in (0, 0.0)):
                numbers = () if not isinstance(given, Const) else (repr(given.value),)
                changes.append(curing.argument(story, found[0].place(blob), "lr_mult", "0", over=numbers))
        else:
            pairs = getattr(blob, "items", ())
            values = [value for key, value in pairs if isinstance(key, Const) and key.value == "lr_mult"]
            if len(values) == 1 and isinstance(values[0], Const):
                if values[0].value not in (0, 0.0):
                    changes.append(Edit(found[0].place(values[0]), "0"))
            else:
                changes.append(None)
    return changes


def written(blob: Site) -> list[Change | None]:
    """The same for `param { lr_mult: 1 }` of a text network: all blobs of the layer that say their rate."""
    blobs = next((node.elements for node in reversed(blob.path) if isinstance(node, Sequence)), (blob.node,))
    changes: list[Change | None] = []
    for call in blobs:
        given = [arg for arg in call.args if arg.keyword == "lr_mult"] if isinstance(call, Call) else []
        rate = given[0].value if len(given) == 1 else None
        if not isinstance(rate, Const):
            changes.append(None)
        elif rate.value != 0:
            changes.append(Edit(blob.place(rate), "lr_mult: 0"))
    return changes
