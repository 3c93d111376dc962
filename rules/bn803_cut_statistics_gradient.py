"""A handwritten batch norm normalises in training by statistics that no gradient flows through.

## What it looks like

The layer updates its running statistics and then normalises the training batch by them, in train mode as at test time.
Or it computes the moments of the batch under `no_grad`, or detaches them, before it divides.

## Why it hurts

Batch norm works in training because the gradient knows that the moments depend on the weights: a step that would only
shift or scale a whole channel has no gradient. If the moments are constants to the gradient, the optimiser keeps taking
such steps, and the normalisation keeps undoing them. Biases and weights drift off without changing the loss, and at
larger learning rates training collapses.

## Bad

```python
import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, width, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(dim=0), self.momentum)
                self.running_var.lerp_(x.var(dim=0), self.momentum)
        return (x - self.running_mean) / torch.sqrt(
            self.running_var + self.eps
        ) * self.weight + self.bias


model = nn.Sequential(
    nn.Linear(8, 16, bias=False), BatchNorm(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model.train()
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


class BatchNorm(nn.Module):
    def __init__(self, width, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(dim=0), x.var(dim=0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


model = nn.Sequential(
    nn.Linear(8, 16, bias=False), BatchNorm(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model.train()
for _ in range(100):
    x, y = torch.randn(32, 8), torch.randint(0, 2, (32,))
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- the layer normalises the input of the network, before every trained layer: there is no gradient to cut
- the statistics are never updated (frozen batch norm), or only initialise something from the first batch
- it is batch renormalisation, whose corrections must be constants
- some path of training does normalise by the batch

## Right on purpose

The gradient is cut for the first few steps only, or the learning rate is very small. If that is your case, put
`# bnlint: ignore[BN803] reason` on the line.

## Fix

`--fix` does not change this. In training, normalise by the moments of the batch and let the gradient flow through them;
update the running statistics beside that.

## Source

The post on batch renormalisation (Ruban, 2018): averages cannot replace batch statistics in training; "Batch
Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift" (Ioffe and Szegedy, 2015),
section 2, the example of the growing bias.

## Measured

Test accuracy at a high learning rate: 0.343 bad, 0.741 good (torch 2.13.0).
Other seeds: 0.263, 0.255 bad, 0.553, 0.442 good.

Harsh on purpose: SGD at a learning rate of 2 with momentum .9; at .2 without there is no loss (.879 and .876). Detached
moments of the batch harm at high rates only, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import handmade, modes
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import FunctionalNorm, Normalised, OwnNorm


@rule("BN803", "cut-statistics-gradient", severity="warning", frameworks=("torch", "tensorflow"))
def check(story: Story) -> Iterator[Report]:
    norms: list[OwnNorm] = story.of(OwnNorm)
    norm = next((event for event in norms if event.module and event.keeps), None)
    confidence = handmade.reached(norm) if norm is not None and not story.test else None
    if confidence is None:
        return
    found: list[Normalised] = [event for event in story.of(Normalised) if event.mode == "train"]
    if not found or any(event.corrections or (not event.detached and by_batch(event)) for event in found):
        return
    if any(event.mode == "train" and event.flag is not False for event in story.of(FunctionalNorm)):
        return
    event = found[0]
    if by_batch(event):
        message = "the moments of the batch are detached: no gradient flows through what normalises"
    else:
        message = "running averages normalise the batch in training: no gradient flows through them"
    yield Report(message, event.where.place, modes.weakest(confidence, "likely"), handmade.updates(story))


def by_batch(event: Normalised) -> bool:
    return event.centre == "batch" and event.scale == "batch"
