"""One network is run separately on batches of two data sets within a training step.

## What it looks like

Domain adaptation: `net(source)` and `net(target)`, each from its own loader, run through the same batch norm in train
mode before one `backward()` or two. In a TensorFlow graph: two towers over the same variables, each on its own input
pipeline.

## Why it hurts

Each forward is normalised by the statistics of its own domain, so a difference between their means and scales is gone
before the next layer sees it. The running statistics follow both and fit neither: at evaluation each domain is
normalised by the mixture.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

to_tensor = transforms.Compose([transforms.Resize((28, 28)), transforms.ToTensor()])
source = DataLoader(
    datasets.MNIST("mnist", transform=to_tensor),
    batch_size=64,
    shuffle=True,
    drop_last=True,
)
target = DataLoader(
    datasets.USPS("usps", transform=to_tensor),
    batch_size=64,
    shuffle=True,
    drop_last=True,
)
net = nn.Sequential(
    nn.Flatten(), nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10)
)
optimizer = torch.optim.Adam(net.parameters())

for (xs, ys), (xt, _) in zip(source, target):
    on_source = net(xs)
    on_target = net(xt)
    entropy = -(on_target.softmax(1) * on_target.log_softmax(1)).sum(1).mean()
    loss = nn.functional.cross_entropy(on_source, ys) + 0.1 * entropy
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

to_tensor = transforms.Compose([transforms.Resize((28, 28)), transforms.ToTensor()])
source = DataLoader(
    datasets.MNIST("mnist", transform=to_tensor),
    batch_size=64,
    shuffle=True,
    drop_last=True,
)
target = DataLoader(
    datasets.USPS("usps", transform=to_tensor),
    batch_size=64,
    shuffle=True,
    drop_last=True,
)
net = nn.Sequential(
    nn.Flatten(), nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10)
)
optimizer = torch.optim.Adam(net.parameters())

for (xs, ys), (xt, _) in zip(source, target):
    on_source, on_target = net(torch.cat([xs, xt])).chunk(2)
    entropy = -(on_target.softmax(1) * on_target.log_softmax(1)).sum(1).mean()
    loss = nn.functional.cross_entropy(on_source, ys) + 0.1 * entropy
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Silent when

- both batches come from one loader: two augmented views, two halves
- both loaders read the same data set
- the two run through different batch norms (domain-specific layers), or batch norm is in eval mode for one of them
- the network tells real from generated examples: that is BN305

## Right on purpose

The two sources have the same distribution, or the network is used on one of them only and its statistics are estimated
anew before that. If that is your case, put `# bnlint: ignore[BN304] reason` on the line.

## Fix

`--fix` does not change this. Concatenate the batches before the forward, or give each domain a batch norm of its own.

## Source

"On The Perils of Batch Norm" (2017), on two towers for two data sets; "Revisiting Batch Normalization For Practical
Domain Adaptation" (Li and others, 2016).

## Measured

Test accuracy on both sources: 0.488 bad, 0.845 good (torch 2.13.0).
Other seeds: 0.437, 0.343 bad, 0.857, 0.811 good.

Where both sources have the same distribution there is no harm.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import batches, modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward
from bnlint.story.values import Obj


@rule("BN304", "separate-domain-batches", severity="warning", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    by_step: dict[tuple[int, object], list[Forward]] = {}
    for forward in batches.training(story):
        graph = "graph" in forward.purposes  # towers of one graph run together in each step
        if (forward.where.loops or graph) and len(batches.loaders(forward)) == 1:
            step: object = "graph" if graph else forward.where.loops[-1]
            by_step.setdefault((id(forward.net), step), []).append(forward)
    told: set[object] = set()
    for forwards in by_step.values():
        first = forwards[0]
        other = next((forward for forward in forwards if distinct(first, forward)), None)
        loop = first.where.loops[-1][0] if first.where.loops else None
        if other is None or loop in told:
            continue
        told.add(loop)
        sources = [batches.loaders(forward)[0] for forward in (first, other)]
        steps = [
            Step("the other batch runs here", first.where.place),
            *(Step("one of the two loaders", source.site) for source in sources if source.site is not None),
            *traces.built(other),
        ]
        yield Report(
            f"{traces.title(other.net)} is run separately on batches of two data sets in one training step",
            other.where.place,
            "likely",
            traces.distinct(steps, other.where.place),
            traces.subjects(other),
        )


def distinct(a: Forward, b: Forward) -> bool:
    """Whether two forwards of one step share their batch norms and take their batches from different data sets."""
    if a is b or a.where.loops != b.where.loops:
        return False
    if a.where.functions == b.where.functions and a.where.calls != b.where.calls:
        return False  # one function, called for one data set after the other
    left, right = batches.loaders(a)[0], batches.loaders(b)[0]
    return left is not right and not norms(a).isdisjoint(norms(b)) and not same_data(left, right)


def norms(forward: Forward) -> set[object]:
    """The batch norms of a forward: of a graph by the names of their variables, which towers share."""
    named = [use.norm.slots.get("#name", use.norm) for use in modes.known_norms(forward)]
    return {name for name in named if not (isinstance(name, str) and "?" in name)}


def same_data(left: Obj, right: Obj) -> bool:
    """Whether two loaders read one data set, or parts of one, or one of them something unknown."""
    a, b = origin(left), origin(right)
    return a is b or not (isinstance(a, Obj) and isinstance(b, Obj))


def origin(loader: Obj) -> object:
    data = loader.slots.get("dataset")
    while isinstance(data, Obj) and isinstance(data.slots.get("#of"), Obj):
        data = data.slots["#of"]
    return data
