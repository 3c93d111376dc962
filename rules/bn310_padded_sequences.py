"""Batch norm counts positions that are only padding.

## What it looks like

Sequences of different lengths are filled up with `pad_sequence`, or come back from `pad_packed_sequence`, and go
through `nn.BatchNorm1d` as they are, often folded into one long batch by `view(-1, features)`.

## Why it hurts

The zeros at the end count like all other values: they pull the mean towards zero and distort the variance. How much
depends on how far the lengths in a batch differ, so the same sequence is normalised differently beside a long one, and
the running statistics describe how the training batches were padded. After the layer the padded positions are no longer
zero.

## Bad

```python
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

bn = nn.BatchNorm1d(16)
sequences = [torch.randn(length, 16) for length in (12, 7, 3)]
padded = pad_sequence(sequences, batch_first=True)
normalised = bn(padded.transpose(1, 2))
```

## Good

```python
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

bn = nn.BatchNorm1d(16)
sequences = [torch.randn(length, 16) for length in (12, 7, 3)]
lengths = torch.tensor([len(each) for each in sequences])
padded = pad_sequence(sequences, batch_first=True)
mask = torch.arange(padded.size(1)) < lengths[:, None]
normalised = torch.zeros_like(padded)
normalised[mask] = bn(padded[mask])
```

## Silent when

- the padding was taken out: by a mask as index, or because the sequences are packed
- the time axis is gone: summed up, averaged, or only the last state is taken
- the layer is in eval mode, or is a norm of the project's own that takes a mask

## Right on purpose

The padding is a few per cent of the positions, or its value is typical of the data. If that is your case, put
`# bnlint: ignore[BN310] reason` on the line.

## Fix

`--fix` does not change this. Normalise `packed.data` or `x[mask]`, or use layer norm, which looks at each position by
itself.

## Source

PyTorch documentation (2.13), `torch.nn.utils.rnn.pad_sequence`, `torch.nn.utils.rnn.pad_packed_sequence` and
`torch.nn.BatchNorm1d` (it takes no mask).

## Measured

Nothing to run: how much the padding weighs is up to the lengths in the data.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Padded


@rule("BN310", "padded-sequences", severity="info", default=False, frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for event in story.of(Padded):
        place = event.where.place
        if place in told:
            continue
        told.add(place)
        steps = [Step("the sequences are filled up here", event.filled)]
        if event.norm.site is not None:
            steps.append(Step(f"{traces.title(event.norm)} is built here", event.norm.site))
        yield Report(
            f"{traces.title(event.norm)} counts the padding of sequences in its statistics",
            place,
            "likely" if not event.norm.slots.get("#contrary") else "possible",
            traces.distinct(steps, place),
            frozenset({event.norm}),
        )
