"""A training forward sends a batch of one sample through batch norm.

## What it looks like

`DataLoader(..., batch_size=1)` or no batch size at all (the default is one), an option or a configuration that says 1,
or `unsqueeze(0)` or `x[None]` in the training step. Accumulating the gradients of single samples does not help: each
forward still sees one sample.

## Why it hurts

The statistics of the batch are those of its one sample. With one value per channel nothing is left: torch raises
"Expected more than 1 value per channel when training", TensorFlow and Keras return beta whatever comes in. With a
picture or a sequence, the mean and the scale of each sample are erased. In eval mode, with averages over many samples,
they are not: the network is tested as another function than the one that was trained.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(64, 1, 12, 12), torch.randint(0, 2, (64,)))
loader = DataLoader(data, batch_size=1, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(800, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

for epoch in range(2):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(64, 1, 12, 12), torch.randint(0, 2, (64,)))
loader = DataLoader(data, batch_size=1, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.GroupNorm(4, 8), nn.ReLU(), nn.Flatten(), nn.Linear(800, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

for epoch in range(2):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Silent when

- every batch norm concerned is frozen in training: held in eval mode, or of a frozen class as detectors use it
- the norm is instance, group or layer norm
- the forward is an evaluation in eval mode
- the network acts in an environment: that is BN203

A size that comes from a default of argparse or a configuration is reported as `likely`, because a caller may give
another.

## Right on purpose

The pictures are so large that one fills the memory, and each is to be normalised by itself. That is instance norm, and
`nn.InstanceNorm2d` would say so. If you keep batch norm, put `# bnlint: ignore[BN301] reason` on the line.

## Fix

`--fix` does not change this. Use larger batches, a norm that does not look across samples (group norm, layer norm), or
frozen statistics.

## Source

"On The Perils of Batch Norm" (2017); the post on batch renormalisation (Ruban, 2018); PyTorch 2.13,
`torch.nn.functional.batch_norm` (the error); TensorFlow 2.21 with Keras 3.15 (no error).

## Measured

Test accuracy where brightness is the class: 0.490 bad, 1.000 good (torch 2.13.0).
Other seeds: 0.438, 0.368 bad, 0.998, 1.000 good.

One example at a time or 32, otherwise the same; two classes, so .5 is chance.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward


@rule("BN301", "batch-of-one", severity="error", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for forward in story.of(Forward):
        if "training" not in forward.purposes or forward.batch != 1 or not modes.all_in_train_mode(forward):
            continue
        if story.test or modes.in_train_mode(forward) != "certain":
            continue
        loop = forward.where.loops[-1][0] if forward.where.loops else forward.where.place
        if loop in told:
            continue  # one report per training loop
        told.add(loop)
        steps = [Step(message, place) for message, place in traces.batch_steps(forward)]
        yield Report(
            f"{traces.title(forward.net)} trains its batch norm on batches of one",
            forward.where.place,
            "likely" if forward.batch_assumed else "certain",
            traces.distinct([*traces.built(forward), *steps], forward.where.place),
            traces.subjects(forward),
        )
