"""A batch norm is built and never called.

## What it looks like

The constructor has `self.bn2 = nn.BatchNorm2d(64)`, and `forward` goes straight from `self.conv2` to the activation:
the call was forgotten, commented out or replaced by another layer.

## Why it hurts

The network is not normalised where its author believes it is. The layer's scale and shift get no gradient and its
statistics stay at 0 and 1, but all of them fill every checkpoint. `DistributedDataParallel` stops with an error at
parameters that took no part in the loss (unless `find_unused_parameters=True`). And a bias that was left out because
batch norm follows is missing.

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
- an attribute of this name is read from another object somewhere in the project, or a string in the file names it
- the norm stands in a container, or the class looks up its parts by computed names
- bnlint could not follow the `forward` of the class to its end

## Right on purpose

The layer waits for a subclass or an option that this program does not have. If that is your case, put
`# bnlint: ignore[BN611] reason` on the line.

## Fix

`--fix` does not change this. Call the layer, or remove it (checkpoints that hold its state then need `strict=False`
once).

## Source

PyTorch documentation (2.13), `torch.nn.Module.register_module` and `torch.nn.parallel.DistributedDataParallel`
(`find_unused_parameters`).

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
