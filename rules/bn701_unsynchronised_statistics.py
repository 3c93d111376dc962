"""Each device normalises by its own small share of the batch.

## What it looks like

A network with plain batch norm is wrapped in `DistributedDataParallel` or `DataParallel` and trained with a few
examples on each device, as is common in detection and segmentation.

## Why it hurts

The gradients are averaged over all devices, but the mean and variance of batch norm are not: every device takes them
from its own examples. Eight devices with two examples each train batch norm with batches of 2, not of 16.

## Bad

```python
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("nccl")
device = dist.get_rank() % torch.cuda.device_count()
data = TensorDataset(torch.randn(64, 3, 32, 32), torch.randint(2, (64,)))
net = nn.Sequential(
    nn.Conv2d(3, 16, 3),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(14400, 2),
)
ddp = DistributedDataParallel(net.to(device), device_ids=[device])
optimizer = torch.optim.SGD(ddp.parameters(), lr=0.1)
for x, y in DataLoader(data, batch_size=4, sampler=DistributedSampler(data)):
    loss = nn.functional.cross_entropy(ddp(x.to(device)), y.to(device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Good

```python
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("nccl")
device = dist.get_rank() % torch.cuda.device_count()
data = TensorDataset(torch.randn(64, 3, 32, 32), torch.randint(2, (64,)))
net = nn.Sequential(
    nn.Conv2d(3, 16, 3),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(14400, 2),
)
net = nn.SyncBatchNorm.convert_sync_batchnorm(net)
ddp = DistributedDataParallel(net.to(device), device_ids=[device])
optimizer = torch.optim.SGD(ddp.parameters(), lr=0.1)
for x, y in DataLoader(data, batch_size=4, sampler=DistributedSampler(data)):
    loss = nn.functional.cross_entropy(ddp(x.to(device)), y.to(device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- batch norm was converted to `SyncBatchNorm`, is of a synchronised class, or is frozen in training
- the network is not trained, or it cannot be told whether it holds batch norm
- an option decides about the conversion

With more than 4 examples on each device, or an unknown number, it is `info`, and off unless the rule is selected.

## Right on purpose

The batches on each device are large: to synchronise them costs time and changes little. If that is your case, put
`# bnlint: ignore[BN701] reason` on the line.

## Fix

`--fix` does not change this. Call `nn.SyncBatchNorm.convert_sync_batchnorm(net)` before wrapping (it needs
`DistributedDataParallel` with one process per GPU), or use group norm.

## Source

PyTorch documentation (2.13), `torch.nn.SyncBatchNorm` and `torch.nn.parallel.DistributedDataParallel`.

## Measured

Test accuracy after two epochs in two processes: 0.744 bad, 0.887 good (torch 2.13.0).
Other seeds: 0.781, 0.769 bad, 0.872, 0.842 good.

Two processes with gloo, 4 examples each; the right program has group norm, since `SyncBatchNorm` trains on several GPUs
only.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import scale, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Wrapped

SMALL = 4


@rule("BN701", "unsynchronised-statistics", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for event in story.of(Wrapped):
        place = event.where.place
        trained = scale.training(story, event) if event.plain and place not in told and not story.test else []
        if not trained:
            continue
        told.add(place)
        sizes = [(size, forward) for forward in trained if (size := scale.per_device(event, forward)) is not None]
        size, forward = min(sizes, key=lambda known: known[0]) if sizes else (None, trained[0])
        small = size is not None and size <= SMALL
        count = f" of {size} examples" if size is not None else ""
        yield Report(
            f"each device normalises by its own batch{count}: {traces.title(event.net)} is wrapped without SyncBatchNorm",
            place,
            "likely" if event.contrary or forward.batch_assumed or not story.bound else "certain",
            traces.distinct([*scale.built(event), Step("it is trained here", forward.where.place)], place),
            traces.parts(event.net),
            severity="warning" if small else "info",
            default=small,
        )
