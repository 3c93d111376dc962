"""A momentum in the convention of another framework: 0.9 means the opposite in PyTorch and in Keras.

## What it looks like

`nn.BatchNorm2d(64, momentum=0.9)`. In PyTorch the momentum is the share of the new batch, so these running statistics
are hardly more than the last batch. The number often comes with code that was ported from Keras or TensorFlow, whose
0.9 is PyTorch's 0.1.

## Why it hurts

Evaluation normalises by the statistics of about one batch, the last one of training, instead of an average over many.
The noise of a small batch goes into every prediction, and into the choice of the best checkpoint.

## Bad

```python
from torch import nn

net = nn.Sequential(
    nn.Conv2d(3, 64, 3, padding=1, bias=False),
    nn.BatchNorm2d(64, momentum=0.99),
    nn.ReLU(),
)
```

## Good

```python
from torch import nn

net = nn.Sequential(
    nn.Conv2d(3, 64, 3, padding=1, bias=False),
    nn.BatchNorm2d(64, momentum=0.01),
    nn.ReLU(),
)
```

## Silent when

- the value is below 0.9: 0.5 is a short average, not a swapped one
- the value is not known from the text; a default of an option is reported as `likely`
- the momentum is 1 and the network only ever runs in train mode: nothing reads its statistics
- the class belongs to another framework that has PyTorch's names (Paddle, MindSpore, Jittor) and its own convention

In Keras and TensorFlow the same mistake the other way round, a momentum of 0.5 or less, did no harm when measured: it
is `info`, and off unless the rule is selected.

## Right on purpose

You want the statistics of the last batches only, because the data drift fast. If that is your case, put
`# bnlint: ignore[BN602] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` writes `1 - value`. Unsafe: evaluation then computes something else. It leaves
values alone that come from a parameter or an attribute, because other layers may share them.

## Source

PyTorch documentation (2.13), `torch.nn.BatchNorm2d`, note on momentum ("different from one used in optimizer classes
and the conventional notion of momentum"); Keras API documentation (3.15), "BatchNormalization layer"
(`moving_mean * momentum + mean(batch) * (1 - momentum)`).

## Measured

Relative error of the running variances after batches of 8: 0.389 bad, 0.044 good (torch 2.13.0).
Other seeds: 0.334, 0.383 bad, 0.065, 0.085 good.

Momentum .99 against .01, in three epochs of small batches. In three epochs of 64 the slow average is no better (.118 against
.180): it has not arrived after 93 steps, and the accuracies are alike. Accuracy in eval mode fell from .783 to .675 at
batches of 4 in a single experiment (torch 2.13). In Keras momenta of .1 and .5 did no harm (.903 and .905 against .893 with
.99).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import momentum, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN602", "swapped-momentum-convention", severity="warning", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for told in momentum.told(story):
        place = told.where.place
        name = told.lib.rpartition(".")[2]
        subjects = frozenset({told.obj} if told.obj is not None else {place})
        if told.torch and 0.9 <= told.value <= 1:
            if told.value == 1 and momentum.never_read(story, told.obj):
                continue
            kept = f"{1 - told.value:.3g}" if told.value < 1 else "nothing"
            message = f"momentum={told.value:g} keeps {kept} of the average at each step: in PyTorch it weighs the new batch"
            cure = momentum.swapped(story, told)
            yield Report(message, place, told.confidence, traces.distinct([*told.trace], place), subjects, cure)
        elif not told.torch and 0 < told.value <= 0.5:
            message = f"momentum {told.value:g} of {name} keeps that share of the average: is it PyTorch's convention?"
            cure = momentum.swapped(story, told)
            yield Report(message, place, told.confidence, told.trace, subjects, cure, severity="info", default=False)
