"""The update ops of batch norm are collected, but nothing that trains depends on them.

## What it looks like

- the list is kept in a variable that is never used
- `with tf.control_dependencies(update_ops):` holds only `pass`, or only mentions a train op that was built before
- `loss = tf.identity(loss)` stands inside the block, `minimize(loss)` outside
- the key is mistyped: `tf.get_collection("UPDATE_OPS")` is another, empty collection (the key is `"update_ops"`)
- the dependencies are `None` unless an option is given, and nobody gives it

## Why it hurts

`tf.control_dependencies` affects only the ops that are *created* inside the block; a tensor that exists already passes
through unchanged. A `tf.identity` of the loss does not help either: its gradient does not need its value, so training
never runs it. The moving averages stay at zero and one, and evaluation fails as in BN101.

## Bad

```python
import tensorflow.compat.v1 as tf

x = tf.placeholder(tf.float32, [None, 16])
y = tf.placeholder(tf.int32, [None])
training = tf.placeholder(tf.bool, [])

h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 4))
update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
with tf.control_dependencies(update_ops):
    loss = tf.identity(loss)
train_op = tf.train.AdamOptimizer().minimize(loss)


def train_step(sess, xs, ys):
    sess.run(train_op, {x: xs, y: ys, training: True})
```

## Good

```python
import tensorflow.compat.v1 as tf

x = tf.placeholder(tf.float32, [None, 16])
y = tf.placeholder(tf.int32, [None])
training = tf.placeholder(tf.bool, [])

h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 4))
update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
with tf.control_dependencies(update_ops):
    train_op = tf.train.AdamOptimizer().minimize(loss)


def train_step(sess, xs, ys):
    sess.run(train_op, {x: xs, y: ys, training: True})
```

## Silent when

- `minimize()`, `compute_gradients()` or `apply_gradients()` is called inside the block: each of them is enough
- the op made inside is one that the gradient needs (an identity of the logits before a cross entropy), or is itself
  what the session runs (`tf.no_op`, `tf.group`)
- the loss made inside is fetched in every training step, as the loss of an `EstimatorSpec` is
- only the updates of the first or the last tower are collected: towers share the averages
- a collection with a key of its own is written and read by the same key
- the collection is always empty because the layers update in place (`updates_collections=None`)

## Right on purpose

The updates are run by hand in other steps, in a way that bnlint cannot see. If that is your case, put
`# bnlint: ignore[BN103] reason` on the line.

## Fix

`--fix` does not change this, because it cannot know where the train op belongs. Build it inside the block.

## Source

"A bug hidden in plain sight"; "Going Deeper in Batch Normalization"; TensorFlow API documentation (1.15 and 2.21),
`tf.Graph.control_dependencies` (the context applies only to ops that are constructed within it).

## Measured

Test accuracy with the moving averages: 0.391 bad, 0.933 good (tensorflow 2.21.0, tf_keras 2.21.0).

The form with `tf.identity`; the averages do move if that very loss is fetched in each step. Graph mode of TensorFlow 2
(`tf.compat.v1`); once, in TensorFlow 1.15: .525 against .896.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import updating
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import CollectionRead, Dependencies


@rule("BN103", "update-ops-not-effective", severity="error", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    for found in updating.missing(story):
        if found.kind == "ineffective":
            yield Report(
                message(found.shown),
                found.shown.where.place,
                found.confidence,
                updating.trace(found),
                updating.subjects(found),
            )


def message(shown: object) -> str:
    if isinstance(shown, Dependencies):
        if shown.none:
            return "these dependencies are None, so the update ops of batch norm do not run"
        if "identity" in shown.made and len(shown.made) == 1:
            return "only an identity depends on the update ops here, and no gradient needs its value: they never run"
        return "nothing that trains is created under these dependencies on the update ops"
    if isinstance(shown, CollectionRead) and shown.key != updating.UPDATES:
        return f"{shown.key!r} is not the collection of update ops, which is tf.GraphKeys.UPDATE_OPS"
    return "the update ops are collected here, but nothing that trains depends on them"
