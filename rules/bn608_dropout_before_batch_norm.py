"""Dropout right before batch norm makes its running variance wrong for evaluation.

## What it looks like

`nn.Sequential(nn.Linear(8, 64), nn.Dropout(0.5), nn.BatchNorm1d(64))`, or convolution, activation, dropout and batch
norm in this order.

## Why it hurts

In training, dropout zeroes some values and scales up the others: the mean stays, the variance grows. The running
variance is that of these values. In evaluation nothing is dropped, so batch norm divides by a variance that is too
large, and everything after it sees another scale than in training. Classification often survives this, regression does
not.

## Bad

```python
from torch import nn

net = nn.Sequential(
    nn.Linear(8, 64, bias=False),
    nn.Dropout(0.5),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Linear(64, 1),
)
```

## Good

```python
from torch import nn

net = nn.Sequential(
    nn.Linear(8, 64, bias=False),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Dropout(0.5),
    nn.Linear(64, 1),
)
```

## Silent when

- the rate of the dropout is 0
- another layer stands between the two (in Keras: other than pooling, padding and reshaping)
- the batch norm is frozen in eval mode

## Right on purpose

The rate is so small that the shift of variance does not matter, or it is a classifier whose accuracy in eval mode you
have checked. If that is your case, put `# bnlint: ignore[BN608] reason` on the line.

## Fix

`--fix` does not change this. Put dropout after the last batch norm.

## Source

"Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift" (Li and others, 2019).

## Measured

Not shown by a program: it harms some tasks only. Once (torch 2.13) a mean squared error of .58 against .12 in a regression,
the variance in evaluation being .41 to .6 of the running one at a rate of .5; in classification no harm, .863 against .831.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bnlint.judging import neighbours, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.values import number

DROPOUT = re.compile(r"^torch\.nn\.Dropout\w*$|^keras\..*Dropout(\dD)?$|^tensorflow\.(layers|nn)\.dropout$|^slim\.dropout$")


@rule("BN608", "dropout-before-batch-norm", severity="info", default=False, frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for found in neighbours.fed(story):
        layer = found.shape.made
        if layer is None or not DROPOUT.search(layer.lib) or layer.site is None or not found.trains:
            continue
        rate = number(layer.slots["#rate"]) if "#rate" in layer.slots else None
        if layer.site in told or (rate is not None and rate[0] == 0):
            continue
        told.add(layer.site)
        yield Report(
            f"{traces.title(layer)} before {traces.title(found.norm)} shifts the variance between training and evaluation",
            layer.site,
            "certain" if rate is not None and not rate[1] and (found.forward is None or story.bound) else "likely",
            traces.distinct(neighbours.steps(found), layer.site),
            frozenset({layer}),
        )
