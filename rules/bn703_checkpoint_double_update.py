"""Activation checkpointing runs a batch norm in train mode twice for each step.

## What it looks like

`torch.utils.checkpoint.checkpoint(block, x)` or `checkpoint_sequential(...)` where the block holds batch norm. The
activations of the forward pass are thrown away, and the pass runs once more during `backward()`.

## Why it hurts

Each run through a batch norm in train mode updates its running statistics, so they move twice per batch: with a
momentum of .1 they forget as fast as with .19. They still average the same values, only over fewer batches. This is
mostly harmless, which is why the rule is off unless it is selected.

## Bad

```python
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

block = nn.Sequential(
    nn.Conv2d(3, 16, 3, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(),
)
images = torch.randn(8, 3, 32, 32, requires_grad=True)
checkpoint(block, images, use_reentrant=False).mean().backward()
```

## Good

```python
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

block = nn.Sequential(
    nn.Conv2d(3, 16, 3, bias=False),
    nn.BatchNorm2d(16, momentum=0.0513),  # 1 - sqrt(1 - 0.1)
    nn.ReLU(),
)
images = torch.randn(8, 3, 32, 32, requires_grad=True)
checkpoint(block, images, use_reentrant=False).mean().backward()
```

## Silent when

- the momentum was chosen by whoever built the layer: another number than the default of .1, or an expression
- the block holds layer norm, or its batch norm is in eval mode, or gradients are switched off
- checkpointing is used only where the network is not in train mode

## Right on purpose

The statistics may move faster. If that is your case, put `# bnlint: ignore[BN703] reason` on the line.

## Fix

`--fix` does not change this. Set `momentum=1 - (1 - m) ** 0.5`, which undoes the double update, or keep the norm out of
the block.

## Source

PyTorch documentation (2.13), `torch.utils.checkpoint` (the forward is rerun during backward); pytorch-pfn-extras,
`pytorch_pfn_extras.utils.checkpoint`, which corrects the momentum for the same reason.

## Measured

Not shown by a program: only the averages move faster. Once (torch 2.13), after 5 steps `num_batches_tracked` was 10 with
both variants of checkpointing, the effective momentum .19; the error of the converged mean hardly differed, .0135 against
.0133.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import modes, traces
from bnlint.judging.momentum import DEFAULT, chosen
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Recomputed


@rule("BN703", "checkpoint-double-update", severity="info", default=False, frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    given = chosen(story)
    told: set[object] = set()
    for event in story.of(Recomputed):
        place = event.where.place
        norms = [
            use
            for use in event.norms
            if use.certain and "train" in modes.names(use) and given.get(id(use.norm), DEFAULT) == DEFAULT
        ]
        if not norms or event.recording is False or place in told:
            continue
        told.add(place)
        sure = all(modes.names(use) == {"train"} for use in norms)
        first = norms[0].norm
        steps = [Step(f"{traces.norm_kind(first)} is built here", first.site)] if first.site is not None else []
        yield Report(
            f"checkpointing runs {traces.title(first)} twice: its averages are updated twice per step",
            place,
            "certain" if sure and story.bound else "likely",
            traces.distinct(steps, place),
            frozenset(use.norm for use in norms),
        )
