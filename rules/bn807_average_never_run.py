"""The op that updates the averages of a handwritten batch norm is created but never run.

## What it looks like

`ema.apply([mean, variance])` or `tf.assign(moving_mean, ...)` returns an op. The function drops it, makes it a
dependency of a block in which no op is created, or leaves it in `tf.GraphKeys.UPDATE_OPS`, which the train op does not
wait for.

## Why it hurts

In a graph an op does not run because it was written down: it runs if a session fetches it or something that depends on
it. Training looks fine, because it normalises by the batch. The averages stay as they were initialised, and the first
evaluation normalises by mean zero and variance one.

## Bad

```python
import tensorflow.compat.v1 as tf


def batch_norm(x, is_training, decay=0.99):
    width = x.get_shape()[-1]
    with tf.variable_scope("bn"):
        beta = tf.get_variable("beta", [width], initializer=tf.zeros_initializer())
        gamma = tf.get_variable("gamma", [width], initializer=tf.ones_initializer())
        moving_mean = tf.get_variable(
            "moving_mean", [width], initializer=tf.zeros_initializer(), trainable=False
        )
        moving_var = tf.get_variable(
            "moving_var", [width], initializer=tf.ones_initializer(), trainable=False
        )
        mean, var = tf.nn.moments(x, [0])
        update_mean = tf.assign(moving_mean, moving_mean * decay + mean * (1 - decay))
        update_var = tf.assign(moving_var, moving_var * decay + var * (1 - decay))
        mean, var = tf.cond(
            is_training, lambda: (mean, var), lambda: (moving_mean, moving_var)
        )
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
        moving_mean = tf.get_variable(
            "moving_mean", [width], initializer=tf.zeros_initializer(), trainable=False
        )
        moving_var = tf.get_variable(
            "moving_var", [width], initializer=tf.ones_initializer(), trainable=False
        )
        mean, var = tf.nn.moments(x, [0])

        def of_batch():
            update_mean = tf.assign(
                moving_mean, moving_mean * decay + mean * (1 - decay)
            )
            update_var = tf.assign(moving_var, moving_var * decay + var * (1 - decay))
            with tf.control_dependencies([update_mean, update_var]):
                return tf.identity(mean), tf.identity(var)

        used_mean, used_var = tf.cond(
            is_training, of_batch, lambda: (moving_mean, moving_var)
        )
        return tf.nn.batch_normalization(x, used_mean, used_var, beta, gamma, 1e-3)
```

## Silent when

- the op is returned, kept in a list or an attribute, or handed to code that bnlint cannot follow: somebody may run it
- it is put into a collection with a key of its own, or the train op waits for UPDATE_OPS
- the graph normalises by the averages only: nothing is trained in it
- the code may run eagerly: layers of Keras, `tf.function`

## Right on purpose

Another program restores this graph and runs the averages. If that is your case, put `# bnlint: ignore[BN807] reason` on
the line.

## Fix

`--fix` does not change this. Within the training branch, create what normalises under `tf.control_dependencies` of the
updates. Or put the updates into UPDATE_OPS and build the train op under their dependencies.

## Source

"Going Deeper in Batch Normalization"; TensorFlow API documentation (1.15 and 2.21),
`tf.compat.v1.train.ExponentialMovingAverage` and `tf.compat.v1.control_dependencies`.

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
        steps = [Step("a handwritten batch norm puts its update into the collection here", first.where.place)]
        steps += [Step("called from here", place) for place in first.where.calls[-1:]]
        message = f"{train.how} does not run the updates of handwritten averages that are in UPDATE_OPS"
        yield Report(message, train.where.place, "likely", tuple(steps))
