"""The averages of a handwritten batch norm are updated in evaluation, too.

## What it looks like

The assignments are created before `tf.cond`, and one of its branches lists them in `tf.control_dependencies`. Or the
dependencies surround the whole condition.

## Why it hurts

`tf.cond` chooses only among the ops that are created inside its branches. Everything that a branch uses from outside is
computed before, whichever branch is taken. So each evaluation moves the averages towards the data that it should only
be judged on: scores depend on what was evaluated before, and a served model drifts with its traffic.

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

        def of_batch():
            with tf.control_dependencies([update_mean, update_var]):
                return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)

        def of_population():
            return tf.nn.batch_normalization(
                x, moving_mean, moving_var, beta, gamma, 1e-3
            )

        return tf.cond(is_training, of_batch, of_population)
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
                return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)

        def of_population():
            return tf.nn.batch_normalization(
                x, moving_mean, moving_var, beta, gamma, 1e-3
            )

        return tf.cond(is_training, of_batch, of_population)
```

## Silent when

- the update is created inside a branch of a condition, even if another one uses it
- the decay itself is switched to 1 in evaluation
- the updates are in UPDATE_OPS and run with the train op only
- a Python flag decides which graph is built: what nothing depends on does not run

## Right on purpose

The averages are meant to adapt to the data that is evaluated. If that is your case, put
`# bnlint: ignore[BN808] reason` on the line.

## Fix

`--fix` does not change this. Create the assignments (or call `ema.apply`) inside the function of the training branch.

## Source

"Going Deeper in Batch Normalization"; TensorFlow API documentation (1.15 and 2.21), `tf.compat.v1.cond` ("Any Tensors
or Operations created outside of `true_fn` and `false_fn` will be executed regardless of which branch is selected at
runtime").

## Measured

Relative drift of the moving variance in an evaluation on louder data: 2.62 bad, 0 good (tensorflow 2.21.0, tf_keras 2.21.0).

Graph mode of TensorFlow 2 (`tf.compat.v1`); the evaluation sees values twice as large.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place, Step
from bnlint.judging import averaging
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import AverageUpdate


@rule("BN808", "average-updated-in-evaluation", severity="error", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    told: set[Place] = set()
    updates: list[AverageUpdate] = story.of(AverageUpdate)
    for update in updates:
        place = update.where.place
        if update.unconditional is not None and update.graph and place not in told:
            told.add(place)
            message = f"{averaging.title(update)} is created outside the training branch: it runs in evaluation, too"
            trace = (Step("only one branch of this condition is meant to run it", update.unconditional),)
            yield Report(message, place, "certain", trace)
