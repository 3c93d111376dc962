"""The corrections of a handwritten batch renormalisation carry a gradient or are not clipped.

## What it looks like

Batch renormalisation corrects a normalised batch by `r = batch_std / running_std` and
`d = (batch_mean - running_mean) / running_std`. Here they are computed like any other tensor and multiplied in, without
`detach()` or without `clamp`.

## Why it hurts

With a gradient and without limits, the correction cancels the batch: what remains is normalisation by the running
statistics, which fails in training at high learning rates (see BN803). With a gradient and with limits, the gradient
belongs to neither method. Without limits, the first steps, whose running statistics are still those of the
initialisation, multiply activations by arbitrary factors.

## Bad

```python
import torch
from torch import nn


class BatchRenorm(nn.Module):
    def __init__(self, width, momentum=0.01, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_std", torch.ones(width))

    def forward(self, x):
        if not self.training:
            return (x - self.running_mean) / self.running_std
        mean = x.mean(dim=0)
        std = torch.sqrt(x.var(dim=0, unbiased=False) + self.eps)
        r = std / self.running_std
        d = (mean - self.running_mean) / self.running_std
        with torch.no_grad():
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_std += self.momentum * (std - self.running_std)
        return (x - mean) / std * r + d
```

## Good

```python
import torch
from torch import nn


class BatchRenorm(nn.Module):
    def __init__(self, width, momentum=0.01, eps=1e-5, r_max=3.0, d_max=5.0):
        super().__init__()
        self.momentum, self.eps, self.r_max, self.d_max = momentum, eps, r_max, d_max
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_std", torch.ones(width))

    def forward(self, x):
        if not self.training:
            return (x - self.running_mean) / self.running_std
        mean = x.mean(dim=0)
        std = torch.sqrt(x.var(dim=0, unbiased=False) + self.eps)
        r = (std.detach() / self.running_std).clamp(1 / self.r_max, self.r_max)
        d = ((mean.detach() - self.running_mean) / self.running_std).clamp(
            -self.d_max, self.d_max
        )
        with torch.no_grad():
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_std += self.momentum * (std - self.running_std)
        return (x - mean) / std * r + d
```

## Silent when

- r and d are computed under `no_grad` or detached, and clipped
- the ratio of batch and running deviation is only logged

## Right on purpose

The learning rate is so small that the limits would never be reached. If that is your case, put
`# bnlint: ignore[BN804] reason` on the line.

## Fix

`--fix` does not change this. Detach r and d, clip them to [1 / r_max, r_max] and [-d_max, d_max], and open the limits
slowly.

## Source

"Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models" (Ioffe, 2017), section 3; the
post on batch renormalisation (Ruban, 2018): r and d are constants in the gradient; r_max 1 and d_max 0 for the first
5000 steps, then up to 3 and 5.

## Measured

Share of the gradient that shifts the whole batch: 0.182 bad, 0.000 good (torch 2.13.0).
Other seeds: 0.138, 0.175 bad, 0.000, 0.000 good.

A normalisation lets no such gradient through: adding one vector to all examples changes nothing. After training at an
ordinary rate of .1 the accuracy is the same (.881 and .876). At a rate of 2 training with r and d in the gradient broke
down for two seeds of three, but so it did once with constants.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import handmade
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Normalised, Renormalised


@rule("BN804", "renorm-not-detached", severity="warning", frameworks=("torch", "tensorflow"))
def check(story: Story) -> Iterator[Report]:
    norm = handmade.own(story)
    if norm is None:
        return
    rows: dict[tuple[str, int], list[Renormalised]] = {}
    for event in story.of(Normalised):
        for one in event.corrections if event.mode == "train" else ():
            same = rows.setdefault((one.place.path, one.place.row), [])
            if one not in same and not (one.detached and one.clipped):
                same.append(one)
    for found in rows.values():
        if found:
            names = " and ".join(dict.fromkeys(one.kind for one in found))
            wrong = [] if all(one.detached for one in found) else ["carries a gradient"]
            wrong += [] if all(one.clipped for one in found) else ["is not clipped"]
            message = f"the correction {names} of batch renormalisation {' and '.join(wrong)}"
            yield Report(message, found[0].place, "certain" if norm.keeps else "likely", handmade.updates(story))
