"""A type check finds some of the network's batch norms and misses those of another class.

## What it looks like

A loop over `model.modules()` freezes batch norm, or spares it weight decay, by `isinstance(m, nn.BatchNorm2d)`. But the
network also holds `BatchNorm1d` in its head, or `SyncBatchNorm` after a conversion.

## Why it hurts

`BatchNorm1d`, `BatchNorm2d`, `BatchNorm3d` and `SyncBatchNorm` are siblings: none is a subclass of another. The ones
that the check does not name silently stay in train mode and go on updating their statistics, keep their gradient, or
are decayed. After `convert_sync_batchnorm` such a loop finds nothing at all.

## Bad

```python
import torch
from torch import nn

model = nn.Sequential(
    nn.Conv2d(3, 16, 3, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 8, bias=False),
    nn.BatchNorm1d(8),
    nn.ReLU(),
    nn.Linear(8, 2),
)

model.train()
for m in model.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.eval()
```

## Good

```python
import torch
from torch import nn

model = nn.Sequential(
    nn.Conv2d(3, 16, 3, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 8, bias=False),
    nn.BatchNorm1d(8),
    nn.ReLU(),
    nn.Linear(8, 2),
)

model.train()
for m in model.modules():
    if isinstance(m, nn.modules.batchnorm._BatchNorm):
        m.eval()
```

## Silent when

- the check names a common base, or all kinds that the network holds
- the others are treated the same way somewhere else, or run in eval mode whenever they run
- nothing is done with the norms that were found, or they are only initialised
- it is not known which network the loop goes through

## Right on purpose

The other kinds are meant to be treated differently. If that is your case, put `# bnlint: ignore[BN405] reason` on the
line.

## Fix

`--fix` does not change this. Check for `torch.nn.modules.batchnorm._BatchNorm`, the base class of them all, or name
each kind in a tuple.

## Source

PyTorch 2.13, `torch.nn.modules.batchnorm` (the classes and their base `_BatchNorm`).

## Measured

Nothing to run: what a batch norm does that was meant to be frozen is BN401.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward, Frozen, ModeSet, Narrow
from bnlint.story.values import Obj

LEFT = {"eval": "keeps its mode", "frozen": "keeps its gradient", "decay": "is decayed"}


@rule("BN405", "narrow-norm-type-check", severity="info", default=False, frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for event in story.of(Narrow):
        treated = treated_elsewhere(story, event.how)
        missed = [norm for norm in event.passed if id(norm) not in treated]
        if not missed or event.asked in told:
            continue
        told.add(event.asked)
        known = [norm for norm in missed if not norm.slots.get("#contrary")]
        norm = (known or missed)[0]
        steps = [Step(f"this {traces.title(norm)} is passed over", norm.site)] if norm.site is not None else []
        steps += [Step(f"this {traces.title(each)} is found", each.site) for each in event.picked[:1] if each.site is not None]
        steps.append(Step("this is done with what is found", event.where.place))
        yield Report(
            f"the check for {traces.title(event.picked[0])} leaves {traces.title(norm)} out, which {LEFT[event.how]}",
            event.asked,
            "likely" if known else "possible",
            traces.distinct(steps, event.asked),
            frozenset({norm}),
        )


def treated_elsewhere(story: Story, how: str) -> set[int]:
    """The batch norms that get the same treatment by some other statement, or need none."""
    found: set[int] = set()
    if how == "eval":
        found = {id(event.net) for event in story.of(ModeSet) if event.modes == {"eval"} and isinstance(event.net, Obj)}
        trained: set[int] = set()
        held: set[int] = set()
        for forward in story.of(Forward):
            for use in forward.norms:
                (trained if "train" in modes.names(use) else held).add(id(use.norm))
        found |= held - trained
    elif how == "frozen":
        found = {id(norm) for event in story.of(Frozen) if event.flag is False for norm in event.norms}
    return found
