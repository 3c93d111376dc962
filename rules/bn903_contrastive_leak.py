"""Queries and keys of a momentum encoder share their batches, and batch norm gives that away.

## What it looks like

A pair as in MoCo: an encoder, a copy that follows its weights and runs without gradient, and a queue of keys from
earlier batches. Both encoders have plain batch norm in train mode and see the same images of the same device in one
step.

## Why it hurts

The statistics of a batch are like a signature of it. A query and its positive key were normalised among the same
images, the negatives in the queue among others. So the network can find the positive by the signature, without learning
anything about the pictures: the loss falls fast, and the task is solved by cheating.

## Bad

```python
import copy

import torch
from torch import nn

query = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
key = copy.deepcopy(query)
queue = torch.randn(4, 256)
optimizer = torch.optim.SGD(query.parameters(), lr=0.1)

for x in torch.rand(10, 32, 8):
    q = query(x + 0.1 * torch.randn_like(x))
    with torch.no_grad():
        for ours, theirs in zip(key.parameters(), query.parameters()):
            ours.data = 0.99 * ours.data + 0.01 * theirs.data
        k = key(x + 0.1 * torch.randn_like(x))
    scores = torch.cat([(q * k).sum(1, keepdim=True), q @ queue], dim=1)
    loss = nn.functional.cross_entropy(scores, torch.zeros(32, dtype=torch.long))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    queue = torch.cat([k.t(), queue[:, :-32]], dim=1)
```

## Good

```python
import copy

import torch
from torch import nn

query = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 4))
key = copy.deepcopy(query)
queue = torch.randn(4, 256)
optimizer = torch.optim.SGD(query.parameters(), lr=0.1)

for x in torch.rand(10, 32, 8):
    q = query(x + 0.1 * torch.randn_like(x))
    with torch.no_grad():
        for ours, theirs in zip(key.parameters(), query.parameters()):
            ours.data = 0.99 * ours.data + 0.01 * theirs.data
        k = key(x + 0.1 * torch.randn_like(x))
    scores = torch.cat([(q * k).sum(1, keepdim=True), q @ queue], dim=1)
    loss = nn.functional.cross_entropy(scores, torch.zeros(32, dtype=torch.long))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    queue = torch.cat([k.t(), queue[:, :-32]], dim=1)
```

## Silent when

- the keys' batch is shuffled by a random permutation, across devices or in parts of a batch
- the encoders use `SyncBatchNorm`, another norm, or batch norm in eval mode
- there is no queue: all negatives are of the same batch (SimCLR, MoCo v3), or there are none (BYOL, mean teachers)
- a Lightning trainer runs it, which synchronises batch norm if it is told so: confidence `possible`, hidden by default

## Right on purpose

Something that bnlint cannot see mixes the batches. If that is your case, put `# bnlint: ignore[BN903] reason` on the
line.

## Fix

`--fix` does not change this. Shuffle the keys' batch across devices (on one device: split it into shuffled parts), or
use another norm.

## Source

"Momentum Contrast for Unsupervised Visual Representation Learning" (He and others, 2020), section 3.3, "Shuffling BN".

## Measured

Not shown by a program: the leak is real, its damage was not found. Once (torch 2.13) the pretext task was solved by .49
against .26 from the leak alone; downstream .528 against .488.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Contrasted

TRAINED_BY_LIBRARY = "training_step"
"""the method that a Lightning trainer calls; its `sync_batchnorm` may come from a configuration"""


@rule("BN903", "contrastive-leak", severity="info", default=False, frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for event in story.of(Contrasted):
        if event.called in told:
            continue
        told.add(event.called)
        steps = [Step("its keys are told from those of earlier batches here", event.where.place)]
        norm = event.norms[0]
        if norm.site is not None:
            steps.insert(0, Step(f"the batch norm of {traces.title(event.net)} is built here", norm.site))
        yield Report(
            f"batch norm gives away which batch the keys of {traces.title(event.net)} are from, since they are not shuffled",
            event.called,
            "possible" if TRAINED_BY_LIBRARY in event.where.functions else "likely",
            traces.distinct(steps, event.called),
            frozenset({event.net, *event.norms}),
        )
