"""Gradients of single examples are taken through a batch norm that mixes the examples.

## What it looks like

`PrivacyEngine().make_private(module=net, ...)` of Opacus, or `vmap(grad(loss))`, over a network with batch norm in
train mode. In TensorFlow an optimiser of TensorFlow Privacy, which clips the gradients of microbatches, and a model
with batch norm.

## Why it hurts

Differential privacy bounds what one example can do to the gradient. With batch norm every example takes part in the
gradients of all the others, and the bound does not hold. Opacus and `vmap` therefore raise an error. But a batch norm
without trainable parameters (`affine=False`, or `requires_grad = False`) passes the check of Opacus while its
statistics still mix the examples, without a warning. TensorFlow Privacy does not check the layers at all.

## Bad

```python
import torch
from opacus import PrivacyEngine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

net = nn.Sequential(
    nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)
)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
loader = DataLoader(
    TensorDataset(torch.randn(256, 8), torch.randint(2, (256,))),
    batch_size=32,
    shuffle=True,
)
net, optimizer, loader = PrivacyEngine().make_private(
    module=net,
    optimizer=optimizer,
    data_loader=loader,
    noise_multiplier=1.0,
    max_grad_norm=1.0,
)
```

## Good

```python
import torch
from opacus import PrivacyEngine
from opacus.validators import ModuleValidator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

net = nn.Sequential(
    nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)
)
net = ModuleValidator.fix(net)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
loader = DataLoader(
    TensorDataset(torch.randn(256, 8), torch.randint(2, (256,))),
    batch_size=32,
    shuffle=True,
)
net, optimizer, loader = PrivacyEngine().make_private(
    module=net,
    optimizer=optimizer,
    data_loader=loader,
    noise_multiplier=1.0,
    max_grad_norm=1.0,
)
```

## Silent when

- `ModuleValidator.fix` or `convert_batchnorm_modules` has put group norm in its place
- batch norm is in eval mode under `vmap`
- it cannot be told whether the network holds batch norm

## Right on purpose

Never for privacy: the gradient of one example must not depend on others. For other uses of per-sample gradients, eval
mode is enough. Should you need train mode nevertheless, put `# bnlint: ignore[BN902] reason` on the line.

## Fix

`--fix` does not change this. Call `ModuleValidator.fix(net)`, or use group norm.

## Source

Opacus documentation (1.6), `opacus.validators.ModuleValidator`; PyTorch documentation (2.13), "torch.func", "Patching
Batch Norm".

## Measured

The gradients of 64 single examples: RuntimeError bad, computed good (torch 2.13.0).

Private training: UnsupportedModuleError bad, completed good (torch 2.13.0, opacus 1.6.0).

Relative change of an example's gradient among others: 0.385 bad, 0 good (torch 2.13.0, opacus 1.6.0).
Other seeds: 0.531, 0.356 bad, 0, 0 good.

By `vmap`, by Opacus, and by Opacus with `affine=False`, which it accepts: the gradient of one and the same example changes
with the 63 others of its batch.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import PerSample


@rule("BN902", "per-sample-gradients-with-batch-norm", severity="error", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for event in story.of(PerSample):
        norms = event.refused or event.passed
        said = "refuses" if event.refused else "accepts, but cannot protect,"
        place = event.where.place
        sites = [(event.net, f"{traces.title(event.net)} is built here"), (norms[0], f"it holds {traces.norm_kind(norms[0])}")]
        yield Report(
            f"{event.how} {said} {traces.title(norms[0])}, which mixes the examples of a batch",
            place,
            "certain" if story.bound else "likely",
            traces.distinct([Step(text, obj.site) for obj, text in sites if obj.site is not None], place),
            traces.parts(event.net),
        )
