"""A pretrained Keras network is unfrozen for finetuning, and its batch norm replaces the pretrained statistics.

## What it looks like

The head is trained on a frozen `keras.applications` network. Then `base.trainable = True`, `compile` and `fit` again
with a small learning rate. With the weights, the batch norm layers leave inference mode, too.

## Why it hurts

The pretrained statistics are replaced by those of the new data, from few and small batches, while the weights that
expect the old statistics hardly move. What prevents it depends on the version. In Keras 2, a base that was called as
`base(x, training=False)` keeps its batch norm in inference mode for good. In Keras 3, `fit` overrides that constant in
a functional model; what holds is `trainable = False` on each batch norm layer, or a subclassed model whose `call` says
`training=False`.

## Bad

```python
import tensorflow as tf
from tensorflow import keras

train = tf.data.Dataset.load("pets").shuffle(2000).batch(32, drop_remainder=True)
base = keras.applications.Xception(
    weights="imagenet", include_top=False, input_shape=(150, 150, 3)
)
base.trainable = False
inputs = keras.Input((150, 150, 3))
x = keras.layers.GlobalAveragePooling2D()(base(inputs))
model = keras.Model(inputs, keras.layers.Dense(1)(x))
model.compile(
    keras.optimizers.Adam(), keras.losses.BinaryCrossentropy(from_logits=True)
)
model.fit(train, epochs=20)

base.trainable = True
model.compile(
    keras.optimizers.Adam(1e-5), keras.losses.BinaryCrossentropy(from_logits=True)
)
model.fit(train, epochs=10)
```

## Good

```python
import tensorflow as tf
from tensorflow import keras

train = tf.data.Dataset.load("pets").shuffle(2000).batch(32, drop_remainder=True)
base = keras.applications.Xception(
    weights="imagenet", include_top=False, input_shape=(150, 150, 3)
)
base.trainable = False
inputs = keras.Input((150, 150, 3))
x = keras.layers.GlobalAveragePooling2D()(base(inputs))
model = keras.Model(inputs, keras.layers.Dense(1)(x))
model.compile(
    keras.optimizers.Adam(), keras.losses.BinaryCrossentropy(from_logits=True)
)
model.fit(train, epochs=20)

base.trainable = True
for layer in base.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.trainable = False
model.compile(
    keras.optimizers.Adam(1e-5), keras.losses.BinaryCrossentropy(from_logits=True)
)
model.fit(train, epochs=10)
```

## Silent when

- the network has no batch norm (VGG), or is trained from scratch (`weights=None`)
- the program treats batch norm layers separately when it unfreezes, or `call` says `training=False`
- the base is called with `training=False`, in a project for Keras 2 or one that does not say for which version it is

Confidence `possible`, hidden by default, where the network was not frozen before, or where its layers are frozen again
afterwards (more than a slice of them).

## Right on purpose

The new data are many, differ from those of the pretraining and come in large batches, so new statistics are wanted. If
that is your case, put `# bnlint: ignore[BN403] reason` on the line.

## Fix

`--fix` does not change this. Set `trainable = False` on the batch norm layers after the base is unfrozen and before
`compile`. This works in Keras 2 (with TensorFlow 2) and in Keras 3. In
TensorFlow 1 it holds the statistics only: `fit` still normalises by the batch.

## Source

"On The Perils of Batch Norm" (2017), on finetuning; Keras guide "Transfer learning & fine-tuning" and API documentation
(2.15 and 3.15), "BatchNormalization layer" (`layer.trainable = False`); keras-team/keras issue 20285, on
`training=False` in functional models.

## Measured

Relative drift of the pretrained moving variance: 0.398 bad, 0 good (tensorflow 2.21.0, keras 3.15.1).

Keras 3, a small MobileNet: four steps at a learning rate of 1e-5, on inputs three times as large. In Keras 2
`base(x, training=False)` holds the statistics as well; in Keras 3 `fit` of a functional model overrides it.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import thawing, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN403", "unfrozen-keras-backbone", severity="warning", frameworks=("keras",))
def check(story: Story) -> Iterator[Report]:
    for found in thawing.thawing(story):
        net, place = found.thawed.net, found.thawed.where.place
        so = ": in Keras 3 fit overrides training=False" if found.overridden is not None else ""
        yield Report(
            f"{traces.title(net)} is unfrozen, and its batch norm gives up the pretrained statistics{so}",
            place,
            found.confidence,
            traces.distinct(thawing.trace(found), place),
            frozenset({net}),
        )
