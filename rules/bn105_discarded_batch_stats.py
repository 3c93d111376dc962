"""The new batch statistics that a Flax module returns are dropped.

## What it looks like

`logits, _ = model.apply(variables, x, train=True, mutable=["batch_stats"])`, or a loss function that returns the new
statistics through `has_aux` to a training step that never uses them.

## Why it hurts

Modules of Flax linen hold no state. `apply` returns the updated collections, and the running averages move only if the
program puts them into its train state. Otherwise they stay as `init` made them, mean 0 and variance 1. Training
normalises by the batch and looks fine; evaluation normalises by numbers that have nothing to do with the data.

## Bad

```python
import jax
import optax
from flax import linen as nn
from flax.training import train_state


class TrainState(train_state.TrainState):
    batch_stats: dict


@jax.jit
def train_step(state, batch):
    def loss_fn(params):
        variables = {"params": params, "batch_stats": state.batch_stats}
        logits, _ = state.apply_fn(
            variables, batch["image"], train=True, mutable=["batch_stats"]
        )
        return optax.softmax_cross_entropy_with_integer_labels(
            logits, batch["label"]
        ).mean()

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    return state.apply_gradients(grads=grads), loss
```

## Good

```python
import jax
import optax
from flax import linen as nn
from flax.training import train_state


class TrainState(train_state.TrainState):
    batch_stats: dict


@jax.jit
def train_step(state, batch):
    def loss_fn(params):
        variables = {"params": params, "batch_stats": state.batch_stats}
        logits, updates = state.apply_fn(
            variables, batch["image"], train=True, mutable=["batch_stats"]
        )
        return optax.softmax_cross_entropy_with_integer_labels(
            logits, batch["label"]
        ).mean(), updates

    (loss, updates), grads = jax.value_and_grad(loss_fn, has_aux=True)(state.params)
    return state.apply_gradients(grads=grads, batch_stats=updates["batch_stats"]), loss
```

## Silent when

- the new statistics are read, stored or handed on, anywhere
- the flag says that this call evaluates, or the function around it evaluates and nothing is trained: that is BN201
- no gradient is taken of this output, and another call's statistics are kept: a second view, a target
- `mutable` is missing: such a call raises an error by itself
- the modules are `flax.nnx`, which keep their own statistics

## Right on purpose

A probe of the loss or the gradient that must leave no trace in the state, in a function that trains nothing. If that is
your case, put `# bnlint: ignore[BN105] reason` on the line.

## Fix

`--fix` does not change this. Return the second result (from a loss function: with `has_aux=True`) and store its
`batch_stats` in the train state.

## Source

Flax documentation (0.12), "Batch normalization" and `flax.linen.Module.apply`.

## Measured

Test accuracy with the running averages: 0.576 bad, 0.830 good (jax 0.10.2, flax 0.12.8).

`apply` in train mode without `mutable` raises by itself; `nnx.BatchNorm` updates in place.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Place
from bnlint.judging import batchwise
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import StatisticsReturned


@rule("BN105", "discarded-batch-stats", severity="error", frameworks=("flax",))
def check(story: Story) -> Iterator[Report]:
    events: list[StatisticsReturned] = [] if story.test else story.of(StatisticsReturned)
    places: dict[Place, list[StatisticsReturned]] = {}
    for event in events:
        if event.flag is not False:
            places.setdefault(event.where.place, []).append(event)
    kept = any(event.used for event in events)
    for place, same in places.items():
        if any(event.used for event in same):
            continue
        trained = any(event.trained for event in same)
        if trained or (not kept and not batchwise.named(same[0])):
            message = "the new batch_stats of this call are dropped: the running averages stay as they were"
            yield Report(message, place, "certain" if trained else "likely" if same[0].flag else "possible")
