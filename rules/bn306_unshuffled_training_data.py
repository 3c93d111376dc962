"""Batch norm is trained on batches in the order of the data set.

## What it looks like

A training `DataLoader` with neither `shuffle=True` nor a sampler: it reads the files in their order, and they are often
sorted by class, patient or day. In TensorFlow and Keras: a `tf.data` pipeline over a list of files without `shuffle`,
`flow_from_directory(shuffle=False)`, `fit(shuffle=False)`, or `tf.train.batch` behind a producer with `shuffle=False`.

## Why it hurts

The examples of one batch are alike. Batch norm takes away what they have in common, which may be just what the network
should learn, and the running statistics follow the last part of the data set. Not all of the damage is batch norm's: on
data sorted by class a network forgets with any norm. Its own share shows where something else is sorted, such as the
brightness or the day.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
data = datasets.ImageFolder("train", transform)
net = nn.Sequential(
    nn.Conv2d(3, 16, 3),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(14400, 10),
)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in DataLoader(data, batch_size=64):
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
data = datasets.ImageFolder("train", transform)
net = nn.Sequential(
    nn.Conv2d(3, 16, 3),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(14400, 10),
)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in DataLoader(data, batch_size=64, shuffle=True):
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- there is a sampler or a batch sampler, or `shuffle` is bound to an expression
- the data set is a stream, draws its examples at random, was split at random, or is made of random numbers
- examples come from records or a generator, which may be in random order, or the program shuffles arrays by hand
- nothing is known of the data set, or the loader also serves an evaluation

## Right on purpose

The stored order means nothing, because the data were shuffled when they were written. If that is your case, put
`# bnlint: ignore[BN306] reason` on the line.

## Fix

`--fix` does not change this. Pass `shuffle=True`, or shuffle the pipeline.

## Source

PyTorch documentation (2.13), `torch.utils.data.DataLoader` (without `shuffle` it reads in order); TensorFlow API
documentation (1.15), `tf.train.batch`; Keras API documentation (2.15), `Model.fit`; "A bug hidden in plain sight", on
homogeneous batches.

## Measured

Test accuracy on all of the recording: 0.685 bad, 0.852 good (torch 2.13.0).
Other seeds: 0.702, 0.501 bad, 0.857, 0.808 good.

The classes are mixed, the sensor drifts. Sorted by class, layer norm suffers just as much: that is forgetting. A fixed order
that means nothing does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import batches, traces
from bnlint.judging.inputs import input_tokens
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward


@rule("BN306", "unshuffled-training-data", severity="warning", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for found in batches.trained(story):
        loader = found.loader
        if loader.shuffle is not False or loader.sampled is not False or loader.orderless is not False:
            continue
        if any(len(batches.loaders(forward)) > 1 for forward in found.forwards):
            continue  # one of several pipelines, chosen by a condition or run side by side
        if any(also_evaluates(forward, loader.loader) for forward in story.of(Forward)):
            continue
        place = loader.where.place
        yield Report(
            f"{traces.title(found.forwards[0].net)} trains its batch norm on batches in the order of the data set",
            place,
            "likely",
            traces.distinct(batches.steps(found.forwards[0]), place),
            frozenset({loader.loader}),
        )


def also_evaluates(forward: Forward, loader: object) -> bool:
    return "training" not in forward.purposes and any(
        token.kind == "batch" and token.ref is loader for token in input_tokens(forward)
    )
