"""A statement looks as if it switched the mode of the network, but does not.

## What it looks like

`model.eval` without parentheses, `model.training = False`, or `model.train = False`.

## Why it hurts

Naming a method does not call it. `training` is a plain attribute: setting it on the outer module leaves every child,
and so every batch norm, in train mode. Assigning to `model.train` hides the method: no mode changes, and the next
`model.train()` or `model.eval()` raises a TypeError. What follows is an evaluation in train mode, see BN201.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for x, y in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

model.eval
with torch.no_grad():
    print(
        sum(
            (model(x).argmax(1) == y).sum().item()
            for x, y in DataLoader(data, batch_size=32)
        )
    )
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for x, y in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

model.eval()
with torch.no_grad():
    print(
        sum(
            (model(x).argmax(1) == y).sum().item()
            for x, y in DataLoader(data, batch_size=32)
        )
    )
```

## Silent when

- `training` is set on a batch norm itself, or on every module in a loop over `model.modules()`: that works
- a module sets its own flag inside its `train()`, or the object is no module (a trainer, a configuration)
- the method is passed on as a value, to be called later

## Right on purpose

Only the `forward` of the outer module reads `self.training`, and its children are to keep their mode. If that is your
case, put `# bnlint: ignore[BN208] reason` on the line.

## Fix

`bnlint check --fix` writes `model.eval()`, or `model.train()` where that was meant (safe: it does what the line says).
It leaves assignments alone whose value is not a constant.

## Source

PyTorch documentation (2.13), `torch.nn.Module.train` and `torch.nn.Module.eval`: both methods set the mode of all
submodules, the attribute does not.

## Measured

Accuracy on a test set sorted by class: 0.270 bad, 0.856 good (torch 2.13.0).
Other seeds: 0.240, 0.241 bad, 0.871, 0.846 good.

`model.training = False` does not reach the children.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import curing, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import ModeMisused

MESSAGES = {
    "not called": "`{0}` is named but not called, so the mode stays as it is",
    "training assigned": "assigning `training` leaves the mode of all sub-modules as it is",
    "method replaced": "assigning to `{0}` replaces the method and leaves the mode as it is",
}


@rule("BN208", "mode-not-applied", severity="error", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    for event in story.of(ModeMisused):
        if event.withdrawn:
            continue
        place = event.where.place
        yield Report(
            MESSAGES[event.kind].format(event.attribute),
            place,
            "certain" if event.known else "possible",
            subjects=traces.parts(event.net),
            fix=curing.mode_applied(story, event),
        )
