"""A Keras batch norm normalises along an axis that does not hold the channels.

## What it looks like

A convolution with `data_format="channels_first"` is followed by `BatchNormalization()`, whose axis is the last one, or
a convolution with channels last by `BatchNormalization(axis=1)`. `set_image_data_format("channels_first")` changes the
convolutions, but not batch norm. And `BatchNormalization(0.9)` sets no momentum: the first argument is the axis.

## Why it hurts

Statistics, scale and shift then belong to the columns of the picture instead of its channels. A channel whose values
are a hundred times larger than another's stays that large, the layer has the wrong number of weights, and it works for
pictures of one width only.

## Bad

```python
from keras.layers import BatchNormalization, Conv2D
from keras.models import Sequential

model = Sequential()
model.add(
    Conv2D(32, 3, data_format="channels_first", use_bias=False, input_shape=(3, 64, 64))
)
model.add(BatchNormalization())
```

## Good

```python
from keras.layers import BatchNormalization, Conv2D
from keras.models import Sequential

model = Sequential()
model.add(
    Conv2D(32, 3, data_format="channels_first", use_bias=False, input_shape=(3, 64, 64))
)
model.add(BatchNormalization(axis=1))
```

## Silent when

- the text does not say where the channels are, so that the installation's settings decide
- the axis depends on the same option as the format, or on `image_data_format()`
- what is normalised is a sequence or a vector, or was permuted in between

## Right on purpose

The last axis holds what you want to normalise, as with spectra. If that is your case, put
`# bnlint: ignore[BN604] reason` on the line.

## Fix

`--fix` does not change this. Pass `axis=1` for channels first, `axis=-1` for channels last.

## Source

Keras API documentation (3.15), "BatchNormalization layer" ("after a Conv2D layer with data_format="channels_first", use
axis=1"); Keras API documentation (2.15), `set_image_data_format`.

## Measured

Largest ratio of the channels' standard deviations: 161 bad, 1.36 good (tensorflow 2.21.0, keras 3.15.1).

Keras 3. Gamma has the width's 6 entries instead of the channels' 4. `BatchNormalization(0.9)` is a TypeError in Keras 2.15
and sets the axis to 0 without a word in Keras 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import AxisUsed, Built
from bnlint.story.values import number

CHANNELS = {"channels_first": (1, -3), "channels_last": (-1, 3)}


@rule("BN604", "wrong-axis", severity="error", frameworks=("keras",))
def check(story: Story) -> Iterator[Report]:
    for built in story.of(Built):
        given = built.arguments.get("axis") if built.lib.startswith("keras.") else None
        axis = number(given[0]) if given is not None else None
        if axis is not None and isinstance(axis[0], float):
            place = built.where.place
            message = f"BatchNormalization({axis[0]:g}) sets the axis, which is the first argument, and not the momentum"
            yield Report(message, place, "likely" if axis[1] else "certain", (), frozenset({built.obj}))
    for used in story.of(AxisUsed):
        wrong = sorted(name for name in used.formats if used.axis not in CHANNELS[name])
        if not wrong:
            continue
        site = used.norm.site
        yield Report(
            f"batch norm normalises over axis {used.axis}, but the layers before it have {wrong[0].replace('_', ' ')}",
            used.where.place,
            "certain" if len(used.formats) == 1 and not used.assumed else "likely",
            (Step("the layer is built here", site),) if site is not None and site != used.where.place else (),
            frozenset({used.norm}),
        )
