"""One batch norm object is used at two places of a network.

## What it looks like

`forward` calls `self.bn` after the first convolution and again after the second, or one object is put twice into a
`Sequential`. As long as both places have the same number of channels, there is no error.

## Why it hurts

In training each call normalises by its own batch, and nothing seems wrong. But both calls update the same running
statistics. They become a mixture of two distributions that fits neither, and evaluation normalises both places by it.
Scale and shift are shared, too.

## Bad

```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, bias=False)
        self.conv2 = nn.Conv2d(16, 16, 3, bias=False)
        self.bn = nn.BatchNorm2d(16)

    def forward(self, x):
        return self.bn(self.conv2(self.bn(self.conv1(x)).relu())).relu()


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
        self.conv2 = nn.Conv2d(16, 16, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.bn2 = nn.BatchNorm2d(16)

    def forward(self, x):
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()


Net()(torch.randn(8, 3, 32, 32))
```

## Silent when

- a whole encoder is applied twice (siamese networks, two views)
- the two calls stand in branches that exclude each other
- the calls are steps of a loop (that is BN308), or the layer keeps no statistics

## Right on purpose

Both places see the same distribution, as the two branches of a siamese network do. If that is your case, put
`# bnlint: ignore[BN309] reason` on the line.

## Fix

`--fix` does not change this. Build one batch norm for each place.

## Source

PyTorch documentation (2.13), `torch.nn.BatchNorm2d`: each module has one running mean and one running variance.

## Measured

Test accuracy in eval mode: 0.517 bad, 0.867 good (torch 2.13.0).
Other seeds: 0.318, 0.393 bad, 0.841, 0.831 good.

Eval mode normalises both positions by averages that mix them.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import modes, traces
from bnlint.judging.averages import stateless, unscaled
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward, Shared


@rule("BN309", "shared-instance", severity="warning", frameworks=("torch", "keras"))
def check(story: Story) -> Iterator[Report]:
    found = [] if story.test else story.of(Shared)
    without = stateless(story) if found else frozenset()
    evaluated = {id(use.norm) for forward in story.of(Forward) for use in forward.norms if "eval" in modes.names(use)}
    plain = unscaled(story) - evaluated if found else frozenset()
    for event in found:
        if id(event.norm) in without:
            continue
        place = event.where.place
        where = "two positions" if event.how == "positions" else "two calls"
        inside = f" of {traces.title(event.owner)}" if event.owner is not event.norm else ""
        steps = [Step("the first one is here", event.first)]
        if event.norm.site is not None:
            steps.append(Step(f"{traces.title(event.norm)} is built here", event.norm.site))
        yield Report(
            f"one {traces.title(event.norm)} serves {where}{inside}: its averages mix them",
            place,
            "possible" if id(event.norm) in plain else "certain",
            traces.distinct(steps, place),
            frozenset({event.norm}),
        )
