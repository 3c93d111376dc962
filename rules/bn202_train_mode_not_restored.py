"""Training goes on in the eval mode that an evaluation inside the training loop left behind.

## What it looks like

`train()` stands before the loop over epochs, `eval()` inside it or in a function called from it. From the first
evaluation on, training continues in eval mode. An early `return` between `eval()` and `train()` does the same on one
path only.

## Why it hurts

In eval mode batch norm is a fixed scale and shift made from the running statistics, and these are no longer updated.
Nothing keeps the activations normalised while the weights move: training gets slower or diverges, and the statistics
belong to weights that no longer exist. Dropout is off as well.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

model.train()
for epoch in range(3):
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    print(epoch, hits / len(data))
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(3):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    print(epoch, hits / len(data))
```

## Silent when

- the loop calls `train()` first in each epoch, or after each evaluation
- a context manager, a decorator or a saved `was_training` restores the mode
- only a frozen part of the network is put in eval mode
- the network in eval mode is not the one that this step optimises: a frozen teacher, a critic that scores the actor

## Right on purpose

Finetuning with frozen batch norm trains in eval mode by design (dropout is off then, too). If that is your case, put
`# bnlint: ignore[BN202] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` inserts `model.train()` before the loop over the batches. Unsafe: training then
computes something else. Where it cannot tell what to insert, call `train()` by hand at the head of each epoch or right
after the evaluation.

## Source

"On The Perils of Batch Norm" (2017); PyTorch documentation (2.13), `torch.nn.Module.train`.

## Measured

Accuracy after five epochs: 0.251 bad, 0.819 good (torch 2.13.0).
Other seeds: 0.244, 0.239 bad, 0.865, 0.716 good.

Harsh on purpose: five batch norms, SGD at a learning rate of 1 with momentum .9, eval mode from the first step on. At a rate
of .1 there is next to no loss (.857 and .856): the damage grows with depth, learning rate and how early `eval()` comes.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place
from bnlint.judging import curing, modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Event, Forward, ModeSet


@rule("BN202", "train-mode-not-restored", severity="error", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    trained: dict[tuple[int, object], Forward] = {}
    for forward in story.of(Forward):
        if "training" not in forward.purposes or not modes.known_norms(forward) or not in_one_pass(forward):
            continue
        here = (id(forward.net), forward.where.place)
        first = trained.get(here)
        left = left_behind(story, first, forward) if first is not None else None
        if left is not None and modes.whole(left.net, forward.net):
            frozen = first is not None and not modes.all_in_train_mode(first)
            definite = not modes.marks(forward, "train") and first is not None and not frozen
            yield Report(
                f"{traces.title(forward.net)} goes on training in the eval mode that an earlier eval() left behind",
                forward.where.place,
                "certain" if definite and story.bound else "likely",
                traces.mode_trace(story, forward, "eval"),
                traces.subjects(forward),
                None if frozen else curing.trained(story, forward, left),
            )
        elif modes.marks(forward, "train"):
            trained.setdefault(here, forward)


def left_behind(story: Story, first: Forward, forward: Forward) -> ModeSet | None:
    """The `eval()` between two training forwards that the later one still runs under.

    Where the earlier one may have been in eval mode itself (a part that is frozen, or the whole by an option), what put it
    there does not count, and nothing may have put the later one back in train mode on any path.
    """
    switched = [story.event(mark.event) for mark in modes.marks(forward, "eval") if mark.event > first.number]
    if not modes.all_in_train_mode(first):
        if any(mark.event > first.number for mark in modes.marks(forward, "train")):
            return None
        frozen = {way(event) for mark in modes.marks(first, "eval") if (event := story.event(mark.event)) is not None}
        switched = [event for event in switched if event is not None and way(event) not in frozen]
    last = switched[-1] if switched else None
    return last if isinstance(last, ModeSet) else None


def in_one_pass(forward: Forward) -> bool:
    """Whether the gradient is taken in the pass over each loop in which the forward runs: no variable of an earlier phase."""
    passes = dict(forward.where.loops)
    return all(passes.get(loop, number) == number for loop, number in forward.reached["training"].loops)


def way(event: Event) -> tuple[Place, ...]:
    """Where an event happens, and the calls that lead there."""
    return (*event.where.calls, event.where.place)
