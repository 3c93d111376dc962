"""A handwritten batch norm normalises by the batch in both modes and keeps no averages.

## What it looks like

A handwritten layer takes mean and variance over the batch axis, scales and shifts, and that is all: no running
statistics, no branch for evaluation. In TensorFlow it is a function of `tf.nn.moments` and `tf.nn.batch_normalization`,
often with a flag that it never uses.

## Why it hurts

At test time the output for one example depends on which others share its batch. On vectors, a batch of one gives the
same output for every input; ordered test data give other results than shuffled ones; and a user who asks about single
examples gets other answers than the test measured.

## Bad

```python
import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        mean, var = x.mean(dim=0), x.var(dim=0, unbiased=False)
        return self.gamma * (x - mean) / torch.sqrt(var + self.eps) + self.beta


model = nn.Sequential(
    nn.Linear(8, 16, bias=False), BatchNorm(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(100):
    x, y = torch.randn(32, 8), torch.randint(0, 2, (32,))
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Good

```python
import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(100):
    x, y = torch.randn(32, 8), torch.randint(0, 2, (32,))
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- the layer keeps any state that it updates, or the moments are not over the batch axis (instance, layer, group norm)
- nothing in it is learned: losses, style transfer and other standardisation of features
- no network was seen to run it behind a trained layer: confidence `possible`, hidden by default
- it is a function without a flag that only some branch calls, and the other branch may be for evaluation: confidence
  `possible`, hidden by default

## Right on purpose

Test batches are as large and mixed as those of training, or each batch is a domain that is to be normalised by itself.
If that is your case, put `# bnlint: ignore[BN802] reason` on the line.

## Fix

`--fix` does not change this. Keep running statistics and use them in eval mode, or use `nn.BatchNorm1d`,
`tf.keras.layers.BatchNormalization` and the like.

## Source

"Going Deeper in Batch Normalization"; PyTorch documentation (2.13), `torch.nn.BatchNorm1d`; TensorFlow API
documentation (2.21), `tf.nn.moments` and `tf.nn.batch_normalization` (neither keeps any state).

## Measured

Accuracy in test batches of 4: 0.709 bad, 0.876 good (torch 2.13.0).
Other seeds: 0.695, 0.669 bad, 0.870, 0.843 good.

As with `track_running_stats=False` (BN605): large shuffled batches hide it.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import handmade
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Normalised


@rule("BN802", "no-running-average", severity="warning", frameworks=("torch", "tensorflow"))
def check(story: Story) -> Iterator[Report]:
    norm = handmade.own(story)
    if norm is None or not norm.module or not norm.batch or norm.keeps or norm.stateful:
        return
    found: list[Normalised] = [event for event in story.of(Normalised) if event.mode == "eval"]
    if found and all(event.centre == "batch" and event.scale == "batch" for event in found):
        message = f"{norm.name} normalises by the batch in evaluation, too: it keeps no averages"
        trace = (Step(f"{norm.name} is defined here", norm.where.place),)
        yield Report(message, found[0].where.place, "likely" if norm.inside else "possible", trace)
