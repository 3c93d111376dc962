"""A momentum at the end of its range keeps the running averages from ever changing.

## What it looks like

`nn.BatchNorm2d(64, momentum=0)` in PyTorch, `BatchNormalization(momentum=1.0)` or `decay=1.0` in Keras and TensorFlow;
often through an option, or where a missing momentum (`None`) was turned into a number on the way.

## Why it hurts

The running statistics stay what they are at the start, mean 0 and variance 1. Training uses the batch and does not
notice. Evaluation then does not normalise at all. In PyTorch `momentum=None` means the average over all batches, so
`momentum or 0.0` turns it into its opposite.

## Bad

```python
from torch import nn

net = nn.Sequential(
    nn.Linear(32, 64, bias=False), nn.BatchNorm1d(64, momentum=0.0), nn.ReLU()
)
```

## Good

```python
from torch import nn

net = nn.Sequential(
    nn.Linear(32, 64, bias=False), nn.BatchNorm1d(64, momentum=None), nn.ReLU()
)
```

## Silent when

- the momentum is set on the layer after its construction: that is how some programs freeze or re-estimate statistics
- the layer keeps no statistics (`track_running_stats=False`), or is built for inference (`is_training=False`)
- the value is not known; a default of an option is reported as `likely`

## Right on purpose

The statistics of pretrained layers are to stay while training normalises by the batch. If that is your case, put
`# bnlint: ignore[BN603] reason` on the line. If training should use the kept statistics too, call `eval()` on the
layers instead.

## Fix

`--fix` does not change this. Leave the argument out, or give the share that was meant.

## Source

PyTorch 2.13, `torch.nn.modules.batchnorm._BatchNorm.forward` (`exponential_average_factor`); Keras API documentation
(3.15), "BatchNormalization layer" (`momentum`).

## Measured

Test accuracy in eval mode: 0.652 bad, 0.907 good (torch 2.13.0).
Other seeds: 0.496, 0.350 bad, 0.920, 0.874 good.

The network is evaluated with mean 0 and variance 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import momentum
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.values import Const, truth


@rule("BN603", "frozen-by-momentum", severity="error", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for told in momentum.told(story):
        tracked = told.arguments.get("track_running_stats")
        if told.value != (0 if told.torch else 1) or (tracked is not None and truth(tracked[0]) is False):
            continue
        if any(off(told, flag) for flag in ("training", "is_training", "trainable")):
            continue
        place = told.where.place
        name = told.lib.rpartition(".")[2]
        subjects = frozenset({told.obj} if told.obj is not None else {place})
        yield Report(
            f"{name} with momentum {told.value:g} never updates its running averages",
            place,
            told.confidence,
            told.trace,
            subjects,
        )


def off(told: momentum.Told, flag: str) -> bool:
    """Whether a constant says that the layer updates nothing."""
    given = told.arguments.get(flag)
    return given is not None and type(given[0]) is Const and truth(given[0]) is False
