"""The last batch of an epoch may hold a single example, on which batch norm raises an error.

## What it looks like

A training `DataLoader` without `drop_last=True`, and a network with `BatchNorm1d` on vectors or a batch norm after
global pooling to one pixel.

## Why it hurts

If each example has one value per channel, a batch of one has no variance, and PyTorch refuses it: "Expected more than 1
value per channel when training". This happens only at the end of an epoch and only for some sizes of the data set, so
often not on the machine where the code was written.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Points(Dataset):
    def __init__(self, path):
        self.points, self.labels = torch.load(path)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return self.points[index], self.labels[index]


net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(net.parameters())
loader = DataLoader(Points("points.pt"), batch_size=64, shuffle=True)
for x, y in loader:
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Points(Dataset):
    def __init__(self, path):
        self.points, self.labels = torch.load(path)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return self.points[index], self.labels[index]


net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(net.parameters())
loader = DataLoader(Points("points.pt"), batch_size=64, shuffle=True, drop_last=True)
for x, y in loader:
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- `drop_last` is True or depends on an expression, or a batch sampler makes the batches
- the code checks the size of the batch on the way to the network
- the length of the data set is known and leaves no remainder of 1 (the standard data sets, `random_split`, tensors of
  known size)
- each example has several values per channel (images before pooling), or that is not known

## Right on purpose

You know that the length of the data does not leave a batch of one. If that is your case, put
`# bnlint: ignore[BN303] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` adds `drop_last=True`. Unsafe: the examples left over are not seen in that epoch,
and a data set smaller than one batch gives no batch at all. It leaves the line alone where it also makes the loader of
an evaluation.

## Source

PyTorch 2.13, `torch.nn.functional.batch_norm` (the check `_verify_batch_size`); PyTorch documentation (2.13),
`torch.utils.data.DataLoader` (`drop_last=False` by default).

## Measured

An epoch over 129 examples in batches of 64: ValueError bad, completed good (torch 2.13.0).

torch raises exactly if a batch leaves one value per channel.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Cure
from bnlint.judging import batches, curing, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward, LoaderBuilt, NormUse


@rule("BN303", "ragged-last-batch", severity="warning", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    for found in batches.trained(story):
        loader = found.loader
        place = loader.where.place
        at_risk = [forward for forward in found.forwards if single(forward) and alone(loader, forward)]
        if loader.drop_last is not False or loader.grouped or loader.sampled is None or not at_risk or loader.batch == 1:
            continue
        remainder = left_over(loader)
        if remainder not in (None, 1):
            continue
        ends = "ends" if remainder == 1 else "may end"
        yield Report(
            f"an epoch {ends} with a batch of one, which {traces.title(at_risk[0].net)} cannot train on: no drop_last",
            place,
            "certain" if remainder == 1 and not loader.assumed else "likely",
            traces.distinct(batches.steps(at_risk[0], single(at_risk[0])), place),
            frozenset({loader.loader}),
            cure(story, loader),
        )


def single(forward: Forward) -> list[NormUse]:
    """The batch norms in train mode that see one value per channel and example."""
    return [use for use in forward.norms if use.certain and use.single and {mark.name for mark in use.modes} == {"train"}]


def alone(loader: LoaderBuilt, forward: Forward) -> bool:
    """Whether a batch comes as it is: not joined with another loader's, and nothing asks for its size before."""
    return len(batches.loaders(forward)) == 1 and loader.loader.serial not in forward.guarded


def cure(story: Story, loader: LoaderBuilt) -> Cure | None:
    """`drop_last=True`, if all that the line makes is for training."""
    place = loader.where.place
    trained = {found.loader.number for found in batches.trained(story)}
    if any(other.where.place == place and other.number not in trained for other in story.of(LoaderBuilt)):
        return None
    change = curing.argument(story, place, "drop_last", "True", over=("False",))
    return Cure("set `drop_last=True`", "unsafe", (change,)) if change is not None else None


def left_over(loader: LoaderBuilt) -> int | None:
    """The size of the last batch, None where that is not known."""
    if loader.length is None or loader.batch is None or loader.batch < 1:
        return None
    return loader.length % loader.batch or loader.batch
