"""A penalty on the gradient of each example is taken through a batch norm in train mode.

## What it looks like

WGAN-GP or DRAGAN: `torch.autograd.grad(outputs=critic(mixed), inputs=mixed, create_graph=True)`, then the norm of each
row, while the critic has batch norm. In TensorFlow `tf.gradients(critic(mixed), [mixed])` or
`tape.gradient(judged, mixed)`, when the result is part of the loss.

## Why it hurts

The penalty asks that the slope of the critic at every single example have a certain size. With batch norm the output
for one example is a function of the whole batch: the gradient with respect to one input mixes the outputs of all the
others, and the norm of its row is not the slope that the theory bounds. The authors of WGAN-GP leave batch norm out of
the critic for this reason.

## Bad

```python
import torch
from torch import nn

critic = nn.Sequential(
    nn.Linear(2, 64), nn.BatchNorm1d(64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
)
mixed = torch.rand(64, 2, requires_grad=True)
gradient = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
penalty = ((gradient.norm(2, dim=1) - 1) ** 2).mean()
penalty.backward()
```

## Good

```python
import torch
from torch import nn

critic = nn.Sequential(
    nn.Linear(2, 64), nn.LayerNorm(64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
)
mixed = torch.rand(64, 2, requires_grad=True)
gradient = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
penalty = ((gradient.norm(2, dim=1) - 1) ** 2).mean()
penalty.backward()
```

## Silent when

- batch norm is only in the generator, is in eval mode at the penalised forward, or is not built in this mode of the
  program
- the gradient is taken with respect to parameters (meta-learning, curvature)
- `create_graph` is not set, or the gradient is only fetched or detached: nothing is penalised (adversarial examples,
  saliency)

## Right on purpose

The penalty is meant for the batch as a whole, as in some methods. If that is your case, put
`# bnlint: ignore[BN901] reason` on the line.

## Fix

`--fix` does not change this. Use layer norm, instance norm or no norm in the critic.

## Source

"Improved Training of Wasserstein GANs" (Gulrajani and others, 2017), section 4, "No critic batch normalization".

## Measured

Norm of the first answer's gradient with respect to the other examples: 0.0953 bad, 0 good (torch 2.13.0).
Other seeds: 0.208, 0.134 bad, 0, 0 good.

In eval mode, or with layer norm, an example's answer depends on that example alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import modes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward, Penalised


@rule("BN901", "gradient-penalty-with-batch-norm", severity="error", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    told: set[object] = set()
    for event in story.of(Penalised):
        if not event.trained:
            continue
        place = event.where.place
        for number in sorted(event.forwards):
            forward = story.event(number)
            if not isinstance(forward, Forward) or modes.in_train_mode(forward) != "certain" or (place, forward.net) in told:
                continue
            if "training" not in forward.purposes or story.test:
                continue
            told.add((place, forward.net))
            steps = [*traces.built(forward), Step("it is applied to the penalised points here", forward.where.place)]
            yield Report(
                f"the gradient of {traces.title(forward.net)} at each point is penalised, but batch norm mixes the points",
                place,
                "certain" if story.bound else "likely",
                traces.distinct(steps, place),
                frozenset({(event, forward.net)}),
            )
