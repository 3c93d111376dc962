"""A target, averaged or federated network gets the parameters of another one, but not its running statistics.

## What it looks like

A loop over `zip(target.parameters(), net.parameters())` that copies or averages: the soft update of a target network,
an exponential moving average of the weights, the mean of the clients in federated learning, a transfer of weights. The
copy is then used in eval mode. In Keras the same loop over `trainable_variables`; in a TensorFlow 1 graph, ops that
assign the `tf.trainable_variables()` of one scope to those of another.

## Why it hurts

`parameters()` includes gamma and beta, but the running mean and variance are buffers. The weights of the copy move on,
while it goes on normalising with the statistics it had when it was built, or at the last full copy. These belong to
other weights. In train mode nobody notices, because there the statistics of the batch are used.

## Bad

```python
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
ema_model = copy.deepcopy(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for x, y in train_loader:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for average, current in zip(ema_model.parameters(), model.parameters()):
            average.mul_(0.99).add_(current, alpha=0.01)
ema_model.eval()
with torch.no_grad():
    print(
        sum((ema_model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        / len(data)
    )
```

## Good

```python
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
ema_model = copy.deepcopy(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for x, y in train_loader:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for average, current in zip(ema_model.parameters(), model.parameters()):
            average.mul_(0.99).add_(current, alpha=0.01)
        for statistic, current in zip(ema_model.buffers(), model.buffers()):
            statistic.copy_(current)
ema_model.eval()
with torch.no_grad():
    print(
        sum((ema_model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        / len(data)
    )
```

## Silent when

- the buffers are copied or averaged as well, in whatever loop, function or caller, or `load_state_dict` does it each
  time
- the copy is used in train mode, so that it gathers statistics of its own: a mean teacher, a momentum encoder
- the statistics are estimated anew before the copy is used
- nothing is copied: a proximal term reads both networks, an optimiser's step or a gradient writes no weights of another
- neither network holds batch norm
- Keras: `get_weights()` and `set_weights()`, `weights` and `variables`, which include the moving averages

One full copy at the beginning is not enough: the statistics stay what they were then.

## Right on purpose

The networks share their statistics in another way, or the copy's statistics are meant to stay. If that is your case,
put `# bnlint: ignore[BN503] reason` on the line.

## Fix

`--fix` does not change this. Copy or average `buffers()` too (when averaging, leave out the integer
`num_batches_tracked`), or go over `state_dict()`. In Keras use `model.weights`, in TensorFlow 1
`tf.global_variables(scope)`.

## Source

PyTorch documentation (2.13), `torch.nn.Module.buffers` and `torch.nn.BatchNorm2d`; Keras API documentation (3.15), "The
base Layer class" (`weights`); TensorFlow API documentation (1.15), `tf.trainable_variables`.

## Measured

Test accuracy of the copy: 0.586 bad, 0.964 good (torch 2.13.0).
Other seeds: 0.512, 0.266 bad, 0.988, 0.968 good.

Harsh on purpose: inputs of mean 10, far from the 0 that the copy's statistics start with. With inputs around 0 the loss is
small (.958 against .988). A copy that is only used in train mode loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import copies
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN503", "parameters-only-copy", severity="error", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    places: set[object] = set()
    for found in copies.left_behind(story):
        place = found.copy.where.place
        if copies.averages(found.copy) or place in places:
            continue
        places.add(place)
        source = found.copy.sources[0]
        whose = "its batch norm" if found.copy.target.norms else "any batch norm"
        yield Report(
            f"{copies.title(found.copy.target)} takes over the parameters of {copies.title(source)} without the "
            f"statistics of {whose}",
            place,
            found.confidence,
            copies.trace(found, place),
            copies.subjects(found),
        )
