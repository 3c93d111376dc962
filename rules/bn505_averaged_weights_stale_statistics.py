"""Averaged weights are evaluated with running statistics that were never measured for them.

## What it looks like

`AveragedModel(model)`, or a loop of your own, collects the mean of the weights over the last epochs (stochastic weight
averaging). The result is evaluated or saved without `update_bn`.

## Why it hurts

No batch ever went through the averaged weights, so nothing measured what their activations look like. `AveragedModel`
copies the buffers of the last network it saw; a loop over `parameters()` keeps those of the first. Either way they
belong to other weights.

## Bad

```python
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
swa_model = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(10):
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch >= 5:
        swa_model.update_parameters(model)
swa_model.eval()
with torch.no_grad():
    print(
        sum((swa_model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        / len(data)
    )
```

## Good

```python
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
swa_model = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(10):
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch >= 5:
        swa_model.update_parameters(model)
update_bn(train_loader, swa_model)
swa_model.eval()
with torch.no_grad():
    print(
        sum((swa_model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        / len(data)
    )
```

## Silent when

- `update_bn` is called, or a loop runs training data through the averaged network in train mode
- `AveragedModel(..., use_buffers=True)` averages the statistics as well
- the network holds no batch norm, or is never evaluated

## Right on purpose

The learning rate at the end is so small that the averaged networks hardly differ. If that is your case, put
`# bnlint: ignore[BN505] reason` on the line.

## Fix

`--fix` does not change this. Call `torch.optim.swa_utils.update_bn(train_loader, swa_model)` before the evaluation, or
build `AveragedModel(model, use_buffers=True)`.

## Source

PyTorch documentation (2.13), "torch.optim", sections on `AveragedModel` and on `update_bn`; "Averaging Weights Leads to
Wider Optima and Better Generalization" (Izmailov and others, 2018), section 3.2.

## Measured

Relative error of the running variances for the averaged weights: 0.557 bad, 0.012 good (torch 2.13.0).
Other seeds: 0.470, 0.472 bad, 0.013, 0.012 good.

Of the network that is averaged, `AveragedModel` keeps the last statistics, before torch 2.0 those it was built with.
Harsh on purpose: SGD at a learning rate of 1. At .1 the error is .212 against .013, and the accuracy is the same (.878 and
.880).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import copies
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN505", "averaged-weights-stale-statistics", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    places: set[object] = set()
    for found in copies.left_behind(story):
        place = copies.where_evaluated(found)
        if not copies.averages(found.copy) or place in places or found.use is None:
            continue
        places.add(place)
        yield Report(
            f"{copies.title(found.copy.target)} holds averaged weights, but its running statistics were not measured for them",
            place,
            found.confidence,
            copies.trace(found, place),
            copies.subjects(found),
        )
