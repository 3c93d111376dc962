"""One train op also updates the averages of a network that another train op trains.

## What it looks like

Two optimisers with a `var_list` each, say for a generator and a discriminator, are both built under
`tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS))`. The list is not filtered by scope, so each of the
two train ops runs the updates of both networks.

## Why it hurts

Each step of one network also moves the averages of the other, on batches that the other may not train on. They move
more often than the number in the code suggests. Many published GANs do this and work, which is why this rule is off
unless it is selected.

## Bad

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
training = tf.placeholder(tf.bool, [])
with tf.variable_scope("a"):
    a = tf.layers.batch_normalization(
        tf.layers.dense(x, 32, use_bias=False, name="fc"), training=training, name="bn"
    )
with tf.variable_scope("b"):
    b = tf.layers.batch_normalization(
        tf.layers.dense(a, 32, use_bias=False, name="fc"), training=training, name="bn"
    )
loss = tf.reduce_mean(tf.square(b - x))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    a_step = tf.train.AdamOptimizer(1e-3).minimize(
        loss, var_list=tf.trainable_variables("a")
    )
    b_step = tf.train.AdamOptimizer(1e-4).minimize(
        loss, var_list=tf.trainable_variables("b")
    )
```

## Good

```python
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
training = tf.placeholder(tf.bool, [])
with tf.variable_scope("a"):
    a = tf.layers.batch_normalization(
        tf.layers.dense(x, 32, use_bias=False, name="fc"), training=training, name="bn"
    )
with tf.variable_scope("b"):
    b = tf.layers.batch_normalization(
        tf.layers.dense(a, 32, use_bias=False, name="fc"), training=training, name="bn"
    )
loss = tf.reduce_mean(tf.square(b - x))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope="a")):
    a_step = tf.train.AdamOptimizer(1e-3).minimize(
        loss, var_list=tf.trainable_variables("a")
    )
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope="b")):
    b_step = tf.train.AdamOptimizer(1e-4).minimize(
        loss, var_list=tf.trainable_variables("b")
    )
```

## Silent when

- the collection is read with a `scope=` for each network
- there is one train op, or the train ops are grouped into one step
- the names of the variables or of the layers are not known

## Right on purpose

Each step is meant to move the averages of both networks, and the momentum was chosen for that. If that is your case,
put `# bnlint: ignore[BN107] reason` on the line.

## Fix

`--fix` does not change this. Read the collection once for each network, with its `scope=` (a pattern for the beginning
of the name: `scope="a"` also finds `ab/...`, `scope="a/"` does not).

## Source

TensorFlow API documentation (1.15), `tf.get_collection` ("scope: ... If supplied, the resulting list is filtered").

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
                f"{found.train.how} also runs the update ops of {updating.title(found.norms[0])},"
                " which another train op trains",
                place,
                "certain" if story.bound else "likely",
                traces.distinct(subsets.trace(found), place),
                frozenset({found.train}),
            )
