"""A batch-norm discriminator in train mode sees real and generated samples in separate or unequal batches.

## What it looks like

The discriminator's step runs it on a batch of real samples, then on a batch of generated ones. Or it runs on one batch
in which the two have different shares, say 64 real and 16 generated.

## Why it hurts

Each batch is normalised by itself, so a shift between real and generated samples, the first thing a discriminator could
use, is subtracted away. The running statistics blend the two, and the generator's step moves them once more, so they
fit neither.

Training on separate batches is nevertheless a well-known recipe (DCGAN, "How to train a GAN") and often works, so read
this report as a question (severity info). What does not work then is to run that discriminator in eval mode. Unequal
shares in one batch have no such tradition (severity warning): the averages lean towards the larger part.

## Bad

```python
import torch
from torch import nn
from torch.utils.data import DataLoader

G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8))
D = nn.Sequential(
    nn.Linear(8, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.2), nn.Linear(16, 1)
)
g_opt, d_opt = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)

for real in DataLoader(
    torch.randn(256, 8), batch_size=32, shuffle=True, drop_last=True
):
    fake = G(torch.randn(32, 4))
    d_loss = bce(D(real), ones)
    d_loss = d_loss + bce(D(fake.detach()), zeros)
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()
    g_loss = bce(D(fake), ones)
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
```

## Good

```python
import torch
from torch import nn
from torch.utils.data import DataLoader

G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8))
D = nn.Sequential(
    nn.Linear(8, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.2), nn.Linear(16, 1)
)
g_opt, d_opt = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)

for real in DataLoader(
    torch.randn(256, 8), batch_size=32, shuffle=True, drop_last=True
):
    fake = G(torch.randn(32, 4))
    on_real, on_fake = D(torch.cat([real, fake.detach()])).chunk(2)
    d_loss = bce(on_real, ones) + bce(on_fake, zeros)
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()
    _, on_fake = D(torch.cat([real, fake])).chunk(2)
    g_loss = bce(on_fake, ones)
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
```

## Silent when

- the discriminator has no batch norm (none, spectral, instance, layer or group norm), or is in eval mode
- its own step is joint: equal shares in one batch, taken apart again by `chunk` or by slices

A discriminator is reported once for each training loop.

## Right on purpose

You follow a recipe that separates real from generated on purpose, and the discriminator never runs in eval mode. If
that is your case, put `# bnlint: ignore[BN305] reason` on the line, or set `ignore = ["BN305"]` in `[tool.bnlint]` of a
GAN project.

## Fix

`--fix` does not change this. Put both halves into one forward, or take batch norm out of the discriminator.

## Source

"On The Perils of Batch Norm" (2017), which asks for balanced batches; "How to Train a GAN?" (soumith/ganhacks, no
longer maintained), section 4, which advises the opposite; "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks" (Radford and others, 2015).

## Measured

Relative error of the discriminator's running variance for real and generated: 0.803 bad, 0.029 good (torch 2.13.0).
Other seeds: 0.820, 0.812 bad, 0.020, 0.016 good.

Averages that separate batches made fit neither the real nor the generated: in eval mode the discriminator tells .003, .064 and
1.000 of the examples with three seeds, 1.000 each where the batches are joint. Disputed all the same:
well-known recipes (ganhacks, DCGAN) ask for separate batches, and train with them; they do not evaluate the discriminator.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import adversarial, traces
from bnlint.rule import Report, rule
from bnlint.story import Story


@rule("BN305", "gan-discriminator-batches", severity="warning", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for real, fake in adversarial.separate(story):
        steps = [*traces.built(fake), Step("the batch of real examples alone goes through here", real.where.place)]
        yield Report(
            f"{traces.title(fake.net)} normalises real and generated batches separately"
            " (many GAN recipes do so on purpose: then never use it in eval mode)",
            fake.where.place,
            "likely",
            traces.distinct(steps, fake.where.place),
            traces.subjects(fake),
            severity="info",
        )
    for forward, first, second, assumed in adversarial.unequal(story):
        yield Report(
            f"{traces.title(forward.net)} gets {first} real and {second} generated examples in one batch",
            forward.where.place,
            "likely" if assumed else "certain",
            traces.distinct(traces.built(forward), forward.where.place),
            traces.subjects(forward),
        )
