"""The running averages of a handwritten batch norm are not averages of what training normalises by.

## What it looks like

The weights of the update do not add up to one; or the new average is stored with the graph of its moments still
attached; or the variance is taken around the running mean instead of the mean of the batch.

## Why it hurts

If the weights add up to more or less than one, the average grows or shrinks, and evaluation normalises by a number that
does not fit the activations. An average that keeps its graph holds on to the activations of every step: memory grows,
and a backward through it fails in the second step ("Trying to backward through the graph a second time"). A variance
around another mean is too large by the square of the distance between the two means.

## Bad

```python
import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, width, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(dim=0), x.var(dim=0, unbiased=False)
            self.running_mean = 0.9 * self.running_mean + 0.9 * mean.detach()
            self.running_var = 0.9 * self.running_var + 0.1 * var
        return (x - mean) / torch.sqrt(var + self.eps)
```

## Good

```python
import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, width, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(dim=0), x.var(dim=0, unbiased=False)
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean.detach()
            self.running_var = 0.9 * self.running_var + 0.1 * var.detach()
        return (x - mean) / torch.sqrt(var + self.eps)
```

## Silent when

- the momentum follows another convention: `0.1 * old + 0.9 * new` is an average, if a short one
- the new moment is corrected by n / (n - 1), or the sum is divided by its own weight later
- the update runs under `no_grad`, through `.data`, or on detached moments; what TensorFlow assigns carries no gradient
- the averages belong to a filter for observations that never normalises by the batch

## Right on purpose

It is a sum over time rather than an average, and is divided by its count later. If that is your case, put
`# bnlint: ignore[BN805] reason` on the line.

## Fix

`--fix` does not change this. Write `old + momentum * (new - old)` under `torch.no_grad()`: its weights add up to one by
themselves.

## Source

"Going Deeper in Batch Normalization"; Caffe pull request 4704, which takes the variance around the mean of the batch;
PyTorch documentation (2.13), `torch.nn.BatchNorm2d` (the update rule).

## Measured

Test accuracy in eval mode: 0.603 bad, 0.867 good (torch 2.13.0).
Other seeds: 0.428, 0.254 bad, 0.882, 0.829 good.

Harsh on purpose: inputs of mean 3, where an average that shrinks is far off. With inputs around 0 the loss is small (.846
against .871). Swapped weights (.9 for the new value) add up, and did no harm when measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import handmade
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Averaged


@rule("BN805", "inconsistent-average", severity="error", frameworks=("torch", "tensorflow"))
def check(story: Story) -> Iterator[Report]:
    norm = handmade.own(story)
    if norm is None:
        return
    averages: list[Averaged] = story.of(Averaged)
    for event in averages:
        moment = (Step("the moment of the batch is taken here", event.moment),) if event.moment is not None else ()
        if event.total:
            message = f"the weights of {event.name} add up to {event.total}, not to 1"
            yield Report(message, event.where.place, "certain" if event.certain else "likely", moment)
        elif event.gradient and norm.module and (norm.inside or not norm.first):
            message = f"{event.name} is averaged together with its gradient: the graph of every step is kept"
            yield Report(message, event.where.place, "likely", moment)
        elif event.around and event.moment is not None:
            message = f"the variance is taken around {event.around}, not around the mean of the batch"
            yield Report(message, event.moment, "likely", (Step(f"{event.name} is updated here", event.where.place),))
