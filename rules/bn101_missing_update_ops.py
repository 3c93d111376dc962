"""A TensorFlow 1 train op does not run the update ops of batch norm.

## What it looks like

`tf.layers.batch_normalization`, `tf.contrib.layers.batch_norm` and `slim.batch_norm` normalise with the batch while
they train. The ops that move the moving mean and variance are separate: they are put into the collection
`tf.GraphKeys.UPDATE_OPS`. `minimize()` and `apply_gradients()` do not look at that collection, so the updates never
happen unless the program makes the train op depend on them or runs them in some other way.

## Why it hurts

Training looks healthy, because in training the layer uses the statistics of the batch. At test time it uses the moving
mean and variance, and these are still what they were initialised to: zero and one. The network is evaluated with a
normalisation it was never trained with.

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

- `minimize()`, `compute_gradients()`, `apply_gradients()` or an op that the gradient needs depends on the updates; the
  updates of one tower are enough
- the updates are grouped with the train op, follow it as post-ops, or are fetched beside it in `sess.run` (by hand or
  by a hook)
- a helper runs them: `create_train_op` of slim or contrib, `optimize_loss` (but not with `update_ops=[]`)
- the layers update in place (`updates_collections=None`), or a handwritten batch norm runs its own assignments
- no layer makes updates: `training=False` everywhere, a frozen backbone, eager TensorFlow 2
- Keras trains with `fit` or `train_on_batch`, or `model.updates` was copied into the collection (see BN104)
- the collection is read, but too early (BN102) or without effect (BN103): those rules report it then

## Right on purpose

The moving averages are never used: evaluation normalises by the batch on purpose, or another program estimates them
afterwards. If that is your case, put `# bnlint: ignore[BN101] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` builds the train op inside `with
tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):`, or replaces an explicit `update_ops=[]` by
`update_ops=None`. Unsafe: it changes what training computes, and where a graph holds several networks the collection
may have to be filtered by scope.

## Source

"A bug hidden in plain sight"; "Going Deeper in Batch Normalization"; TensorFlow API documentation (1.15 and 2.21),
`tf.compat.v1.layers.batch_normalization`, note on UPDATE_OPS.

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
                f"{found.train.how} does not run the update ops of {updating.title(found.norms[0])},"
                " so its moving averages never change",
                found.train.where.place,
                found.confidence,
                updating.trace(found),
                updating.subjects(found),
                updating.run_first(story, found),
            )
