"""A batch norm was built for another number of channels, or of axes, than it gets.

## What it looks like

`nn.BatchNorm2d(32)` after `nn.Conv2d(16, 64, 3)`; `nn.BatchNorm1d` on the four axes that a 2-D convolution gives, or
`nn.BatchNorm2d` after a flatten.

## Why it hurts

The first forward raises an error: hours into the job, if the branch is rarely taken.

## Bad

```python
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 64, 3, bias=False), nn.BatchNorm2d(32), nn.ReLU())
```

## Good

```python
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 64, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU())
```

## Silent when

- either number is not known from the text, or only from the default of an option
- the shape was lost on the way: arithmetic, concatenation, indexing, an unknown function

## Right on purpose

Never: it cannot run. Should bnlint be wrong about the shape, put `# bnlint: ignore[BN609] reason` on the line.

## Fix

`--fix` does not change this, because either of the two numbers may be the right one.

## Source

PyTorch documentation (2.13), `torch.nn.BatchNorm1d`, `torch.nn.BatchNorm2d` and `torch.nn.BatchNorm3d` (input shapes).

## Measured

The first training step: RuntimeError bad, completed good (torch 2.13.0).

RuntimeError "running_mean should contain 64 elements not 32"; `BatchNorm1d` on pictures is a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import neighbours, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.values import Obj, Shape, number

AXES = {"BatchNorm1d": (2, 3), "BatchNorm2d": (4,), "BatchNorm3d": (5,)}


@rule("BN609", "feature-mismatch", severity="error", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for found in neighbours.fed(story):
        place = found.norm.site
        message = mismatch(found.norm, found.shape)
        if message is None or place is None or place in told:
            continue
        told.add(place)
        layer = found.shape.made
        steps = [Step(f"{traces.title(layer)} before it is built here", layer.site)] if layer is not None and layer.site else []
        yield Report(
            message,
            place,
            "certain" if found.forward is None or story.bound else "likely",
            traces.distinct([*steps, *neighbours.steps(found)], place),
            frozenset({found.norm}),
        )


def mismatch(norm: Obj, shape: Shape) -> str | None:
    """What is wrong between a batch norm and what it is given, None if nothing is known to be."""
    name = norm.lib.rpartition(".")[2]
    axes = AXES.get(name)
    if axes is not None and shape.axes is not None and shape.axes not in axes:
        return f"{name} is given a tensor with {shape.axes} axes"
    known = number(norm.slots["#features"]) if norm.slots.get("#features") is not None else None
    if known is None or known[1] or shape.channels is None or known[0] == shape.channels:
        return None
    if shape.axes is None and shape.made is None:
        return None
    return f"{name}({known[0]:g}) is given {shape.channels} channels"
