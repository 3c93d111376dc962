"""Batch norm is frozen in eval mode once, and a later `train()` of the whole network undoes it.

## What it looks like

A constructor, or the code before the loop, calls `eval()` on every batch norm or on the backbone. Then the loop calls
`model.train()`, which sets the mode of all parts again. Or the freezing never happens: `self.freeze_bn = freeze_bn`
stores an option under the name of the method `freeze_bn`, so the method cannot be called any more.

## Why it hurts

From the first `train()` on, the frozen batch norms normalise by the batch and update their statistics, as if nobody had
frozen them. Usually they were frozen because the batches are small or the pretrained statistics should stay. The code
says one thing and does another, and nothing fails.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for module in model.modules():
    if isinstance(module, nn.BatchNorm1d):
        module.eval()

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

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(3):
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eval()
    for x, y in DataLoader(data, batch_size=32, shuffle=True, drop_last=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Silent when

- the norms are frozen again after each `train()`, or `train()` is overridden to do so
- the eval mode was for an evaluation: a validation forward ran in it, and `train()` goes back to training
- the whole network had been put in eval mode, not a part of it
- a part whose parameters stay trainable was put in eval mode and never trained in it: confidence `possible`, hidden by
  default
- Lightning's `Trainer.fit` comes after the freezing: before 2.2 it calls `train()`, and is reported where the program or the
  project's requirements say so; from 2.2 on it leaves frozen parts as they are

Freezing that an option decides about is reported as `likely`.

## Right on purpose

The layers were frozen for a first phase only and are meant to train from here on. If that is your case, put
`# bnlint: ignore[BN402] reason` on the line.

## Fix

`--fix` does not change this. Freeze after each `train()`, or override `train()` in the network: call
`super().train(mode)` first and put the norms in eval mode afterwards.

## Source

PyTorch 2.13, `torch.nn.Module.train`, which calls `train(mode)` on all children; release notes of
Lightning 2.2.0, "Improved Handling of Evaluation Mode".

## Measured

Relative drift of the frozen running variance: 5.86 bad, 0 good (torch 2.13.0).
Other seeds: 15, 11.6 bad, 0, 0 good.

The layer was frozen to keep its statistics; `train()` makes them follow the new data.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import freezing, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN402", "freeze-undone-by-train", severity="error", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    for found in freezing.undone(story):
        yield Report(
            f"{found.thawed.switch.how} takes frozen batch norm of {freezing.title(found.thawed.net)} back to train mode",
            found.thawed.where.place,
            found.confidence,
            freezing.undone_steps(found),
            freezing.subjects(found.forward, found.held.norm),
        )
    for event, forward, confidence in freezing.hidden(story):
        steps = [Step("the method that would freeze batch norm", event.defined)]
        steps.append(Step("batch norm trains in train mode here", forward.where.place))
        yield Report(
            f"this attribute hides the method `{event.method}`, so nothing freezes batch norm",
            event.where.place,
            confidence,
            traces.distinct(steps, event.where.place),
            freezing.subjects(forward, event.net),
        )
