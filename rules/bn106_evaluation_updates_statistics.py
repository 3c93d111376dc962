"""Validation runs in train mode and moves the averages that training collects.

## What it looks like

The layers update in place (`updates_collections=None`), and the validation run is fed `is_training: True`. Or a second
tower is built over the validation images with `is_training=True` before `tf.get_collection(tf.GraphKeys.UPDATE_OPS)` is
read, so that each training step also updates the averages with a validation batch.

## Why it hurts

The moving mean and variance are part of the model that is evaluated. Here they also follow the validation data: the
score no longer measures a model that has not seen that data, and it depends on how often it is measured. Besides, such
a run normalises by its own batch, so the score is not even that of the averages.

## Bad

```python
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool)
h = tf.layers.dense(x, 64, use_bias=False)
h = tf.contrib.layers.batch_norm(h, is_training=training, updates_collections=None)
logits = tf.layers.dense(tf.nn.relu(h), 10)
step = tf.train.AdamOptimizer().minimize(
    tf.losses.sparse_softmax_cross_entropy(y, logits)
)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))


def validate(session, images, labels):
    return session.run(accuracy, {x: images, y: labels, training: True})


data = np.load("data.npz")
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(1000):
        chosen = np.random.choice(50000, 64)
        session.run(step, {x: data["x"][chosen], y: data["y"][chosen], training: True})
    print(validate(session, data["x_valid"], data["y_valid"]))
```

## Good

```python
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool)
h = tf.layers.dense(x, 64, use_bias=False)
h = tf.contrib.layers.batch_norm(h, is_training=training, updates_collections=None)
logits = tf.layers.dense(tf.nn.relu(h), 10)
step = tf.train.AdamOptimizer().minimize(
    tf.losses.sparse_softmax_cross_entropy(y, logits)
)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))


def validate(session, images, labels):
    return session.run(accuracy, {x: images, y: labels, training: False})


data = np.load("data.npz")
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(1000):
        chosen = np.random.choice(50000, 64)
        session.run(step, {x: data["x"][chosen], y: data["y"][chosen], training: True})
    print(validate(session, data["x_valid"], data["y_valid"]))
```

## Silent when

- the run looks at the batch that it trains on, the tower is in inference mode, or the updates are collected before it
  is built
- one constant puts training and validation alike in train mode: that is BN204
- nothing is trained in the program, so that nobody keeps the averages
- a generator is sampled: confidence `possible`, hidden by default

## Right on purpose

The averages are meant to adapt to the data that is looked at, as in AdaBN. If that is your case, put
`# bnlint: ignore[BN106] reason` on the line.

## Fix

`--fix` does not change this. Feed False wherever nothing is trained; build the validation tower with
`is_training=False`.

## Source

TensorFlow API documentation (1.15), `tf.contrib.layers.batch_norm` ("updates_collections: ... If None, a control
dependency would be added to make sure the updates are computed in place"); "A bug hidden in plain sight", on
`training=True` at evaluation.

## Measured

Relative error of the moving means: 0.508 bad, 0.0308 good (tensorflow 2.21.0, tf_keras 2.21.0).

A validation tower over values twice as large, built before the collection is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import feeding, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN106", "evaluation-updates-statistics", severity="warning", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    for found in feeding.feeding(story):
        kind = traces.title(found.norms[0].norm)
        what = "this evaluation runs" if found.how == "fed" else "a tower that only evaluates is built"
        yield Report(
            f"{what} in train mode, and moves the averages of {kind}",
            found.place,
            found.confidence,
            traces.distinct(feeding.trace(found), found.place),
            frozenset(norm.norm for norm in found.norms),
        )
