"""The update ops of batch norm are collected, but nothing that trains depends on them.

## What it looks like

- the list is kept in a variable that nobody uses;
- `with tf.control_dependencies(update_ops):` holds only `pass`, or hands on a train op that was built before;
- `loss = tf.identity(loss)` stands inside and `minimize(loss)` outside;
- the key is mistyped: `tf.get_collection("UPDATE_OPS")` is another, empty collection (the key is "update_ops");
- the dependencies are `None` unless an option is given that nobody gives.

## Why it hurts

`tf.control_dependencies` concerns only ops that are *created* within the block; a tensor that exists already passes
through unchanged. The gradient of an identity does not need the identity's value either, so training never runs it. The
moving averages keep their first values, zero and one, and evaluation fails as in BN101.

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

- `minimize()`, `compute_gradients()` or `apply_gradients()` is called inside the block: each alone is enough;
- the op made inside is one that the gradient needs (an identity of the logits before a cross entropy), or is itself what
  the session runs (`tf.no_op`, `tf.group`);
- the loss made inside is fetched in every training step, as the loss of an `EstimatorSpec` is;
- only the first or the last tower's updates are collected: towers share the averages;
- an own key is written and read by the same name;
- the collection is always empty because the layers update in place (`updates_collections=None`).

## Right on purpose

The updates are run by hand at other steps, in a way that is not seen here. Then write `# bnlint: ignore[BN103]` and the
reason on the line.

## Fix

None: where the train op belongs is the author's choice. Build it inside the block.

## Source

"A bug hidden in plain sight"; "Going Deeper in Batch Normalization"; the TensorFlow documentation of
`tf.Graph.control_dependencies`, which names the case of an op built outside.

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
            return "only an identity depends on the update ops here, which no gradient needs"
        return "nothing that trains is created under these dependencies on the update ops"
    if isinstance(shown, CollectionRead) and shown.key != updating.UPDATES:
        return f"{shown.key!r} is not the collection of update ops, which is tf.GraphKeys.UPDATE_OPS"
    return "the update ops are collected here, but nothing that trains depends on them"
