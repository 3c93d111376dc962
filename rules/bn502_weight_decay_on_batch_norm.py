"""Weight decay is applied to the scale and shift of batch norm.

## What it looks like

One parameter group for everything: `SGD(model.parameters(), weight_decay=5e-4)`.

## Why it hurts

Little, and opinions differ: this is a note on style, off by default. Decay pulls gamma to zero and with it the share of
a channel, which no weight decay is meant to do; a decay of the convolution in front of batch norm only changes the
effective learning rate. Many recipes leave gamma, beta and the biases out.

## Bad

```python
import torch
from torch import nn

model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
```

## Good

```python
import torch
from torch import nn

model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
```

## Silent when

- the parameters are divided into groups, by whatever test
- the decay is 0, or unknown
- the decay is the optimizer's own default (AdamW has one): confidence `possible`

## Fix

Put parameters of fewer than two dimensions in a group with `weight_decay=0`.

## Source

"torch.optim" in the PyTorch documentation (2.13), per-parameter options.

## Measured

Accuracy with decay everywhere against decay of the weights only: .803 and .799 at 5e-4, .786 and .804 at 5e-3, .820 and
.805 at 5e-2: no clear effect. (Small programs on one CPU.)
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence
from bnlint.judging import copies, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import OptimizerBuilt
from bnlint.story.values import number

DECAYING = frozenset({"torch.optim.AdamW"})


@rule("BN502", "weight-decay-on-batch-norm", severity="info", default=False, frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    places: set[object] = set()
    for event in story.of(OptimizerBuilt):
        for net, decay in event.whole:
            known = number(decay) if decay is not None else None
            default = decay is None and event.lib in DECAYING
            if event.where.place in places or not net.norms or not (default or (known is not None and known[0] > 0)):
                continue
            places.add(event.where.place)
            sure: Confidence = "likely" if known is not None and known[1] else "certain"
            yield Report(
                "weight decay also pulls the scale and shift of batch norm to zero",
                event.where.place,
                "possible" if default or not net.certain else sure,
                traces.distinct(copies.built(net), event.where.place),
                frozenset({net.net, *net.norms}),
            )
