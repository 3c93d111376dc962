"""Weight decay is applied to the scale and shift of batch norm.

## What it looks like

One parameter group for everything: `SGD(model.parameters(), weight_decay=5e-4)`. In TensorFlow an L2 term over all of
`tf.trainable_variables()`, or over those whose name does not contain "bias" (batch norm calls its own gamma and beta).
In Keras `BatchNormalization(gamma_regularizer=l2(...))`.

## Why it hurts

Little, and opinions differ: this is a note on style, off by default. Decay of a weight in front of batch norm does not
limit what the network computes, because batch norm undoes any scale of it; it only changes the effective learning rate.
Decay of gamma and beta does act: it pulls each channel towards zero. Many recipes therefore leave gamma, beta and the
biases out.

## Bad

```python
import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
```

```python
import tensorflow as tf

x, y = tf.placeholder(tf.float32, [None, 16]), tf.placeholder(tf.float32, [None, 1])
training = tf.placeholder(tf.bool, [])
h = tf.layers.batch_normalization(
    tf.layers.dense(x, 32, use_bias=False), training=training
)
loss = tf.losses.mean_squared_error(y, tf.layers.dense(tf.nn.relu(h), 1))
loss += 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train_op = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
```

## Good

```python
import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
weights = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
groups = [
    {"params": weights, "weight_decay": 5e-4},
    {"params": others, "weight_decay": 0.0},
]
optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
```

```python
import tensorflow as tf

x, y = tf.placeholder(tf.float32, [None, 16]), tf.placeholder(tf.float32, [None, 1])
training = tf.placeholder(tf.bool, [])
h = tf.layers.batch_normalization(
    tf.layers.dense(x, 32, use_bias=False), training=training
)
loss = tf.losses.mean_squared_error(y, tf.layers.dense(tf.nn.relu(h), 1))
loss += 1e-4 * tf.add_n(
    [tf.nn.l2_loss(v) for v in tf.trainable_variables() if "kernel" in v.name]
)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train_op = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
```

## Silent when

- the parameters are divided into groups, by whatever test
- the decay is 0, or unknown
- the decay is the optimizer's own default (AdamW has one): confidence `possible`, hidden by default
- TensorFlow: the variables are chosen by names that leave gamma and beta out, or no train op minimises the term

## Right on purpose

Decay of gamma is a choice that some recipes make. If that is your case, put `# bnlint: ignore[BN502] reason` on the
line.

## Fix

`--fix` does not change this. Put parameters of fewer than two dimensions in a group with `weight_decay=0`.

## Source

"Bag of Tricks for Image Classification with Convolutional Neural Networks" (He and others, 2018), section 3.1, "No bias
decay"; PyTorch documentation (2.13), "torch.optim", per-parameter options; TensorFlow API documentation (1.15),
`tf.trainable_variables`.

## Measured

Nothing to run: no clear effect in either direction was found (.803 and .799 at a decay of 5e-4, .786 and .804 at 5e-3, .820
and .805 at 5e-2; torch 2.13).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Step
from bnlint.judging import copies, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Built, Decayed, OptimizerBuilt, TrainOp
from bnlint.story.values import Const, number

DECAYING = frozenset({"torch.optim.AdamW"})
ARGUMENTS = ("gamma_regularizer", "beta_regularizer")
MESSAGE = "weight decay also pulls the scale or shift of batch norm to zero"


@rule("BN502", "weight-decay-on-batch-norm", severity="info", default=False, frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    places: set[object] = set()
    for event in story.of(OptimizerBuilt):
        for net, decay in event.whole:
            known = number(decay) if decay is not None else None
            default = decay is None and event.lib in DECAYING
            if event.where.place in places or not net.norms or not (default or (known is not None and known[0] > 0)):
                continue
            places.add(event.where.place)
            sure: Confidence = "likely" if known is not None and known[1] else "certain"
            yield Report(
                MESSAGE,
                event.where.place,
                "possible" if default or not net.certain else sure,
                traces.distinct(copies.built(net), event.where.place),
                frozenset({net.net, *net.norms}),
            )
    yield from of_losses(story)
    yield from of_layers(story)


def of_losses(story: Story) -> Iterator[Report]:
    """Penalties that a train op of TensorFlow minimises."""
    penalties: list[Decayed] = story.of(Decayed)
    if not penalties:
        return
    minimised = {token.ref for train in story.of(TrainOp) for token in train.built if token.kind == "decay"}
    for event in penalties:
        if event in minimised:
            sites = [norm.site for norm in event.norms[:1] if norm.site is not None]
            steps = [Step("a scale or shift of batch norm is made here", site) for site in sites]
            yield Report(
                MESSAGE,
                event.where.place,
                ("certain" if story.bound else "likely") if event.sure else "possible",
                traces.distinct(steps, event.where.place),
                frozenset(event.norms),
            )


def of_layers(story: Story) -> Iterator[Report]:
    """Layers of Keras and of tf.layers that are built with a regularizer of their own."""
    for event in story.of(Built):
        given = [event.arguments[name][0] for name in ARGUMENTS if name in event.arguments]
        if any(not (type(value) is Const and value.value is None) for value in given):
            yield Report(MESSAGE, event.where.place, "certain", (), frozenset({event.obj}))
