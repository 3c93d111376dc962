"""The bias of a convolution or linear layer is removed by the batch norm right after it.

## What it looks like

`nn.Conv2d(64, 128, 3)` followed by `nn.BatchNorm2d(128)`: `bias=True` is the default of the convolution. So is
`use_bias=True` of `Conv2D` in Keras and of `tf.layers.conv2d`.

## Why it hurts

Batch norm subtracts the mean of each channel, and with it every constant that was added to the channel; its own beta
takes the place of the bias. The bias costs a little memory and time, and its gradient is rounding noise. Nothing
breaks, which is why this rule is off unless it is selected.

## Bad

```python
from torch import nn

net = nn.Sequential(
    nn.Conv2d(3, 64, 3, padding=1),
    nn.BatchNorm2d(64),
    nn.ReLU(),
)
```

```python
from keras import Input, Model, layers

x = inputs = Input((32, 32, 3))
x = layers.Conv2D(64, 3, padding="same")(x)
x = layers.ReLU()(layers.BatchNormalization()(x))
model = Model(inputs, x)
```

## Good

```python
from torch import nn

net = nn.Sequential(
    nn.Conv2d(3, 64, 3, padding=1, bias=False),
    nn.BatchNorm2d(64),
    nn.ReLU(),
)
```

```python
from keras import Input, Model, layers

x = inputs = Input((32, 32, 3))
x = layers.Conv2D(64, 3, padding="same", use_bias=False)(x)
x = layers.ReLU()(layers.BatchNormalization()(x))
model = Model(inputs, x)
```

## Silent when

- anything stands between the two, an activation for example, or (Keras, TensorFlow) another layer gets the same output
- the batch norm runs in eval mode only: its mean is a constant then, and the bias is not redundant
- the argument `bias` has an unknown value

## Right on purpose

The layer is also used in a place without batch norm, or the format of a checkpoint needs the bias. If that is your
case, put `# bnlint: ignore[BN607] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` sets `bias=False`, in Keras and `tf.layers` `use_bias=False`. Unsafe: existing
checkpoints hold a bias that the layer no longer has. It leaves a line alone that also makes layers without a batch norm
behind them.

## Source

"Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift" (Ioffe and Szegedy,
2015), section 3.2 ("the bias b can be ignored").

## Measured

Nothing to run: only memory and a little time are lost. Once (torch 2.13) the bias' gradient was 8e-5 where that of the
weights was 316, and the output changed by 4e-6 without it; in eval mode its gradient was 134.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Cure, Place
from bnlint.judging import curing, neighbours, sites, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.values import Obj, truth

KERAS_1 = frozenset({"bias", "init", "nb_filter", "nb_row", "border_mode", "subsample", "W_regularizer", "output_dim"})
"""arguments that only Keras 1 knows, which has no `use_bias`"""


@rule("BN607", "redundant-bias", severity="info", default=False, frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    found_before = list(neighbours.fed(story))
    fed = {id(found.shape.made) for found in found_before if found.trains}
    for found in found_before:
        layer = found.shape.made
        if layer is None or "#bias" not in layer.slots or layer.site is None or not found.trains or layer.site in told:
            continue
        if truth(layer.slots["#bias"]) is not True or "#elsewhere" in layer.slots:
            continue
        told.add(layer.site)
        yield Report(
            f"the bias of {traces.title(layer)} is taken away by the {traces.title(found.norm)} after it",
            layer.site,
            "certain" if found.forward is None or story.bound else "likely",
            traces.distinct(neighbours.steps(found), layer.site),
            frozenset({layer}),
            cure(story, layer, layer.site, fed),
        )


def cure(story: Story, layer: Obj, place: Place, fed: set[int]) -> Cure | None:
    """`bias=False`, or what Keras and tf.layers call it, if a batch norm follows every layer that the line makes."""
    made = story.biased.get(place, ())
    name = "bias" if layer.lib.startswith("torch") else "use_bias"
    if not made or any(id(each) not in fed for each in made) or (name == "use_bias" and sites.gives(story, place, KERAS_1)):
        return None
    change = curing.argument(story, place, name, "False", over=("True",))
    return Cure(f"set `{name}=False`", "unsafe", (change,)) if change is not None else None
