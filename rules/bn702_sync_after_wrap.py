"""Batch norm is converted to `SyncBatchNorm` too late, or the converted layer is thrown away.

## What it looks like

`convert_sync_batchnorm(norm)` as a statement of its own, where `norm` is itself a batch norm. Or
`convert_sync_batchnorm(ddp)` on what `DistributedDataParallel` returned.

## Why it hurts

A bare batch norm cannot be exchanged in place: the call returns a new layer, and without an assignment nothing has
happened (severity error). The children of a container are exchanged in place, so a conversion after wrapping works
today, but it is not the order that the documentation shows (severity info, off unless the rule is selected).

## Bad

```python
from torch import nn

norm = nn.BatchNorm2d(16)
nn.SyncBatchNorm.convert_sync_batchnorm(norm)
```

## Good

```python
from torch import nn

norm = nn.BatchNorm2d(16)
norm = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
```

## Silent when

- the network is converted before it is wrapped
- the result for a container is thrown away: its layers are exchanged in place
- the network holds no batch norm, or nothing tells whether it does

## Right on purpose

For the dropped result never. For a late conversion in code that you cannot reorder, put
`# bnlint: ignore[BN702] reason` on the line.

## Fix

`--fix` does not change this. Assign the result; convert first and wrap then.

## Source

PyTorch documentation (2.13), `torch.nn.SyncBatchNorm.convert_sync_batchnorm`.

## Measured

Not shown on one CPU: training with `SyncBatchNorm` needs several GPUs. The late conversion returns the same wrapper with its
children exchanged, and keeps parameters and buffers (torch 2.13).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Converted, Wrapped


@rule("BN702", "sync-after-wrap", severity="info", default=False, frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    wrappers = {id(event.wrapper): event for event in story.of(Wrapped) if event.plain}
    for event in story.of(Converted):
        place = event.where.place
        if event.bare and event.dropped:
            yield Report(
                f"the converted layer is thrown away: {traces.title(event.net)} itself is not changed",
                place,
                "certain",
                (Step("the layer is built here", event.net.site),) if event.net.site is not None else (),
                frozenset({event.net}),
                severity="error",
                default=True,
            )
        before = wrappers.get(id(event.net))
        if event.wrapped and before is not None:
            yield Report(
                "batch norm is converted after the network was wrapped",
                place,
                "certain" if not before.contrary else "likely",
                traces.distinct([*traces_of(before)], place),
                traces.parts(event.net),
            )


def traces_of(event: Wrapped) -> list[Step]:
    return [Step("the network is wrapped here", event.where.place)]
