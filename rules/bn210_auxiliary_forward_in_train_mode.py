"""A teacher, target or fixed feature network runs in train mode while another network is trained.

## What it looks like

`with torch.no_grad(): targets = teacher(x)` or `features(x).detach()`, where nobody called `eval()` on the network that
only helps. Loading its weights does not change its mode, and neither does `no_grad`.

## Why it hurts

The trained network learns from outputs that depend on which examples happen to share a batch: the target of one example
changes from epoch to epoch. And the running statistics of the teacher follow these batches, so it is no longer the
network it was when it is evaluated or used again.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8))
teacher = nn.Sequential(
    nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4)
)
teacher.load_state_dict(torch.load("teacher.pt"))
student = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)

for epoch in range(3):
    for (x,) in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
        with torch.no_grad():
            target = teacher(x)
        loss = nn.functional.mse_loss(student(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8))
teacher = nn.Sequential(
    nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4)
)
teacher.load_state_dict(torch.load("teacher.pt"))
teacher.eval()
student = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)

for epoch in range(3):
    for (x,) in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
        with torch.no_grad():
            target = teacher(x)
        loss = nn.functional.mse_loss(student(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Silent when

- the network is trained itself somewhere in the program: a generator, an actor, a network that makes its own targets
- it makes samples out of noise
- its parameters are frozen explicitly: that is BN401

Confidence `possible`, hidden by default, where train mode may be meant: an average or a copy of the trained network
that never runs in eval mode (mean teacher, momentum encoder), also where only its parameters follow the trained
network, because without train mode its statistics would stay as they were at the start (BN503).

## Right on purpose

A mean teacher that is never evaluated may normalise by the student's batches; some methods want it that way. If that is
your case, put `# bnlint: ignore[BN210] reason` on the line.

## Fix

`--fix` does not change this. Call `eval()` on the network before the loop, and again after each `train()` of a module
that contains it.

## Source

"On The Perils of Batch Norm" (2017), on the statistics of networks that are not trained; PyTorch documentation (2.13),
`torch.nn.Module.eval`.

## Measured

Relative drift of the teacher's running variance: 1.31 bad, 0 good (torch 2.13.0).
Other seeds: 1.44, 1.61 bad, 0, 0 good.

The target is computed under `torch.no_grad()`, which does not stop the updates.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import auxiliary, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN210", "auxiliary-forward-in-train-mode", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    for forward, confidence in auxiliary.in_train_mode(story):
        steps = list(traces.mode_trace(story, forward, "train"))
        reached = forward.reached.get("auxiliary")
        if reached is not None:
            steps.append(Step("its output reaches the loss of another network here", reached.place))
        yield Report(
            f"{traces.title(forward.net)} is not trained here, but in train mode its running statistics follow the batches",
            forward.where.place,
            confidence,
            traces.distinct(steps, forward.where.place),
            traces.subjects(forward),
        )
