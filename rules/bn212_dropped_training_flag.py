"""A function takes a training flag but does not pass it on to its batch norm.

## What it looks like

A function takes `training` and calls `F.batch_norm(x, mean, var)` without it, so the library's default decides. The
same happens in functions around `tf.layers.batch_normalization` or `slim.batch_norm`, in classes that store
`is_training` and do not use it, and in a Keras `call(self, x, is_training)`: Keras passes on only an argument that is
named `training`.

## Why it hurts

Callers say `training=True` and believe it. `F.batch_norm` without its flag is in inference mode: it never normalises by
the batch and never updates the averages. While these stay at mean 0 and variance 1, the layer is just a scale and a
shift. The same holds for `tf.layers` and Keras. slim has the other default: there evaluation normalises by the batch it
is given.

## Bad

```python
import torch
import torch.nn.functional as F


def block(x, weights, training):
    x = F.conv2d(x, weights["kernel"], padding=1)
    x = F.batch_norm(
        x,
        weights["running_mean"],
        weights["running_var"],
        weights["gamma"],
        weights["beta"],
    )
    return F.relu(x)


def network(x, layers, training=True):
    for weights in layers:
        x = block(x, weights, training)
    return x.mean(dim=(2, 3))
```

```python
import tensorflow as tf


def block(x, filters, is_training):
    x = tf.layers.conv2d(x, filters, 3, padding="same", use_bias=False)
    return tf.nn.relu(tf.layers.batch_normalization(x))


images = tf.placeholder(tf.float32, [None, 32, 32, 3])
labels = tf.placeholder(tf.int64, [None])
is_training = tf.placeholder(tf.bool)
h = block(block(images, 32, is_training), 64, is_training)
loss = tf.losses.sparse_softmax_cross_entropy(
    labels, tf.layers.dense(tf.reduce_mean(h, [1, 2]), 10)
)
step = tf.train.AdamOptimizer().minimize(loss)
```

## Good

```python
import torch
import torch.nn.functional as F


def block(x, weights, training):
    x = F.conv2d(x, weights["kernel"], padding=1)
    x = F.batch_norm(
        x,
        weights["running_mean"],
        weights["running_var"],
        weights["gamma"],
        weights["beta"],
        training=training,
    )
    return F.relu(x)


def network(x, layers, training=True):
    for weights in layers:
        x = block(x, weights, training)
    return x.mean(dim=(2, 3))
```

```python
import tensorflow as tf


def block(x, filters, is_training):
    x = tf.layers.conv2d(x, filters, 3, padding="same", use_bias=False)
    return tf.nn.relu(tf.layers.batch_normalization(x, training=is_training))


images = tf.placeholder(tf.float32, [None, 32, 32, 3])
labels = tf.placeholder(tf.int64, [None])
is_training = tf.placeholder(tf.bool)
h = block(block(images, 32, is_training), 64, is_training)
loss = tf.losses.sparse_softmax_cross_entropy(
    labels, tf.layers.dense(tf.reduce_mean(h, [1, 2]), 10)
)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    step = tf.train.AdamOptimizer().minimize(loss)
```

## Silent when

- the flag decides in a branch which call is made
- the batch norm follows the mode of its module (`self.training`), or gets no statistics
- a constant is given instead: that is BN204
- the flag arrives another way: an `arg_scope` in a caller, `normalizer_params`, the `training` of an enclosing Keras
  `call`
- nothing trains a layer of `tf.layers`: it may be frozen on purpose
- it is one of several layers in the function, and the others get the flag: that is BN205

## Right on purpose

The function keeps the parameter for its callers' sake, and its batch norm is frozen. Say so with `training=False`, or
put `# bnlint: ignore[BN212] reason` on the line.

## Fix

`--fix` does not change this. Pass the argument on to the batch norm.

## Source

PyTorch documentation (2.13), `torch.nn.functional.batch_norm` (`training=False` by default); TensorFlow API
documentation (1.15), `tf.layers.batch_normalization` (`training=False`) and `tf.contrib.layers.batch_norm`
(`is_training=True`).

## Measured

Test accuracy with the moving averages: 0.266 bad, 0.910 good (tensorflow 2.21.0, tf_keras 2.21.0).
Other seeds: 0.255, 0.254 bad, 0.846, 0.865 good.

As BN205, and as harsh: ten layers that never normalise, a learning rate of .5, inputs of mean 5. With two layers there is no
difference. Graph mode of TensorFlow 2 (`tf.compat.v1`).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place, Step
from bnlint.judging import flags, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import FunctionalNorm
from bnlint.story.values import truth


@rule("BN212", "dropped-training-flag", severity="error", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    yield from functional(story)
    yield from graphs(story)
    yield from layers(story)


def graphs(story: Story) -> Iterator[Report]:
    """Layers of a TensorFlow graph."""
    for found, confidence in flags.not_handed_on(story):
        first = found.norms[0]
        place = first.where.place
        so = "evaluation normalises by the batch" if truth(first.flag) else "it never normalises while the network trains"
        yield Report(
            f"{first.dropped} is not handed on to {traces.title(first.norm)}: {so}",
            place,
            confidence,
            traces.distinct(flags.others(found), place),
            frozenset(norm.norm for norm in found.norms),
        )


def functional(story: Story) -> Iterator[Report]:
    """`torch.nn.functional.batch_norm` left to its default inside of a function that asks for the mode."""
    told: set[Place] = set()
    for event in story.of(FunctionalNorm):
        if event.dropped and not event.given and not story.test and event.where.place not in told:
            told.add(event.where.place)
            message = f"{event.dropped} is not handed on to functional.batch_norm, which then never normalises by the batch"
            yield Report(message, event.where.place, "certain")


def layers(story: Story) -> Iterator[Report]:
    """Layers of Keras that run eagerly."""
    for forward, use, name, place in flags.lost_on_the_way(story):
        yield Report(
            f"{name} is not handed on to {traces.title(use.norm)}: it never normalises while the network trains",
            place,
            "certain" if story.bound else "likely",
            traces.distinct([Step("the network is trained here", forward.where.place)], place),
            traces.subjects(forward),
        )
