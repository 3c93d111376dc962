"""A network runs on zeros, ones or noise in train mode: a warm-up, a summary, a search for shapes.

## What it looks like

`model(torch.zeros(1, 3, 224, 224))` to build lazy layers, to find the size of the features or to warm up the GPU, or
`torchsummary.summary(model, ...)`, before `eval()` was called.

## Why it hurts

In train mode each forward moves the running statistics towards its batch, whatever the batch is made of. A network with
trained weights then normalises pictures by what it saw in zeros or noise, and each repetition makes it worse.
`torch.empty` holds whatever was in memory, which may even be infinite.

## Bad

```python
import torch
from torch.utils.data import DataLoader
from torchvision import models
from torchvision.datasets import ImageFolder

weights = models.ResNet18_Weights.DEFAULT
model = models.resnet18(weights=weights)
for _ in range(10):  # warm up
    model(torch.zeros(8, 3, 224, 224))

model.eval()
with torch.no_grad():
    for x, y in DataLoader(ImageFolder("val", weights.transforms()), batch_size=8):
        print((model(x).argmax(1) == y).sum().item())
```

## Good

```python
import torch
from torch.utils.data import DataLoader
from torchvision import models
from torchvision.datasets import ImageFolder

weights = models.ResNet18_Weights.DEFAULT
model = models.resnet18(weights=weights)
model.eval()
for _ in range(10):  # warm up
    model(torch.zeros(8, 3, 224, 224))

with torch.no_grad():
    for x, y in DataLoader(ImageFolder("val", weights.transforms()), batch_size=8):
        print((model(x).argmax(1) == y).sum().item())
```

## Silent when

- the network is in eval mode, or not used any further (a smoke test at the end of a file)
- it is test code
- the network makes samples out of noise
- a fresh network is asked once and trained afterwards: one small step that training forgets; confidence `possible`,
  hidden by default

What is reported is `likely`: how much is lost depends on the momentum and on what follows.

## Right on purpose

A fresh network runs once to find its shapes and is trained afterwards: its statistics forget that within a few dozen
steps. If that is your case, put `# bnlint: ignore[BN211] reason` on the line.

## Fix

`--fix` does not change this. Call `eval()` before, and `train()` afterwards if training follows.

## Source

PyTorch documentation (2.13), `torch.nn.BatchNorm2d` (statistics are kept during training, that is in train mode, also
under `no_grad`); torchsummary 1.5, which runs the network in the mode it finds.

## Measured

Accuracy after a warm-up on zeros: 0.731 bad, 0.869 good (torch 2.13.0).
Other seeds: 0.485, 0.252 bad, 0.877, 0.830 good.

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
                f"{traces.title(forward.net)} runs on a made-up input in train mode, which moves its running statistics",
                forward.where.place,
                confidence,
                traces.mode_trace(story, forward, "train"),
                traces.subjects(forward),
            )
