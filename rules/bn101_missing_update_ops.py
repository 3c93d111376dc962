"""A TensorFlow 1 train op that does not run the update ops of batch norm.

## What it looks like

`tf.layers.batch_normalization`, `tf.contrib.layers.batch_norm` and `slim.batch_norm` normalise with the batch while they
train. The step that moves the moving mean and variance is a separate op, put into the collection
`tf.GraphKeys.UPDATE_OPS`. `minimize()` and `apply_gradients()` know nothing of that collection, so unless the program
makes the train op depend on it, or runs it in some other way, the updates never happen.

## Why it hurts

Training looks healthy, because it uses the statistics of the batch. At test time the layer uses the moving mean and
variance, and these still have their first values: zero and one. The network is then evaluated with a normalisation it was
never trained with.

## Bad

```python
import tensorflow.compat.v1 as tf

x = tf.placeholder(tf.float32, [None, 16])
y = tf.placeholder(tf.int32, [None])
training = tf.placeholder(tf.bool, [])

h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 4))
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
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train_op = tf.train.AdamOptimizer().minimize(loss)


def train_step(sess, xs, ys):
    sess.run(train_op, {x: xs, y: ys, training: True})
```

## Silent when

- the updates are dependencies of `minimize()`, `compute_gradients()` or `apply_gradients()`, or of an op that the gradient
  needs; one tower's updates are enough;
- they are grouped with the train op, follow it as post-ops, or are fetched beside it in `sess.run` (by hand or by a hook);
- a helper runs them: `create_train_op` of slim or contrib, `optimize_loss` (but not with `update_ops=[]`);
- the layers update in place (`updates_collections=None`), or an own batch norm runs its assigns itself;
- no layer makes updates: `training=False` everywhere, a frozen backbone, TF2 eager;
- Keras trains by `fit` or `train_on_batch`, or `model.updates` was copied into the collection (see BN104);
- the collection is read, but too early (BN102) or without effect (BN103): those rules speak then.

## Right on purpose

The averages are never used: evaluation is fed the batch's statistics on purpose, or another program estimates them
afterwards. Then write `# bnlint: ignore[BN101]` and the reason on the line.

## Fix

Build the train op within `with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):`. Unsafe: it changes
what training does, and in a graph with several networks the list may need a scope.

## Source

"A bug hidden in plain sight"; "Going Deeper in Batch Normalization"; the note on UPDATE_OPS in the TensorFlow
documentation of `tf.compat.v1.layers.batch_normalization`.

## Measured

Test accuracy with the moving averages: 0.391 bad, 0.933 good (tensorflow 2.21.0, tf_keras 2.21.0).

The moving mean stays exactly 0. Graph mode of TensorFlow 2 (`tf.compat.v1`); once, in TensorFlow 1.15 itself: .525 against
.896.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import updating
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN101", "missing-update-ops", severity="error", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    for found in updating.missing(story):
        if found.kind == "never":
            yield Report(
                f"{found.train.how} does not run the update ops of {updating.title(found.norms[0])}",
                found.train.where.place,
                found.confidence,
                updating.trace(found),
                updating.subjects(found),
                updating.run_first(story, found),
            )
