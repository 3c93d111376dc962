"""A constant tells batch norm that it is training, in a network that is also evaluated.

## What it looks like

`F.batch_norm(x, self.running_mean, self.running_var, training=True)`: the layer keeps running statistics and never uses
them, and `eval()` on the network changes nothing. In TensorFlow a wrapper takes `is_training` but tells its layer True,
or the evaluation script builds the network with the True of the training script. In Keras `test_step` calls
`self(x, training=True)`, the learning phase is left at 1, or the constant is part of a functional model (Keras 2).

## Why it hurts

At test time each batch is normalised by itself. The prediction for one example depends on the others in its batch, and
for a single example most of what tells it apart is normalised away. In PyTorch and Keras such an evaluation also moves
the running statistics.

## Bad

```python
import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=True,
        )


model = nn.Sequential(
    nn.Linear(8, 16, bias=False), Norm(16), nn.ReLU(), nn.Linear(16, 2)
)
model.load_state_dict(torch.load("model.pt"))
model.eval()
with torch.no_grad():
    print(model(torch.randn(4, 8)).argmax(1))
```

```python
import numpy as np
import tensorflow as tf


def network(x, is_training):
    h = tf.layers.dense(x, 64, use_bias=False)
    h = tf.nn.relu(tf.layers.batch_normalization(h, training=True))
    return tf.layers.dense(h, 10)


x = tf.placeholder(tf.float32, [None, 32])
scores = network(x, is_training=False)
with tf.Session() as session:
    tf.train.Saver().restore(session, "model.ckpt")
    print(session.run(scores, {x: np.load("test.npy")}).argmax(1))
```

## Good

```python
import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training,
        )


model = nn.Sequential(
    nn.Linear(8, 16, bias=False), Norm(16), nn.ReLU(), nn.Linear(16, 2)
)
model.load_state_dict(torch.load("model.pt"))
model.eval()
with torch.no_grad():
    print(model(torch.randn(4, 8)).argmax(1))
```

```python
import numpy as np
import tensorflow as tf


def network(x, is_training):
    h = tf.layers.dense(x, 64, use_bias=False)
    h = tf.nn.relu(tf.layers.batch_normalization(h, training=is_training))
    return tf.layers.dense(h, 10)


x = tf.placeholder(tf.float32, [None, 32])
scores = network(x, is_training=False)
with tf.Session() as session:
    tf.train.Saver().restore(session, "model.ckpt")
    print(session.run(scores, {x: np.load("test.npy")}).argmax(1))
```

## Silent when

- the constant stands in the branch for training (of an `if` or a `tf.cond`), or is a frozen `False`
- no statistics are kept: instance norm built from batch norm, weight standardisation, layers that get dummy statistics
- the weights are arguments of the forward (functional meta-learning), or nothing runs the network in eval mode
- a session only looks at the batch that it trains on
- it is a functional model of Keras 3, where `fit` and `predict` override the constant, or requirements and imports do
  not tell the version of Keras
- a generator is sampled, Monte Carlo dropout or test-time adaptation is meant: confidence `possible`, hidden by default

## Right on purpose

Image translation networks that always use the statistics of their input (an instance norm in all but name), and
transductive methods. If that is your case, put `# bnlint: ignore[BN204] reason` on the line.

## Fix

`--fix` does not change this. Pass the mode on: `training=self.training` in PyTorch, the function's own argument
elsewhere.

## Source

"On The Perils of Batch Norm" (2017); "A bug hidden in plain sight"; PyTorch documentation (2.13),
`torch.nn.functional.batch_norm`; TensorFlow API documentation (1.15), `tf.layers.batch_normalization`; Keras API
documentation (2.15 and 3.15), "BatchNormalization layer"; `tf.keras.backend.set_learning_phase` (2.15; gone in Keras
3).

## Measured

Accuracy in test batches of 4: 0.745 bad, 0.886 good (torch 2.13.0).
Other seeds: 0.707, 0.677 bad, 0.880, 0.829 good.

An own layer over `F.batch_norm`. At test batches of 500 there is no difference (.859 and .856): the flag harms where a batch
is small or one-sided.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place, Step
from bnlint.judging import callflags, constants, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import FunctionalNorm


@rule("BN204", "constant-training-flag", severity="warning", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    yield from functional(story)
    yield from graphs(story)
    yield from models(story)


def graphs(story: Story) -> Iterator[Report]:
    """Layers of a TensorFlow graph."""
    for found in constants.constants(story):
        kind = traces.title(found.norms[0].norm)
        said = f"whatever {found.dropped} is" if found.dropped else "so evaluation data are normalised by their own batch"
        yield Report(
            f"a constant tells {kind} that it is training, {said}",
            found.place,
            found.confidence,
            traces.distinct(constants.trace(found), found.place),
            frozenset(norm.norm for norm in found.norms),
        )


def functional(story: Story) -> Iterator[Report]:
    """`torch.nn.functional.batch_norm` with statistics that are kept."""
    told: set[Place] = set()
    for event in story.of(FunctionalNorm):
        place = event.where.place
        if story.test or event.flag is not True or not event.given or event.mode == "train" or place in told:
            continue
        told.add(place)
        if event.dropped:
            message = f"functional.batch_norm gets training=True, whatever {event.dropped} is"
            yield Report(message, place, "likely")
        elif event.mode == "eval":
            seen = (Step(f"{event.owner} runs in eval mode here", event.evaluated),) if event.evaluated is not None else ()
            message = "functional.batch_norm gets training=True, so it normalises by the batch in eval mode, too"
            yield Report(message, place, "certain" if seen else "possible", seen)


def models(story: Story) -> Iterator[Report]:
    """Models of Keras."""
    for found in callflags.in_train_mode(story):
        name = traces.title(found.forward.net) if found.forward is not None else "the model"
        message = {
            "call": f"{name} is called with training=True where it evaluates",
            "model": f"training=True is part of {name}: predict and evaluate normalise by the batch, too",
            "phase": f"the learning phase is set to training, and stays so where {name} evaluates",
        }[found.how]
        subjects = traces.subjects(found.forward) if found.forward is not None else frozenset()
        yield Report(message, found.place, found.confidence, traces.distinct(callflags.trace(found), found.place), subjects)
