"""A network with batch norm is cast to float16, running statistics included, and trained.

## What it looks like

`model.half()` or `model.to(torch.float16)` before the training loop.

## Why it hurts

The cast includes the running mean and variance. The largest float16 is 65504: a larger variance becomes infinite, and
from then on that channel gives only beta in eval mode. And where the averages move in small steps, the steps are
rounded away.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
).cuda()
model.half()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for x, y in train_loader:
    loss = nn.functional.cross_entropy(model(x.cuda().half()).float(), y.cuda())
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
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cuda")

for x, y in train_loader:
    with torch.autocast("cuda", dtype=torch.float16):
        loss = nn.functional.cross_entropy(model(x.cuda()), y.cuda())
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
```

## Silent when

- the batch norms are cast back: `for m in model.modules(): if isinstance(m, nn.BatchNorm2d): m.float()`
- the network is only evaluated in half precision, or its batch norm is in eval mode while it trains
- autocast chooses the type of each operation: the statistics stay float32
- the type is bfloat16, which has the range of float32

## Right on purpose

The activations are known to be small, and the hardware has no mixed precision. If that is your case, put
`# bnlint: ignore[BN506] reason` on the line.

## Fix

`--fix` does not change this. Use `torch.autocast`, or call `float()` on the batch norms after the cast.

## Source

PyTorch documentation (2.13), `torch.nn.Module.half` and "Automatic Mixed Precision package - torch.amp".

## Measured

Running variances that overflowed, of 32: 19 bad, 0 good (torch 2.13.0).
Other seeds: 9, 19 bad, 0, 0 good.

The largest float16 is 65504: a running variance beyond it is inf, and its channel gives beta only.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Step
from bnlint.judging import copies, modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Cast, Forward


@rule("BN506", "half-precision-statistics", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    if not any(event.half and event.net.norms for event in story.of(Cast)):
        return
    last: dict[int, Cast] = {}
    places: set[object] = set()
    for event in story.events:
        if isinstance(event, Cast):
            last.update({id(norm): event for norm in event.net.norms})
        elif isinstance(event, Forward) and "training" in event.purposes:
            for use in event.norms:
                cast = last.get(id(use.norm))
                if cast is None or not cast.half or modes.names(use) != {"train"} or cast.where.place in places:
                    continue
                places.add(cast.where.place)
                chosen = cast.contrary or cast.where.forks > 0
                confidence: Confidence = "possible" if not use.certain else "likely" if chosen or not story.bound else "certain"
                steps = [*copies.built(cast.net), Step("it is trained here", event.where.place)]
                yield Report(
                    f"{copies.title(cast.net)} is trained with the statistics of its batch norm in float16",
                    cast.where.place,
                    confidence,
                    traces.distinct(steps, cast.where.place),
                    frozenset({cast.net.net, *cast.net.norms}),
                )
