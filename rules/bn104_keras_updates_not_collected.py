"""A TensorFlow 1 train op trains a Keras batch norm and never runs its updates.

## What it looks like

`tf.keras.layers.BatchNormalization` in a TensorFlow 1 graph that is trained by an optimiser of `tf.train`. The train op
depends on `tf.GraphKeys.UPDATE_OPS`, as the documentation of `tf.layers` recommends, or on nothing at all.

## Why it hurts

Keras keeps the two update ops of each layer in `layer.updates` and puts nothing into the collection: the collection is
empty, and depending on it does nothing. `Model.fit` runs the updates itself; your own train op does not. The moving
mean and variance stay at zero and one. Training looks fine because it uses the batch, and only evaluation suffers.

## Bad

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool, [])
h = tf.keras.layers.BatchNormalization()(x, training=training)
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 10))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train_step = tf.train.AdamOptimizer().minimize(loss)
```

## Good

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool, [])
norm = tf.keras.layers.BatchNormalization()
h = norm(x, training=training)
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 10))
with tf.control_dependencies(norm.updates):
    train_step = tf.train.AdamOptimizer().minimize(loss)
```

## Silent when

- `layer.updates`, `model.updates` or `get_updates_for` are a dependency, are grouped, fetched, or copied into the
  collection
- Keras does the training: `fit`, `train_on_batch`
- the layers are frozen, or nothing is trained
- the program is eager TensorFlow 2, where the call itself updates

## Right on purpose

The moving averages are to stay as a checkpoint restored them while training normalises by the batch. If that is your
case, put `# bnlint: ignore[BN104] reason` on the line.

## Fix

`--fix` does not change this. Make the train op depend on `model.updates`; for a model that you called on a tensor of
your own, on `model.get_updates_for(x)`.

## Source

TensorFlow API documentation (1.15), `tf.keras.layers.BatchNormalization` and `tf.keras.layers.Layer.updates`.

## Measured

Test accuracy with the moving averages: 0.391 bad, 0.933 good (tensorflow 2.21.0, tf_keras 2.21.0).

UPDATE_OPS holds 0 ops of Keras layers, in TensorFlow 1.15, 2.15 and 2.21 alike. The layer's `updates` are gone in Keras 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces, updating
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN104", "keras-updates-not-collected", severity="error", frameworks=("tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for train, norms in updating.left_to_keras(story):
        place = train.where.place
        built = [Step(f"{updating.title(norm)} is built here", norm.norm.site) for norm in norms[:2] if norm.norm.site]
        applied = [Step("it is applied to the graph here", norm.where.place) for norm in norms[:1]]
        yield Report(
            f"{train.how} does not run the updates of {updating.title(norms[0])}, which Keras puts into no collection",
            place,
            "certain" if story.bound else "likely",
            traces.distinct([*built, *applied], place),
            frozenset({train}),
        )
