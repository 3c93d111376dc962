"""Batch renormalisation starts with loose limits on its corrections, or with none.

## What it looks like

`BatchNormalization(renorm=True)` without `renorm_clipping`, which means no limits at all, or with constants that are
looser than those training should end with.

## Why it hurts

Batch renormalisation corrects the normalised batch towards the running statistics, by a factor r and a shift d. At the
start these statistics are far from the truth, so large corrections can make training unstable, above all at high
learning rates. The paper therefore begins with plain batch norm (r = 1, d = 0) for 5000 steps, and then lets r grow to
3 until step 40000 and d to 5 until step 25000.

## Bad

```python
import tensorflow as tf

x = tf.keras.Input((32, 32, 3))
y = tf.keras.layers.Conv2D(16, 3, use_bias=False)(x)
y = tf.keras.layers.BatchNormalization(renorm=True)(y)
model = tf.keras.Model(
    x, tf.keras.layers.Dense(10)(tf.keras.layers.GlobalAveragePooling2D()(y))
)
model.compile("sgd", "mse")
model.fit(tf.random.normal((256, 32, 32, 3)), tf.random.normal((256, 10)), batch_size=8)
```

## Good

```python
import tensorflow as tf

tight = {"rmin": 0.8, "rmax": 1.25, "dmax": 0.5}
x = tf.keras.Input((32, 32, 3))
y = tf.keras.layers.Conv2D(16, 3, use_bias=False)(x)
y = tf.keras.layers.BatchNormalization(renorm=True, renorm_clipping=tight)(y)
model = tf.keras.Model(
    x, tf.keras.layers.Dense(10)(tf.keras.layers.GlobalAveragePooling2D()(y))
)
model.compile("sgd", "mse")
model.fit(tf.random.normal((256, 32, 32, 3)), tf.random.normal((256, 10)), batch_size=8)
```

In a graph the limits may be tensors that depend on the global step: that is the schedule.

## Silent when

- the limits are tensors, or come from somewhere that is not known
- the constants lie within rmax 3 and dmax 5; exactly these from the first step on are `possible`, hidden by default
- the layer is built for inference (`training=False`), or nothing is trained

## Right on purpose

The statistics were restored from a trained checkpoint, so the first steps need no limits. If that is your case, put
`# bnlint: ignore[BN606] reason` on the line.

## Fix

`--fix` does not change this, because the schedule depends on the length of the training. In a graph the limits may be
tensors that depend on the global step; constants within rmax 3 and dmax 5 are the simple way.

## Source

"Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models" (Ioffe, 2017), section 4; the
post on batch renormalisation (Ruban, 2018), on the schedule; TensorFlow API documentation (1.15),
`tf.layers.batch_normalization`, and Keras API documentation (3.15), "BatchNormalization layer"
(`renorm_clipping=None`).

## Measured

Test accuracy at a high learning rate: 0.248 bad, 0.852 good (tensorflow 2.21.0, tf_keras 2.21.0).

A learning rate of 1 in graph mode of TensorFlow 2 (`tf.compat.v1`). At small learning rates there is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import renorm, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN606", "renorm-without-schedule", severity="warning", frameworks=("tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for found in renorm.unlimited(story):
        place = found.event.where.place
        key = found.limits if found.event.elsewhere else place  # shared parameters are reported once
        if key in told:
            continue
        told.add(key)
        how = f"limited by {found.limits} only" if found.limits else "unlimited"
        yield Report(
            f"the corrections of batch renorm are {how} from the first step on",
            place,
            found.confidence,
            traces.distinct(traces.called(found.event), place),
            frozenset({found.event.norm}),
        )
