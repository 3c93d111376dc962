"""One batch norm is applied at every step of a recurrence.

## What it looks like

A recurrent cell holds a batch norm and normalises its gates or its state with it, and `forward` calls the cell in a
loop over time. Or a block with batch norm is fed its own output a few times.

## Why it hurts

Each step has its own distribution: the first ones, close to the initial state, are far from the later ones. In training
every step is normalised by its own batch, but all of them update the same running statistics. These become a mixture,
weighted towards the last steps, and evaluation normalises all steps by it. With T steps there are T updates per batch,
so the averages also forget faster than `momentum` says.

## Bad

```python
import torch
from torch import nn


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(8, 16)
        self.bn = nn.BatchNorm1d(16)

    def forward(self, x):
        h = x.new_zeros(x.size(0), 16)
        for t in range(x.size(1)):
            h = self.bn(self.cell(x[:, t], h))
        return h


Recurrent()(torch.randn(8, 10, 8))
```

## Good

```python
import torch
from torch import nn


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(8, 16)
        self.ln = nn.LayerNorm(16)

    def forward(self, x):
        h = x.new_zeros(x.size(0), 16)
        for t in range(x.size(1)):
            h = self.ln(self.cell(x[:, t], h))
        return h


Recurrent()(torch.randn(8, 10, 8))
```

## Silent when

- each step has a batch norm of its own, chosen by its number
- the steps do not depend on one another: frames that are encoded one by one
- the layers of a stack run in a loop, each of them once
- the layer is in eval mode, or keeps no statistics

## Right on purpose

The inputs of all steps are alike, or sequences of unseen length have to be read. If that is your case, put
`# bnlint: ignore[BN308] reason` on the line.

## Fix

`--fix` does not change this. Use layer norm, or a batch norm for each time step.

## Source

"Going Deeper in Batch Normalization", on statistics for each time step; "Recurrent Batch Normalization" (Cooijmans and
others, 2016), section 3; PyTorch documentation (2.13), `torch.nn.BatchNorm1d`.

## Measured

Not shown by a program: T updates in a forward only hasten the average. Once (torch 2.13): .905 against .931 with statistics
for each step where the inputs drift over time; .956 against .963 where they do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces
from bnlint.judging.averages import stateless
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Recurring


@rule("BN308", "shared-across-time", severity="info", default=False, frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    found = story.of(Recurring)
    without = stateless(story) if found else frozenset()
    told: set[object] = set()
    for event in found:
        place = event.where.place
        if id(event.norm) in without or (place, event.norm.site) in told:
            continue
        told.add((place, event.norm.site))
        steps = [Step("this makes the steps", event.loop)]
        if event.norm.site is not None:
            steps.append(Step(f"{traces.title(event.norm)} is built here", event.norm.site))
        yield Report(
            f"one {traces.title(event.norm)} serves every step of a recurrence: its averages mix all steps",
            place,
            "certain" if not event.norm.slots.get("#contrary") else "possible",
            traces.distinct(steps, place),
            frozenset({event.norm}),
        )
