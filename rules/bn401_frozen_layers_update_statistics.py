"""Parameters are frozen, but their batch norm stays in train mode and keeps updating its statistics.

## What it looks like

The parameters of a backbone get `requires_grad = False` (or `requires_grad_(False)`), then `model.train()` runs, and
nothing puts the frozen part back in eval mode.

## Why it hurts

`requires_grad` speaks to autograd and the optimiser. The running mean and variance are buffers: no gradient reaches
them, and in train mode every batch moves them. While the new layers are trained, the frozen part normalises by the
batch at hand; in eval mode it is no longer the function that was pretrained. Whatever else uses it (a second head, an
older checkpoint, a distillation target) gets worse without a warning.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 3, 8, 8), torch.randint(0, 2, (256,)))
backbone = nn.Sequential(
    nn.Conv2d(3, 8, 3, bias=False),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
)
model = nn.Sequential(backbone, nn.Linear(8, 2))
for parameter in backbone.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)

for epoch in range(3):
    model.train()
    for x, y in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 3, 8, 8), torch.randint(0, 2, (256,)))
backbone = nn.Sequential(
    nn.Conv2d(3, 8, 3, bias=False),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
)
model = nn.Sequential(backbone, nn.Linear(8, 2))
for parameter in backbone.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)

for epoch in range(3):
    model.train()
    backbone.eval()
    for x, y in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Silent when

- the frozen part is put in eval mode after each `train()`, or an overridden `train()` does so
- the parameters get their gradient back later: a toggle, as the steps of a GAN use it, or gradual unfreezing
- the parameters follow another network (an average of its weights, a momentum encoder, a target network)
- only an option that is off by default freezes them, or the statistics are adapted on purpose: confidence `possible`,
  hidden by default
- the freezing was undone by a `train()`: that is BN402

What is frozen by the names of parameters, or under a condition, is reported as `likely`.

## Right on purpose

The backbone is meant to adapt its statistics to the new data while its weights stay (AdaBN), and is not used for the
old data again. If that is your case, put `# bnlint: ignore[BN401] reason` on the line.

## Fix

`--fix` does not change this. Call `eval()` on the frozen part after each `train()`, or override `train()` to do it.

## Source

"On The Perils of Batch Norm" (2017): in finetuning the averages should run for trained layers only; PyTorch
documentation (2.13), `torch.nn.Module.train` and `torch.nn.Module.requires_grad_`.

## Measured

Accuracy on the first task after freezing: 0.414 bad, 1.000 good (torch 2.13.0).
Other seeds: 0.416, 0.240 bad, 1.000, 0.996 good.

Harsh on purpose: the new inputs have three times the deviation, and a mean of 6 instead of 0. With a mean of .5 and 1.2 times
the deviation nothing is lost (1.000 both). The head for the new task learns well in either case: the damage shows where the
frozen part is used again.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import freezing, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN401", "frozen-layers-update-statistics", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    for found in freezing.drifting(story):
        net = found.freezing.net
        name = traces.title(net) if net is found.use.norm else f"the batch norm of {traces.title(net)}"
        yield Report(
            f"these parameters are frozen, but {name} stays in train mode and updates its statistics",
            found.freezing.where.place,
            found.confidence,
            freezing.drift_steps(story, found),
            freezing.subjects(found.forward, found.use.norm),
        )
