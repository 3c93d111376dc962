"""Batch renormalisation whose corrections r and d are not limited, or hardly, from the first step on.

## What it looks like

`BatchNormalization(renorm=True)` with `renorm_clipping` left out, which means no limits at all, or with constants larger than
the ones that training should end with.

## Why it hurts

Batch renorm corrects what the batch gives towards the averages, by a factor r and a shift d. At the start the averages are
far from the truth, so that large corrections make training unstable. The method therefore begins as plain batch norm
(r at most 1, d at most 0) for 5000 steps and lets r grow to 3 until step 40000 and d to 5 until step 25000.

## Bad

```python
import tensorflow as tf

x = tf.keras.Input((32, 32, 3))
y = tf.keras.layers.Conv2D(16, 3, use_bias=False)(x)
y = tf.keras.layers.BatchNormalization(renorm=True)(y)
model = tf.keras.Model(x, tf.keras.layers.Dense(10)(tf.keras.layers.GlobalAveragePooling2D()(y)))
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
model = tf.keras.Model(x, tf.keras.layers.Dense(10)(tf.keras.layers.GlobalAveragePooling2D()(y)))
model.compile("sgd", "mse")
model.fit(tf.random.normal((256, 32, 32, 3)), tf.random.normal((256, 10)), batch_size=8)
```

In a graph the limits may be tensors that depend on the global step: that is the schedule.

## Silent when

- the limits are tensors, or come from somewhere that is not known
- the constants lie within rmax 3 and dmax 5; exactly these from the first step on are `possible`
- the layer is built for inference (`training=False`), or nothing is trained

## Right on purpose

The averages were restored from a trained checkpoint, so that the first steps need no limits. Then write `# bnlint:
ignore[BN606]` and the reason on the line.

## Fix

None is offered: the schedule belongs to the length of the training.

## Source

"Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models" (Ioffe, 2017), section 4; the post
on batch renormalisation (Ruban, 2018), on the schedule; TensorFlow 1.15 and Keras 2.15 (`renorm_clipping=None`).

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
