"""Batch norm gets no training flag, so it always does what its library does by default.

## What it looks like

A network that is trained calls `tf.layers.batch_normalization(x)` without `training=`, or runs a Keras model as
`model(x)` inside a `GradientTape`. Or a network that is also evaluated is built from `slim.batch_norm(x)` without
`is_training=`.

## Why it hurts

The defaults differ. `tf.layers` and Keras assume inference: the layer normalises by its moving averages, which are
never updated and stay at mean 0 and variance 1. It is a plain scale and shift and normalises nothing; a deep network
then trains as badly as one without batch norm. slim assumes training: an evaluation normalises by its own batch, the
result for one example depends on the others, and a batch of one gives nothing but beta where each channel has one
value.

## Bad

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h))
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 10))
train_step = tf.train.AdamOptimizer().minimize(loss)
```

## Good

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder_with_default(False, [])
h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 10))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train_step = tf.train.AdamOptimizer().minimize(loss)
```

## Silent when

- the flag arrives another way: `slim.arg_scope` in a caller, `normalizer_params`, a partial, a positional argument, a
  placeholder, the learning phase, or the `training` that an enclosing Keras `call` was given
- the layer is not among the variables that the train op changes, or `trainable = False` keeps it in inference mode
- a constant is given: that is BN204's question
- a network of slim layers is only ever trained

## Right on purpose

The network is pretrained and its batch norm is meant to stay frozen. Say so with `training=False`, or put
`# bnlint: ignore[BN205] reason` on the line.

## Fix

`--fix` does not change this, because the flag has to come from somewhere. Pass it to every batch norm, and let it be
True only in the forward that is trained.

## Source

TensorFlow API documentation (1.15), `tf.layers.batch_normalization` (`training=False`) and
`tf.contrib.layers.batch_norm` (`is_training=True`); Keras API documentation (3.15), "BatchNormalization layer", on the
argument `training`; "A bug hidden in plain sight", on `training=True` at evaluation.

## Measured

Test accuracy with the moving averages: 0.266 bad, 0.910 good (tensorflow 2.21.0, tf_keras 2.21.0).
Other seeds: 0.255, 0.254 bad, 0.846, 0.865 good.

Harsh on purpose: ten layers of `tf.layers.batch_normalization`, 300 steps at a learning rate of .5, inputs of mean 5; with
two layers there is no difference. Graph mode of TensorFlow 2 (`tf.compat.v1`). Once, in TensorFlow 1.15 with other data:
.251 against .849; slim's default there makes a batch of one give exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import flags, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN205", "missing-training-flag", severity="error", frameworks=("tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for found in flags.never_normalising(story):
        first = found.norms[0]
        place = first.where.place
        yield Report(
            f"{traces.title(first.norm)} gets no training flag: it never normalises while the network trains",
            place,
            "certain" if story.bound else "likely",
            traces.distinct([Step("the network is trained here", found.by.where.place), *flags.others(found)], place),
            frozenset({found.by}),
        )
    for found in flags.evaluated_in_train_mode(story):
        first = found.norms[0]
        place = first.where.place
        yield Report(
            f"{traces.title(first.norm)} gets no training flag: evaluation normalises by the batch",
            place,
            "certain" if story.bound else "likely",
            traces.distinct([Step("the network is evaluated here", found.by.where.place), *flags.others(found)], place),
        )
    for found, confidence in flags.forgotten(story):
        first = found.norms[0]
        place = first.where.place
        yield Report(
            f"{traces.title(first.norm)} gets no training flag, others beside it get {first.dropped}",
            place,
            confidence,
            traces.distinct(flags.others(found), place),
            frozenset(norm.norm for norm in found.norms),
        )
    for forward, confidence in flags.taped_in_inference_mode(story):
        yield Report(
            f"{traces.title(forward.net)} is trained without training=True: its batch norm is in inference mode",
            forward.where.place,
            confidence,
            traces.distinct([*traces.built(forward), *traces.circumstances(forward)], forward.where.place),
            traces.subjects(forward),
        )
