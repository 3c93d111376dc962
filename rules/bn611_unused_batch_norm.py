"""A batch norm is built and never called.

## What it looks like

The constructor has `self.bn2 = nn.BatchNorm2d(64)`, and `forward` goes straight from `self.conv2` to the activation: the
call was forgotten, commented out or given to another layer.

## Why it hurts

The network is not normalised where its author believes it is. The layer's scale and shift get no gradient, its averages
stay at 0 and 1, and both fill every checkpoint; `DistributedDataParallel` stops with an error at parameters that took no
part in the loss. A bias that was left out because batch norm follows is missing, too.

## Bad

```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(32)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.conv2(x))


Net()(torch.randn(8, 3, 32, 32))
```

## Good

```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(32)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)))


Net()(torch.randn(8, 3, 32, 32))
```

## Silent when

- any method of the class, of its bases or of classes derived from it reads the attribute, under whatever condition
- an attribute of this name is read of another object somewhere in the project, or a text in the file names it
- the norm stands in a container, or the class asks for its parts by computed names
- no program runs the `forward` of the class to its end

## Right on purpose

The layer waits for a subclass or an option that this program does not have. Then write `# bnlint: ignore[BN611]` and
the reason on the line.

## Fix

None is offered: call the layer, or remove it (checkpoints that hold its state then need `strict=False` once).

## Source

PyTorch 2.13, `torch.nn.Module` (registered parts are parameters and state, whether they are called or not).

## Measured

Nothing to run: the layer has no effect at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward, NormUse, Unused


@rule("BN611", "unused-batch-norm", severity="info", default=False, frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    found = story.of(Unused)
    used = {use.norm.site for forward in story.of(Forward) for use in forward.norms if met(use)} if found else set()
    told: set[object] = set()
    for event in found:
        place = event.where.place
        if place in used or place in told:
            continue
        told.add(place)
        steps = [Step("this forward never calls it", event.forward)]
        yield Report(
            f"{traces.title(event.norm)} {event.attribute} of {traces.title(event.owner)} is built and never called",
            place,
            "certain",
            traces.distinct(steps, place),
            frozenset({event.norm}),
        )


def met(use: NormUse) -> bool:
    """Whether a forward came by, on some path; a network that met no norm at all is only thought to hold those below it."""
    return use.certain or bool(use.norm.slots.get("#contrary"))
