"""A handwritten batch norm takes the root of a variance that may be zero.

## What it looks like

The train branch of a handwritten batch norm adds `eps` to the variance before it takes the root, the test branch
forgets it; or neither has it. Or the constant is used wrongly: added to the root instead of the variance, or stored
with the running variance and added once more where that is used. In TensorFlow `eps` is the last argument of
`tf.nn.batch_normalization`, and may be 0.

## Why it hurts

A channel that is constant over the batch (dead after ReLU, all padding) has variance zero. Without `eps` the division
gives inf or nan, which the next layer spreads over the whole network. If only one branch has it, channels of small
variance are scaled differently in training and at test time. With ordinary variances nothing is seen, so the mistake
stays hidden for long.

## Bad

```python
import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, width, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(dim=0), x.var(dim=0, unbiased=False)
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (var - self.running_var)
            x = (x - mean) / torch.sqrt(var + self.eps)
        else:
            x = (x - self.running_mean) / torch.sqrt(self.running_var)
        return self.gamma * x + self.beta
```

## Good

```python
import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, width, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(dim=0), x.var(dim=0, unbiased=False)
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (var - self.running_var)
            x = (x - mean) / torch.sqrt(var + self.eps)
        else:
            x = (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        return self.gamma * x + self.beta
```

## Silent when

- the variance is clipped from below, or a standard deviation is stored that already includes its `eps`
- nothing is averaged: plain standardisation, style losses, advantages
- the averages belong to an optimiser, or to a filter for observations that never normalises by the batch

## Right on purpose

Something else keeps the variance away from zero. If that is your case, put `# bnlint: ignore[BN801] reason` on the
line.

## Fix

`--fix` does not change this. Add `eps` to the variance, below the root, in both branches.

## Source

"Going Deeper in Batch Normalization", whose own test branch lacks it; PyTorch documentation (2.13),
`torch.nn.BatchNorm1d` (the formula); TensorFlow API documentation (2.21), `tf.nn.batch_normalization`
(`variance_epsilon`).

## Measured

Largest value in eval mode: inf bad, 7.97 good (torch 2.13.0).
Other seeds: inf, inf bad, 9.44, 7.97 good.

A feature that never changed in training, and does afterwards. Ordinary channels are equal.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place, Step
from bnlint.judging import handmade
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Averaged, Normalised, StatisticSet

WORDS = {"batch": "the variance of the batch", "running": "the running variance", "mixed": "the variance"}


@rule("BN801", "missing-eps", severity="error", frameworks=("torch", "tensorflow"))
def check(story: Story) -> Iterator[Report]:
    for event in story.of(StatisticSet):
        if not story.test:
            yield Report(f"eps is stored with {event.name}, and added again where it is used", event.where.place, "likely")
    norm = handmade.own(story)
    if norm is None and handmade.frozen(story) is None:
        return
    known = norm is not None and norm.keeps
    roots: list[Normalised] = story.of(Normalised)
    right = [event.root for event in roots if event.eps == "inside"]
    told: set[Place] = set()
    for event in roots:
        if event.root in told or event.eps not in ("none", "outside"):
            continue
        told.add(event.root)
        trace = tuple(Step("here eps is added", place) for place in right[:1] if place != event.root)
        if event.eps == "none":
            message = f"{WORDS[event.scale]} is used without eps: a constant channel divides by zero"
            yield Report(message, event.root, "certain" if known else "likely", trace)
        else:
            message = f"eps is added to the root of {WORDS[event.scale]}, not below it"
            yield Report(message, event.root, "likely", trace, severity="warning")
    for average in story.of(Averaged):
        if average.eps:
            message = f"eps is stored with {average.name}, and added again where it is used"
            yield Report(message, average.where.place, "likely")
