"""The op that updates the averages of an own batch norm is created, and nothing ever runs it.

## What it looks like

`ema.apply([mean, variance])` or `tf.assign(moving_mean, ...)` gives an op. The function forgets it, wraps it around a block of
dependencies in which no op is created, or leaves it in `tf.GraphKeys.UPDATE_OPS`, which the train op does not wait for.

## Why it hurts

In a graph nothing happens because it was written down: an op runs if a session fetches it or something that depends on it.
Training looks fine, for it normalises by the batch. The averages stay what they were initialised with, and the first
evaluation normalises by mean zero and variance one.

## Bad

```python
import tensorflow.compat.v1 as tf


def batch_norm(x, is_training, decay=0.99):
    width = x.get_shape()[-1]
    with tf.variable_scope("bn"):
        beta = tf.get_variable("beta", [width], initializer=tf.zeros_initializer())
        gamma = tf.get_variable("gamma", [width], initializer=tf.ones_initializer())
        moving_mean = tf.get_variable("moving_mean", [width], initializer=tf.zeros_initializer(), trainable=False)
        moving_var = tf.get_variable("moving_var", [width], initializer=tf.ones_initializer(), trainable=False)
        mean, var = tf.nn.moments(x, [0])
        update_mean = tf.assign(moving_mean, moving_mean * decay + mean * (1 - decay))
        update_var = tf.assign(moving_var, moving_var * decay + var * (1 - decay))
        mean, var = tf.cond(is_training, lambda: (mean, var), lambda: (moving_mean, moving_var))
        return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)
```

## Good

```python
import tensorflow.compat.v1 as tf


def batch_norm(x, is_training, decay=0.99):
    width = x.get_shape()[-1]
    with tf.variable_scope("bn"):
        beta = tf.get_variable("beta", [width], initializer=tf.zeros_initializer())
        gamma = tf.get_variable("gamma", [width], initializer=tf.ones_initializer())
        moving_mean = tf.get_variable("moving_mean", [width], initializer=tf.zeros_initializer(), trainable=False)
        moving_var = tf.get_variable("moving_var", [width], initializer=tf.ones_initializer(), trainable=False)
        mean, var = tf.nn.moments(x, [0])

        def of_batch():
            update_mean = tf.assign(moving_mean, moving_mean * decay + mean * (1 - decay))
            update_var = tf.assign(moving_var, moving_var * decay + var * (1 - decay))
            with tf.control_dependencies([update_mean, update_var]):
                return tf.identity(mean), tf.identity(var)

        used_mean, used_var = tf.cond(is_training, of_batch, lambda: (moving_mean, moving_var))
        return tf.nn.batch_normalization(x, used_mean, used_var, beta, gamma, 1e-3)
```

## Silent when

- the op is returned, kept in a list or an attribute, or handed to code that is not followed: somebody may run it
- it lies in a collection of its own, or the train op waits for UPDATE_OPS
- the graph normalises by the averages only: nothing is trained in it
- the code may run eagerly: layers of Keras, `tf.function`

## Right on purpose

The averages are run by another program that restores this graph. Then write `# bnlint: ignore[BN807]` and the reason on
the line.

## Fix

Create what normalises in training under `tf.control_dependencies` of the updates, within the training branch; or put them
into UPDATE_OPS and build the train op under its dependencies.

## Source

"Going Deeper in Batch Normalization"; `tf.compat.v1.train.ExponentialMovingAverage` and
`tf.compat.v1.control_dependencies` in the TensorFlow documentation.

## Measured

Test accuracy with the moving averages: 0.403 bad, 0.927 good (tensorflow 2.21.0, tf_keras 2.21.0).

Graph mode of TensorFlow 2 (`tf.compat.v1`); once, in TensorFlow 1.15: a true mean of 5 was kept as 0.000, as 4.94 where the
op ran.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place, Step
from bnlint.judging import averaging
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN807", "average-never-run", severity="error", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    told: set[Place] = set()
    for update in averaging.never_run(story):
        place = update.where.place
        if place not in told:
            told.add(place)
            message = f"{averaging.title(update)} is never run: the average stays what it was initialised with"
            yield Report(message, place, "certain", averaging.moments(update))
    for train, updates in averaging.not_waited_for(story):
        first = updates[0]
        steps = [Step("an own batch norm puts its update into the collection here", first.where.place)]
        steps += [Step("called from here", place) for place in first.where.calls[-1:]]
        message = f"{train.how} does not run the updates of own averages that lie in UPDATE_OPS"
        yield Report(message, train.where.place, "likely", tuple(steps))
