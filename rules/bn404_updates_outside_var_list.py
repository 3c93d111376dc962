"""Only a part of the network is trained, but the averages of all its batch norms are updated.

## What it looks like

`minimize(loss, var_list=head)`, `create_train_op(variables_to_train=...)`, `optimize_loss(variables=...)` or
`apply_gradients` on a subset, run together with every op in `tf.GraphKeys.UPDATE_OPS`. The layers that `var_list`
leaves out were meant to stay as they are.

## Why it hurts

`var_list` chooses which variables the gradient changes. Update ops have no gradient: they run because the train op
depends on them, and they move the averages of the frozen layers towards the new data. After finetuning, the frozen part
is no longer the function that was restored, neither for the new task nor for anyone else who uses it.

## Bad

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool, [])
with tf.variable_scope("body"):
    h = tf.layers.dense(x, 64, use_bias=False, name="fc")
    h = tf.nn.relu(tf.layers.batch_normalization(h, training=training, name="bn"))
with tf.variable_scope("head"):
    loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 10, name="fc"))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train_step = tf.train.AdamOptimizer().minimize(
        loss, var_list=tf.trainable_variables("head")
    )
```

## Good

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
with tf.variable_scope("body"):
    h = tf.layers.dense(x, 64, use_bias=False, name="fc")
    h = tf.nn.relu(tf.layers.batch_normalization(h, training=False, name="bn"))
with tf.variable_scope("head"):
    loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 10, name="fc"))
train_step = tf.train.AdamOptimizer().minimize(
    loss, var_list=tf.trainable_variables("head")
)
```

## Silent when

- the frozen layers are built in inference mode, or the collection is read with a `scope=` that leaves them out
- every layer whose averages move is trained by some train op of the program: that is BN107
- the names of the variables or of the layers are not known

## Right on purpose

The frozen layers are meant to adapt their statistics to the new data and are not used for the old data again. If that
is your case, put `# bnlint: ignore[BN404] reason` on the line.

## Fix

`--fix` does not change this. Build the frozen part with `training=False`. To filter the update ops alone keeps the
averages still, but the frozen layers go on normalising by the batch.

## Source

"On The Perils of Batch Norm" (2017), on running averages in finetuning; TensorFlow API documentation (1.15),
`tf.train.Optimizer.minimize`.

## Measured

Largest drift of the frozen layer's moving mean: 9.85 bad, 0 good (tensorflow 2.21.0, tf_keras 2.21.0).

Graph mode of TensorFlow 2 (`tf.compat.v1`); once, in TensorFlow 1.15: 5.04 against 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import subsets, traces, updating
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN404", "updates-outside-var-list", severity="warning", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    for found in subsets.surplus(story):
        if found.trained_elsewhere:
            continue
        place = found.train.where.place
        more = f" and at least {len(found.norms) - 1} more" if len(found.norms) > 1 else ""
        yield Report(
            f"{found.train.how} trains a part of the variables, but updates {updating.title(found.norms[0])}{more} outside it",
            place,
            "certain" if story.bound else "likely",
            traces.distinct(subsets.trace(found), place),
            frozenset({found.train}),
        )
