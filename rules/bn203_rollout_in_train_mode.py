"""A policy acts in an environment while its batch norm is in train mode.

## What it looks like

The output of the network reaches `env.step`, directly or through an agent's `act`, `select_action` or `predict`. But
nobody called `eval()` first, or the learning step put the network back in train mode.

## Why it hurts

An agent usually acts on one observation at a time. Normalised by its own statistics, a single observation loses what
tells it apart from others. With one value per channel, every observation gives the same output; torch raises an error
in that case, but TensorFlow does not, and convolutional networks and vectorised environments run on with distorted
inputs. In PyTorch and Keras each action also moves the running statistics, so exploration spoils later evaluation.

## Bad

```python
import gymnasium as gym
import torch
from torch import nn

env = gym.make("CarRacing-v3", continuous=False)
policy = nn.Sequential(
    nn.Conv2d(3, 16, 8, stride=4),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(8464, 5),
)
policy.load_state_dict(torch.load("policy.pt"))

obs, _ = env.reset()
done = False
while not done:
    with torch.no_grad():
        image = torch.from_numpy(obs).permute(2, 0, 1) / 255
        action = policy(image.unsqueeze(0)).argmax(1).item()
    obs, reward, terminated, truncated, _ = env.step(action)
    done = terminated or truncated
```

## Good

```python
import gymnasium as gym
import torch
from torch import nn

env = gym.make("CarRacing-v3", continuous=False)
policy = nn.Sequential(
    nn.Conv2d(3, 16, 8, stride=4),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(8464, 5),
)
policy.load_state_dict(torch.load("policy.pt"))
policy.eval()

obs, _ = env.reset()
done = False
while not done:
    with torch.no_grad():
        image = torch.from_numpy(obs).permute(2, 0, 1) / 255
        action = policy(image.unsqueeze(0)).argmax(1).item()
    obs, reward, terminated, truncated, _ = env.step(action)
    done = terminated or truncated
```

## Silent when

- the policy is in eval mode while it acts, whoever put it there
- the batch norm is in a network that does not act, such as the critic
- on-policy code acts and learns in the same mode on purpose: confidence `possible`, hidden by default

## Right on purpose

On-policy learning wants the same function for acting and learning, and acts on batches that are large and alike. If
that is your case, put `# bnlint: ignore[BN203] reason` on the line.

## Fix

`--fix` does not change this. Call `eval()` before acting and `train()` before learning. A policy with layer norm, or
with no norm at all, avoids the question.

## Source

"On The Perils of Batch Norm" (2017), on rollouts with batches of one; PyTorch documentation (2.13),
`torch.nn.Module.eval`.

## Measured

Share of right actions: 0.212 bad, 1.000 good (torch 2.13.0).
Other seeds: 0.252, 0.240 bad, 1.000, 1.000 good.

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
