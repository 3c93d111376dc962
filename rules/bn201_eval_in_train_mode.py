"""A validation, test or inference forward runs while the network is, on some path, in train mode.

## What it looks like

The loop that measures calls the network without `eval()`: it was never called, it was called on another module, or a
later `train()` took it back. A network that was just built is in train mode, too, even if its weights were loaded from
a file. In a TensorFlow 1 graph the validation run is fed `is_training: True`; in Flax the evaluation step calls `apply`
with `train=True` and drops the new statistics.

## Why it hurts

In train mode batch norm normalises with the mean and variance of the current batch. The answer for one sample then
depends on which other samples are in its batch, which is worst for small or ordered batches. In PyTorch the batch also
moves the running statistics, so test data leaks into the model. `torch.no_grad()` and `torch.inference_mode()` only
switch gradients off; they change none of this. Dropout stays active as well.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(3):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    print(epoch, hits / len(data))
```

```python
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool)
h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
logits = tf.layers.dense(h, 10)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    step = tf.train.AdamOptimizer().minimize(
        tf.losses.sparse_softmax_cross_entropy(y, logits)
    )
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))


def validate(session, images, labels):
    return session.run(accuracy, {x: images, y: labels, training: True})


data = np.load("data.npz")
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(10000):
        chosen = np.random.choice(50000, 64)
        session.run(step, {x: data["x"][chosen], y: data["y"][chosen], training: True})
    print(validate(session, data["x_valid"], data["y_valid"]))
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(3):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    print(epoch, hits / len(data))
```

```python
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool)
h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
logits = tf.layers.dense(h, 10)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    step = tf.train.AdamOptimizer().minimize(
        tf.losses.sparse_softmax_cross_entropy(y, logits)
    )
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))


def validate(session, images, labels):
    return session.run(accuracy, {x: images, y: labels, training: False})


data = np.load("data.npz")
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(10000):
        chosen = np.random.choice(50000, 64)
        session.run(step, {x: data["x"][chosen], y: data["y"][chosen], training: True})
    print(validate(session, data["x_valid"], data["y_valid"]))
```

## Silent when

- a framework switches the mode itself: Lightning, ignite, fastai, Keras `fit`, `evaluate` and `predict`, and trainers
  like them
- the forward re-estimates the statistics on training data on purpose (precise batch norm, `update_bn`)
- it is a shape check in a unit test
- train mode is meant (Monte Carlo dropout, test-time adaptation, transductive meta-learning), the forward draws samples
  from a generator during GAN training, or its outputs become targets of a loss: confidence `possible`, hidden by
  default
- a constant flag in a TensorFlow or Keras call decides the mode: that is BN204
- a session looks at the batch that it trains on, or the evaluation updates the averages in place: that is BN106

## Right on purpose

Test-time adaptation, Monte Carlo dropout and transductive few-shot learning evaluate in train mode by design. If that
is your case, put `# bnlint: ignore[BN201] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` inserts `model.eval()` before the loop that measures, and `model.train()` after it
where the next training step relies on that; in a session's feed it replaces True by False. Unsafe: the program then
computes other scores. Where it cannot tell what to insert, do the same by hand.

## Source

"On The Perils of Batch Norm" (2017); "A bug hidden in plain sight"; PyTorch documentation (2.13),
`torch.nn.Module.eval`; TensorFlow API documentation (1.15), `tf.layers.batch_normalization` (`training`: "Either a
Python boolean, or a TensorFlow boolean scalar tensor (e.g. a placeholder)"); Flax documentation (0.12), "Batch
normalization".

## Measured

Accuracy on a test set sorted by class: 0.270 bad, 0.856 good (torch 2.13.0).
Other seeds: 0.240, 0.241 bad, 0.871, 0.846 good.

Shuffled test batches hide it: at 64 hardly any difference, at 2 a quarter of the hits lost. `torch.no_grad()` changes
nothing: one pass in train mode under it moved the statistics by 26 % (single experiments, torch 2.13).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import batchwise, callflags, curing, modes, purposes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward


@rule("BN201", "eval-in-train-mode", severity="error", frameworks=("torch", "tensorflow", "flax"))
def check(story: Story) -> Iterator[Report]:
    for forward in story.of(Forward):
        mode = modes.in_train_mode(forward, story)
        evidence = purposes.evaluation(story, forward)
        if forward.framework != "torch" or mode is None or evidence is None:
            continue
        confidence = modes.weakest(mode, evidence)
        if purposes.on_purpose(story, forward) or purposes.sampling(story, forward):
            confidence = "possible"
        yield Report(
            f"{traces.title(forward.net)} evaluates while its batch norm is in train mode",
            forward.where.place,
            confidence,
            traces.mode_trace(story, forward, "train"),
            traces.subjects(forward),
            curing.evaluated(story, forward),
        )
    yield from without_a_mode_of_their_own(story)


def without_a_mode_of_their_own(story: Story) -> Iterator[Report]:
    """Networks that are told their mode whenever they run: graphs of TensorFlow 1, models of Keras, modules of Flax."""
    for forward, norm, sure in batchwise.fed(story):
        steps = [Step("this layer normalises by the batch in such a run", norm.where.place), *traces.called(forward)]
        place = forward.where.place
        message = f"this run evaluates, and its feed leaves {traces.title(norm.norm)} in train mode"
        cure = curing.fed(story, forward)
        yield Report(message, place, sure, traces.distinct(steps, place), traces.subjects(forward), cure)
    for forward, sure in callflags.handed(story):
        place = forward.where.place
        message = f"{traces.title(forward.net)} evaluates here with a flag that says training"
        steps = [*traces.called(forward), *traces.built(forward)]
        yield Report(message, place, sure, traces.distinct(steps, place), traces.subjects(forward))
    for event in batchwise.applied(story):
        message = "this call evaluates in train mode: batch norm normalises by the batch at hand"
        yield Report(message, event.where.place, "likely", traces.distinct(traces.called(event), event.where.place))
