"""Every process keeps its own running averages, and evaluates or saves with them.

## What it looks like

`DistributedDataParallel(net, broadcast_buffers=False)` (in torch 2.13 also `forward_sync_buffers=False`) around a
network with plain batch norm.

## Why it hurts

By default the buffers of the first process are sent to the others before each forward of the wrapper. Without that,
each process averages over its own share of the data. Validation then runs a different network on each device, and a
checkpoint holds the running statistics of whichever process wrote it.

## Bad

```python
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
net = nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
ddp = DistributedDataParallel(net, broadcast_buffers=False)
for x in torch.randn(100, 8, 3, 32, 32):
    ddp(x).mean().backward()
torch.save(net.state_dict(), f"net-{dist.get_rank()}.pt")
```

## Good

```python
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
net = nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
ddp = DistributedDataParallel(net)
for x in torch.randn(100, 8, 3, 32, 32):
    ddp(x).mean().backward()
torch.save(net.state_dict(), f"net-{dist.get_rank()}.pt")
```

## Silent when

- batch norm is synchronised or frozen, or may be so by an option
- the program reduces or broadcasts the statistics itself
- it is not known whether the argument is False

Where only one process evaluates and saves (`if rank == 0:`), its statistics are the ones that broadcasting would have
spread: then the report is `possible`, hidden by default.

## Right on purpose

Each process has a domain of its own and is meant to keep statistics of its own. If that is your case, put
`# bnlint: ignore[BN705] reason` on the line.

## Fix

`--fix` does not change this. Leave the argument out, convert to `SyncBatchNorm`, or reduce the statistics before each
evaluation.

## Source

PyTorch documentation (2.13), `torch.nn.parallel.DistributedDataParallel` (`broadcast_buffers`, deprecated in favour of
`forward_sync_buffers`).

## Measured

Largest difference between the processes' answers to one question: 0.802 bad, 0 good (torch 2.13.0).

Two processes with gloo on shards that differ. In torch 2.13 `broadcast_buffers` is called `forward_sync_buffers`; the old
name still works, with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Step
from bnlint.judging import scale, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Synchronised, Wrapped


@rule("BN705", "unsynchronised-evaluation-statistics", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    made_alike = {net for event in story.of(Synchronised) for net in event.nets}
    told: set[object] = set()
    for event in story.of(Wrapped):
        place = event.where.place
        if not event.distributed or event.broadcasts is not False or not event.plain or place in told:
            continue
        if made_alike & set(traces.parts(event.net)) or scale.frozen(story, event):
            continue
        told.add(place)
        uses = scale.used_afterwards(story, event)
        used = [(how, use) for how, use in uses if not story.in_one_process(use)]
        confidence: Confidence = "possible" if uses and not used else "certain" if used and story.bound else "likely"
        steps = [*scale.built(event), *(Step(f"its statistics are {how} here", use.where.place) for how, use in used[:1])]
        yield Report(
            f"each process keeps its own statistics of {traces.title(event.net)}: its buffers are not broadcast",
            place,
            confidence,
            traces.distinct(steps, place),
            traces.parts(event.net),
        )
