"""A batch norm keeps no running statistics, and its network is evaluated on a few examples at a time.

## What it looks like

`nn.BatchNorm2d(64, track_running_stats=False)` in a network that is used on one picture, or tested with `batch_size=1`.
Or the flag is set to False on layers that are already built, often because the network is bad in eval mode.

## Why it hurts

Without running statistics the layer normalises by the batch in eval mode, too: the answer for an example depends on
what else is in its batch, and a single picture loses its own mean and scale. With one value per channel, a batch of one
raises an error, even in eval mode. Set after construction, the flag means something else: eval mode goes on using the
running statistics, but training no longer updates them.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

norm = nn.BatchNorm2d(16, track_running_stats=False)
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, bias=False), norm, nn.ReLU(), nn.Flatten(), nn.Linear(10816, 10)
)
net.load_state_dict(torch.load("net.pt"))
net.eval()
with torch.no_grad():
    for x, y in DataLoader(
        datasets.MNIST("data", False, transforms.ToTensor()), batch_size=1
    ):
        print(net(x).argmax(1) == y)
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

norm = nn.BatchNorm2d(16)
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, bias=False), norm, nn.ReLU(), nn.Flatten(), nn.Linear(10816, 10)
)
net.load_state_dict(torch.load("net.pt"))
net.eval()
with torch.no_grad():
    for x, y in DataLoader(
        datasets.MNIST("data", False, transforms.ToTensor()), batch_size=1
    ):
        print(net(x).argmax(1) == y)
```

## Silent when

- evaluation is known to run on more than 16 examples at a time; where the size is not known, the report is `possible`,
  hidden by default
- batch statistics are wanted: test-time adaptation, recalibration
- the flag is set back later, or the averages were trained or loaded before it was switched off

## Right on purpose

Domain adaptation, or inputs that always come in large batches of the same kind as in training. If that is your case,
put `# bnlint: ignore[BN605] reason` on the line.

## Fix

`--fix` does not change this. Leave the argument out, or use a norm that does not look across examples.

## Source

PyTorch documentation (2.13), `torch.nn.BatchNorm2d` (`track_running_stats`); PyTorch 2.13,
`torch.nn.modules.batchnorm._BatchNorm.forward` (buffers that are None mean batch statistics in both modes).

## Measured

Accuracy in test batches of 4: 0.709 bad, 0.876 good (torch 2.13.0).
Other seeds: 0.695, 0.669 bad, 0.871, 0.841 good.

Large shuffled batches hide it; a test set sorted by class makes it worse (.264 against .846 once, torch 2.13).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Step
from bnlint.judging import traces, tracking
from bnlint.rule import Report, rule
from bnlint.story import Story

SMALL = 16


@rule("BN605", "no-running-statistics", severity="warning")
def check(story: Story) -> Iterator[Report]:
    if story.test:
        return
    for found in tracking.without_statistics(story):
        norm, place = found.norms[0], found.norms[0].site
        known = sorted((each for each in found.evaluations if each.batch is not None), key=lambda each: each.batch or 0)
        confidence: Confidence = "possible"
        shown, on = (found.evaluations or (None,))[0], ""
        if known and (known[0].batch or 0) <= SMALL:
            shown, on, confidence = known[0], f" on batches of {known[0].batch}", "likely"
        elif known and len(known) == len(found.evaluations):
            continue
        if place is None or (shown is None and not found.trained):
            continue
        steps = [Step("evaluated here", shown.where.place), *traces.circumstances(shown)] if shown is not None else []
        more = f", {len(found.norms)} batch norms in all" if len(found.norms) > 1 else ""
        said = f"{traces.title(norm)} keeps no running statistics{more}"
        yield Report(
            f"{said}: {traces.title(found.net)} normalises by the batch when it is evaluated{on}",
            place,
            confidence,
            traces.distinct(steps, place),
            frozenset({found.net}),
        )
    told: set[object] = set()
    for switched, training, evaluation in tracking.stopped(story):
        place = switched.where.place
        if place not in told:
            told.add(place)
            steps = [Step("trained here", training.where.place), Step("evaluated in eval mode here", evaluation.where.place)]
            yield Report(
                "set after construction, track_running_stats=False leaves the averages at 0 and 1, and eval mode uses them",
                place,
                "likely",
                traces.distinct([*traces.built(evaluation), *steps], place),
                traces.subjects(evaluation),
            )
