"""A momentum or a channel count lands in the position of `eps`.

## What it looks like

`nn.BatchNorm2d(64, 0.8)`: the second position of torch's batch norms is `eps`, the third is `momentum`. The lazy layers
take no number of features, so in `nn.LazyBatchNorm2d(64)` the first argument is `eps`.

## Why it hurts

Batch norm divides by the square root of the variance plus eps. With an eps of 0.8, activations of small variance are
not brought to unit scale; with an eps of 64 hardly any are. The momentum that was meant stays at its default of 0.1.
There is no error.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
model = nn.Sequential(
    nn.Linear(8, 16), nn.BatchNorm1d(16, 0.8), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(2):
    for x, y in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
model = nn.Sequential(
    nn.Linear(8, 16), nn.BatchNorm1d(16, momentum=0.2), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(2):
    for x, y in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Silent when

- the value is below 0.01, as a real eps is; from 0.01 to 0.05 the report is `possible`, hidden by default
- eps or momentum is given by its name
- the layer is another one (group, layer or instance norm), a class of the project with its own order, or another
  framework's

## Right on purpose

A large eps damps channels of small variance, and you want that. Say so with `eps=`.

## Fix

`bnlint check --fix --unsafe-fixes` writes `momentum=` in front of the value and deletes a channel count. From 0.9 on it
writes `1 - value`, because Keras and TensorFlow count the other way round (their 0.9 is torch's 0.1). Below, look where
the number comes from. Unsafe: the network computes something else, and trained weights may not fit it.

## Source

PyTorch documentation (2.13), `torch.nn.BatchNorm2d` and `torch.nn.LazyBatchNorm2d` (signatures);
eriklindernoren/PyTorch-GAN issue 116 (that collection of GANs has 49 such layers).

## Measured

Standard deviation of what batch norm puts out: 0.156 bad, 1.002 good (torch 2.13.0).
Other seeds: 0.132, 0.141 bad, 1.000, 0.993 good.

For inputs of deviation .1. For inputs of scale 1 an eps of .8 is hardly noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bnlint.findings import Confidence, Step
from bnlint.judging import momentum
from bnlint.program.model import Attribute, Expr, Name
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Built
from bnlint.story.values import Value, number

NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
LAZY = ("LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d")
NOT_EPS = re.compile(
    r"(momentum|mom$|width|channel|feature|filter|plane|unit|hidden|dim|size|in_ch|out_ch|ngf|ndf|n_out|n_in|nf$|decay)", re.I
)


@rule("BN601", "momentum-as-eps", severity="error", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    for event in story.of(Built):
        kind = event.lib.rpartition(".")[2]
        if kind not in NORMS + LAZY or "eps" not in event.arguments or event.positional < (1 if kind in LAZY else 2):
            continue
        value, expr = event.arguments["eps"]
        if any(arg.keyword == "eps" for arg in event.call.args):
            continue
        confidence = judge(value, expr)
        if confidence is None:
            continue
        first = "the first position" if kind in LAZY else "the second position"
        given = spelled(value, expr)
        yield Report(
            f"{first} of {kind} is eps, here {given}",
            event.where.place,
            confidence,
            tuple(Step("called from here", place) for place in event.where.calls[-1:]),
            frozenset({event.where.place}),
            momentum.as_eps(story, event.where.place, expr, known[0] if (known := number(value)) is not None else None),
        )


def judge(value: Value, expr: Expr) -> Confidence | None:
    """How sure it is that this is no eps: by its size where known, else by its name."""
    known = number(value)
    if known is not None:
        size = known[0]
        if (isinstance(size, int) and size >= 1) or size >= 0.05:
            return "certain"
        return "possible" if size >= 0.01 else None
    name = expr.id if isinstance(expr, Name) else expr.attr if isinstance(expr, Attribute) else ""
    if name and NOT_EPS.search(name) and "eps" not in name.lower():
        return "certain"
    return None


def spelled(value: Value, expr: Expr) -> str:
    known = number(value)
    if known is not None:
        return str(known[0])
    return f"`{expr.id if isinstance(expr, Name) else expr.attr if isinstance(expr, Attribute) else '...'}`"
