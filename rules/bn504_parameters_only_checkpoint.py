"""A checkpoint holds the parameters of a network but not its running statistics, or only the parameters are restored.

## What it looks like

`torch.save` of `list(model.parameters())` or of a dict made from `named_parameters()`; the best weights kept as such a
dict and given back by `load_state_dict(..., strict=False)`; a file read by a loop over `parameters()`. In TensorFlow 1
`tf.train.Saver(tf.trainable_variables())`, for saving or for restoring.

## Why it hurts

The running mean and variance are buffers, not parameters, but eval mode needs them just as much. A network restored
without them normalises with mean 0 and variance 1, or with the statistics of other weights. A strict `load_state_dict`
reports what is missing; `strict=False` and assignments by hand are silent.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for x, y in train_loader:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
torch.save({name: p.detach() for name, p in model.named_parameters()}, "weights.pt")
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
train_loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
model = nn.Sequential(
    nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for x, y in train_loader:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
torch.save(model.state_dict(), "weights.pt")
```

## Silent when

- the same program also saves the state dict, the buffers or the module itself
- `strict=False` loads a checkpoint of which nothing is known: that is normal when heads change
- the restored network is trained on, which gives it statistics of its own
- the network holds no batch norm
- TensorFlow: the list includes the moving averages, also where slim's `variables_collections=` puts them among the
  trainable variables; or another saver of the same graph saves everything

## Right on purpose

The statistics are estimated anew after loading, before anything is evaluated. If that is your case, put
`# bnlint: ignore[BN504] reason` on the line.

## Fix

`bnlint check --fix --unsafe-fixes` saves `model.state_dict()` where the call itself makes a dict of all named
parameters, and `tf.global_variables()` where it lists all trainable variables. Unsafe: checkpoints get larger, and
older ones lack what the new code asks for. Elsewhere make the same change by hand, for saving and for loading.

## Source

PyTorch documentation (2.13), `torch.nn.Module.state_dict` and the tutorial "Saving and Loading Models"; TensorFlow API
documentation (1.15), `tf.train.Saver` and `tf.trainable_variables`.

## Measured

Test accuracy of the restored network: 0.665 bad, 0.985 good (torch 2.13.0).
Other seeds: 0.512, 0.309 bad, 0.994, 0.971 good.

Test accuracy of the restored network: 0.391 bad, 0.933 good (tensorflow 2.21.0, tf_keras 2.21.0).

Harsh on purpose: inputs of mean 10 (5 in TensorFlow), far from the 0 that new statistics start with. With inputs around 0 the
loss is small (.970 against .986, torch). The strict `load_state_dict` would have raised.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import checkpoints, copies, traces
from bnlint.rule import Report, rule
from bnlint.story import Story

MESSAGES = {
    "saved": "{net} is saved without the statistics of its batch norm",
    "given back": "{net} gets its parameters back, but keeps the statistics of other weights",
    "read": "the parameters of {net} are read from a file, but not the statistics of its batch norm",
}


@rule("BN504", "parameters-only-checkpoint", severity="error", frameworks=("torch", "tensorflow"))
def check(story: Story) -> Iterator[Report]:
    for found in checkpoints.incomplete(story):
        place = found.event.where.place
        yield Report(
            MESSAGES[found.kind].format(net=copies.title(found.net)),
            place,
            found.confidence,
            traces.distinct(checkpoints.steps(found), place),
            frozenset({found.net.net, *found.net.norms}),
            checkpoints.state_dict(story, found),
        )
    for saver, confidence in checkpoints.lacking(story):
        place = saver.where.place
        yield Report(
            "this saver holds the scale and shift of batch norm, but not its moving mean and variance",
            place,
            confidence,
            traces.distinct(checkpoints.saver_steps(saver), place),
            frozenset(saver.lacking),
            checkpoints.all_variables(story, saver),
        )
