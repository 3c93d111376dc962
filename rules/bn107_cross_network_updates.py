"""One train op also updates the averages of a network that another train op trains.

## What it looks like

Two optimisers with a `var_list` each, for example a generator's and an encoder's, are both built under
`tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS))`: the list is not filtered by scope.

## Why it hurts

Every step of either network moves the averages of both. They see each batch twice, and batches that the network's own step
never trains on; their momentum is another one than the number in the code. Many published GANs do so and work, which is why
this rule is off unless it is selected.

## Bad

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
training = tf.placeholder(tf.bool, [])
with tf.variable_scope("a"):
    a = tf.layers.batch_normalization(tf.layers.dense(x, 32, use_bias=False, name="fc"), training=training, name="bn")
with tf.variable_scope("b"):
    b = tf.layers.batch_normalization(tf.layers.dense(a, 32, use_bias=False, name="fc"), training=training, name="bn")
loss = tf.reduce_mean(tf.square(b - x))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    a_step = tf.train.AdamOptimizer(1e-3).minimize(loss, var_list=tf.trainable_variables("a"))
    b_step = tf.train.AdamOptimizer(1e-4).minimize(loss, var_list=tf.trainable_variables("b"))
```

## Good

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
training = tf.placeholder(tf.bool, [])
with tf.variable_scope("a"):
    a = tf.layers.batch_normalization(tf.layers.dense(x, 32, use_bias=False, name="fc"), training=training, name="bn")
with tf.variable_scope("b"):
    b = tf.layers.batch_normalization(tf.layers.dense(a, 32, use_bias=False, name="fc"), training=training, name="bn")
loss = tf.reduce_mean(tf.square(b - x))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope="a")):
    a_step = tf.train.AdamOptimizer(1e-3).minimize(loss, var_list=tf.trainable_variables("a"))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope="b")):
    b_step = tf.train.AdamOptimizer(1e-4).minimize(loss, var_list=tf.trainable_variables("b"))
```

## Silent when

- the collection is read with a `scope=` for each network
- there is one train op, or the train ops are grouped into one step
- the names of the variables or of the layers are not known

## Right on purpose

Either network's step is meant to move both averages, and the momentum was chosen for that. Then write `# bnlint:
ignore[BN107]` and the reason on the line.

## Fix

None is offered: read the collection with `scope=` for each network.

## Source

TensorFlow 1.15, `tf.get_collection` ("scope: Optional. A string. If supplied, the resulting list is filtered").

## Measured

Nothing to run: two updates in a step with momentum m are one with m squared.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import subsets, traces, updating
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN107", "cross-network-updates", severity="info", default=False, frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    for found in subsets.surplus(story):
        if found.trained_elsewhere and not found.grouped:
            place = found.train.where.place
            yield Report(
                f"{found.train.how} also runs the update ops of {updating.title(found.norms[0])} in another network",
                place,
                "certain" if story.bound else "likely",
                traces.distinct(subsets.trace(found), place),
                frozenset({found.train}),
            )
