"""A network is traced, exported or fused while its batch norm is in train mode.

## What it looks like

`torch.jit.trace(net, example)` or `torch.export.export(net, ...)` without `net.eval()` before it; `torch.onnx.export`
with `training=TrainingMode.TRAINING` or `PRESERVE` and `dynamo=False`, the default before torch 2.9; `fuse_modules`,
`torch.jit.freeze` or `prepare_fx` on a network that was just built.

## Why it hurts

A trace records what batch norm did, and in train mode it normalised by the batch. The exported network does so for
ever, and calling `eval()` on it changes nothing: a single example gives another answer than the same example within a
batch. Tracing also runs the network, which moves the running statistics of the original. Fusing and freezing raise an
error in train mode.

## Bad

```python
import torch
from torchvision.models import resnet18

net = resnet18(weights="DEFAULT")
torch.jit.trace(net, torch.rand(1, 3, 224, 224)).save("resnet18.pt")
```

## Good

```python
import torch
from torchvision.models import resnet18

net = resnet18(weights="DEFAULT").eval()
torch.jit.trace(net, torch.rand(1, 3, 224, 224)).save("resnet18.pt")
```

## Silent when

- the network is scripted: `torch.jit.script` keeps the switch between the modes
- `torch.onnx.export` runs with its defaults: both exporters then write batch norm for inference (the one with dynamo
  leaves dropout active, but that is not about batch norm)
- `torch.onnx.export` is given `training=` but not `dynamo=`, and the project's requirements do not say that torch is older
  than 2.9: from then on the default exporter ignores it
- the network was loaded by a function that returns it in eval mode, or is a parameter of the function
- the mode depends on something unknown

## Right on purpose

The exported program is to be trained further elsewhere, or normalises by its input by design. If that is your case, put
`# bnlint: ignore[BN207] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` calls `eval()` on the network before it is exported. Unsafe: the exported network
then computes something else. It does not touch `torch.onnx.export(training=TrainingMode.TRAINING)`, where the argument
decides.

## Source

PyTorch documentation (2.13), `torch.jit.trace` ("in the returned ScriptModule, operations that have different behaviors
in training and eval modes will always behave as if it is in the mode it was in during tracing"), `torch.export.export`,
`torch.onnx.export`.

## Measured

Largest difference between the traced network and eval mode: 14 bad, 0 good (torch 2.13.0).
Other seeds: 9.75, 10.9 bad, 0, 0 good.

Largest difference between the exported network and eval mode: 14 bad, 3.81e-06 good (torch 2.13.0, onnx 1.23.2).
Other seeds: 9.75, 10.9 bad, 1.91e-06, 1.91e-06 good.

A convolutional network, asked about single pictures: `torch.jit.trace`, and `torch.onnx.export` with `training=PRESERVE` and
`dynamo=False`, run by ONNX's reference evaluator. `torch.export` differs likewise. With their defaults both exporters of
`torch.onnx.export` are within 3e-6, whatever the mode. Tracing itself moves the statistics.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import curing, modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Exported, ModeSet, NormUse


@rule("BN207", "export-in-train-mode", severity="error", frameworks=("torch",))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for event in story.of(Exported):
        place = event.where.place
        used = [use for use in event.norms if use.certain and modes.names(use) == {"train"}]
        if not used or place in told or story.test:
            continue
        told.add(place)
        what = "refuses batch norm in train mode" if event.raises else "records batch norm in train mode"
        yield Report(
            f"{event.how} {what}: {traces.title(event.net)} was not put in eval mode",
            place,
            "certain" if story.bound else "likely",
            traces.distinct([*built(event, used[0]), *switched(story, used[0])], place),
            frozenset({event.net, *(use.norm for use in event.norms)}),
            curing.exported(story, event),
        )


def built(event: Exported, use: NormUse) -> list[Step]:
    steps = [Step(f"{traces.title(event.net)} is built here", event.net.site)] if event.net.site is not None else []
    if use.norm is not event.net and use.norm.site is not None:
        steps.append(Step(f"it holds {traces.norm_kind(use.norm)}, built here", use.norm.site))
    return steps


def switched(story: Story, use: NormUse) -> list[Step]:
    events = [story.event(number) for number in sorted({mark.event for mark in use.modes})]
    return [Step(f"put in train mode by {event.how} here", event.where.place) for event in events if isinstance(event, ModeSet)]
