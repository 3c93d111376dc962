"""A policy acts in an environment while its batch norm is in train mode.

## What it looks like

The output of the network reaches `env.step`, directly or through an agent's `act`, `select_action` or `predict`, and
nobody called `eval()` first, or learning put the network back in train mode.

## Why it hurts

An agent usually acts on one observation at a time. Normalised by the statistics of that single observation, what told
it apart from others is gone: with one value per channel every activation becomes zero and the policy acts blindly.
torch raises in that case; convolutional networks, vectorised environments and TensorFlow go on silently. Each action
also writes its observation into the running statistics, so exploration spoils later evaluation.

## Bad

```python
import torch
from torch import nn


class Env:
    def reset(self):
        return torch.rand(1, 8, 8)

    def step(self, action):
        return torch.rand(1, 8, 8), float(action == 0), torch.rand(1).item() < 0.1


env = Env()
policy = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))
for episode in range(3):
    obs, done = env.reset(), False
    while not done:
        with torch.no_grad():
            action = policy(obs.unsqueeze(0)).argmax(1).item()
        obs, reward, done = env.step(action)
```

## Good

```python
import torch
from torch import nn


class Env:
    def reset(self):
        return torch.rand(1, 8, 8)

    def step(self, action):
        return torch.rand(1, 8, 8), float(action == 0), torch.rand(1).item() < 0.1


env = Env()
policy = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))
policy.eval()
for episode in range(3):
    obs, done = env.reset(), False
    while not done:
        with torch.no_grad():
            action = policy(obs.unsqueeze(0)).argmax(1).item()
        obs, reward, done = env.step(action)
```

## Silent when

- the policy is in eval mode while it acts, whoever put it there
- the batch norm sits in a network that does not act, such as the critic
- on-policy code acts and learns in the same mode on purpose: confidence `possible`, hidden by default

## Right on purpose

On-policy learning that wants the same function for acting and learning, on batches that are large and alike. Then write
`# bnlint: ignore[BN203]` and the reason on the line.

## Fix

Call `eval()` before acting and `train()` before learning. Policies without batch norm (layer norm, none at all) avoid
the question.

## Source

"On The Perils of Batch Norm" (2017), on rollouts with batches of one.

## Measured

Share of right actions: 0.212 bad, 1.000 good (torch 2.13.0).

Four actions, so .25 is chance: the brightness of a single picture is normalised away.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import modes, purposes, traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import Forward


@rule("BN203", "rollout-in-train-mode", severity="error", frameworks=("torch", "tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    for forward in story.of(Forward):
        mode = modes.in_train_mode(forward, story)
        evidence = purposes.acting(story, forward)
        if mode is None or evidence is None:
            continue
        confidence = modes.weakest(mode, evidence)
        if "training" in forward.purposes:
            confidence = "possible"
        alone = " on a batch of one" if forward.batch == 1 else ""
        yield Report(
            f"{traces.title(forward.net)} acts with its batch norm in train mode{alone}",
            forward.where.place,
            confidence,
            traces.acting_trace(story, forward),
            traces.subjects(forward),
        )
