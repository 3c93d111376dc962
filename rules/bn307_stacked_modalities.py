"""Inputs of different quantities are stacked and normalised together.

## What it looks like

Readings of two sensors, or positions and velocities, are joined along the batch or the time axis,
`torch.cat([accel, gyro], 0)`, and go through one batch norm. Or they are joined as features, and one `nn.LayerNorm`, or
one `(x - x.mean()) / x.std()`, runs over all of them before any layer has seen them.

## Why it hurts

Metres and metres per second have different scales. A channel that holds both is shifted by a mean that neither has and
divided by a deviation that is mostly the distance between the two, so the quantity with the smaller spread is left with
next to no variance. A layer norm over raw features does the same within each example: a large position hides the
velocities beside it.

To concatenate features before a batch norm is fine: each feature is a channel with its own mean and variance.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.load("position.pt"), torch.load("velocity.pt"))
net = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 3))
optimizer = torch.optim.Adam(net.parameters())
for position, velocity in DataLoader(data, batch_size=32, shuffle=True):
    both = torch.cat([position, velocity], dim=0)
    loss = nn.functional.mse_loss(net(both), both)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.load("position.pt"), torch.load("velocity.pt"))
net = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 2), nn.Tanh(), nn.Linear(2, 6))
optimizer = torch.optim.Adam(net.parameters())
for position, velocity in DataLoader(data, batch_size=32, shuffle=True):
    both = torch.cat([position, velocity], dim=1)
    loss = nn.functional.mse_loss(net(both), both)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- the inputs are joined along the channel axis, and batch norm follows
- each has a layer, an encoder or a normalisation of its own before they are joined
- they are of one quantity: two views, left and right, real and generated, source and target
- their names do not tell what they are

What a tensor holds is known from its name only, so no report is `certain`.

## Right on purpose

The quantities are of one kind and scale, and are meant to share their normalisation. If that is your case, put
`# bnlint: ignore[BN307] reason` on the line.

## Fix

`--fix` does not change this. Normalise each quantity by itself, or join them as features before a batch norm.

## Source

"On The Perils of Batch Norm" (2017), on normalising the modalities of the input separately; PyTorch documentation
(2.13), `torch.nn.BatchNorm1d` (statistics per channel) and `torch.nn.LayerNorm` (statistics over the last axes).

## Measured

Test accuracy where the velocity is the class: 0.512 bad, 1.000 good (torch 2.13.0).
Other seeds: 0.518, 0.494 bad, 1.000, 1.000 good.

Stacked along the batch the positions drown the velocities; concatenated as channels each is normalised by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Place, Step
from bnlint.judging import modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward, StackedModalities

AXES = {0: "batch"}


@rule("BN307", "stacked-modalities", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[tuple[Place, str]] = set()
    for event in () if story.test else story.of(StackedModalities):
        forward = story.event(event.forward) if event.forward is not None else None
        assert forward is None or isinstance(forward, Forward)
        by_batch = event.how == "batch norm"
        if (event.joined, event.how) in told or (by_batch and not trains(story, forward)):
            continue
        told.add((event.joined, event.how))
        place = event.joined if by_batch else event.where.place
        yield Report(message(event), place, confidence(story, event, forward), traces.distinct(steps(event, forward), place))


def trains(story: Story, forward: Forward | None) -> bool:
    """Whether a forward is training, or of a network that stands alone: what it is for is decided elsewhere."""
    return forward is not None and ("training" in forward.purposes or (not story.bound and not forward.purposes))


def message(event: StackedModalities) -> str:
    names = ", ".join(event.quantities[:-1]) + f" and {event.quantities[-1]}"
    name = traces.title(event.norm) if event.norm is not None else "layer_norm"
    if event.how == "batch norm":
        return f"{names} are stacked along the {AXES.get(event.axis, 'time')} axis, so {name} normalises them together"
    what = name if event.how == "layer norm" else "one mean and one deviation"
    return f"{what} over the concatenation of {names} mixes their scales"


def steps(event: StackedModalities, forward: Forward | None) -> list[Step]:
    found = [Step("they are joined here", event.joined)]
    if event.how == "batch norm":
        found.append(Step("and share the statistics of each channel here", event.where.place))
    if event.norm is not None and event.norm.site is not None:
        found.append(Step(f"{traces.title(event.norm)} is built here", event.norm.site))
    if forward is not None:
        found.append(Step("the forward starts here", forward.where.place))
    return found


def confidence(story: Story, event: StackedModalities, forward: Forward | None) -> Confidence:
    if event.norm is not None and event.norm.slots.get("#contrary"):
        return "possible"
    if event.how == "batch norm" and story.bound and forward is not None and modes.in_train_mode(forward) != "certain":
        return "possible"
    return "likely"
