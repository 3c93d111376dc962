"""The update ops are collected before the batch norm layers that add them exist.

## What it looks like

`tf.get_collection(tf.GraphKeys.UPDATE_OPS)` returns a copy of the list as it is at that moment. Read above the network,
in a constructor or when a module is imported, the list is empty; read between two networks, it holds the updates of the
first one only. The `with tf.control_dependencies(update_ops):` further down is correct, but waits for nothing.

## Why it hurts

The effect is that of BN101: the moving mean and variance stay at zero and one, and the network fails as soon as it is
evaluated with them. The code looks just like the example in the documentation, so the mistake is easily overlooked.

## Bad

```python
import tensorflow.compat.v1 as tf

x = tf.placeholder(tf.float32, [None, 16])
y = tf.placeholder(tf.int32, [None])
training = tf.placeholder(tf.bool, [])
update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)

h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 4))
with tf.control_dependencies(update_ops):
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

- the list is read after the layers were built: what counts is when the call runs, not where it stands in the file
- the early list serves to skip older updates (`[op for op in later if op not in earlier]`) or to check that the graph
  is empty
- `tf.get_collection_ref` is used: it returns the list itself, to which later layers append
- a loop over towers reads the list again after building each tower
- the layers update in place, so that no list is needed

## Right on purpose

The list is meant to hold only the updates of a network that was built earlier. If that is your case, put
`# bnlint: ignore[BN102] reason` on the line.

## Fix

`--fix` does not change this. Move the call down: read the collection after the last layer, right before the train op is
built.

## Source

"A bug hidden in plain sight" and "Going Deeper in Batch Normalization", on why the dependency is needed; TensorFlow API
documentation (1.15 and 2.21), `tf.Graph.get_collection` (returns a new list) and `tf.Graph.get_collection_ref` (returns
the list itself).

## Measured

Test accuracy with the moving averages: 0.391 bad, 0.933 good (tensorflow 2.21.0, tf_keras 2.21.0).

The list that was read too early is empty. Graph mode of TensorFlow 2 (`tf.compat.v1`); once, in TensorFlow 1.15: .525
against .896.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import updating
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN102", "update-ops-too-early", severity="error", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    for found in updating.missing(story):
        if found.kind == "early":
            yield Report(
                f"the update ops are collected here before {updating.title(found.norms[0])} adds its own, so those never run",
                found.shown.where.place,
                found.confidence,
                updating.trace(found),
                updating.subjects(found),
            )
