"""Training is so short that the moving averages still hold much of their initial values.

## What it looks like

A batch norm of TensorFlow or Keras with its default momentum of .99 (in slim .999), and a training of a few dozen or a
few hundred steps: a quick experiment, one run of a larger search, finetuning of a new head.

## Why it hurts

The moving averages start at mean 0 and variance 1, and each step replaces one hundredth of them. After 60 steps 55 % of
the start is still there. Training does not notice, because it uses the batch; evaluation normalises by values that are
still half made up. The lost accuracy looks like overfitting.

## Bad

```python
import tensorflow as tf

x, y = tf.random.normal((1920, 20)), tf.random.normal((1920, 1))
hidden = tf.keras.layers.Dense(64, use_bias=False, activation="relu")
model = tf.keras.Sequential(
    [hidden, tf.keras.layers.BatchNormalization(), tf.keras.layers.Dense(1)]
)
model.compile("adam", "mse")
model.fit(x, y, batch_size=32)
model.evaluate(x, y)
```

## Good

```python
import tensorflow as tf

x, y = tf.random.normal((1920, 20)), tf.random.normal((1920, 1))
hidden = tf.keras.layers.Dense(64, use_bias=False, activation="relu")
model = tf.keras.Sequential(
    [hidden, tf.keras.layers.BatchNormalization(momentum=0.9), tf.keras.layers.Dense(1)]
)
model.compile("adam", "mse")
model.fit(x, y, batch_size=32)
model.evaluate(x, y)
```

## Silent when

- the number of steps is not known from the text, or the averages have forgotten 95 % of their start by then
- the network is not evaluated with its averages
- weights are loaded first, or the momentum is below .99 or not known

## Right on purpose

The program is a smoke test, and nobody uses what it trains. If that is your case, put `# bnlint: ignore[BN610] reason`
on the line.

## Fix

`--fix` does not change this. Choose a momentum that fits the number of steps: .9 for some dozens.

## Source

"A bug hidden in plain sight", on a decay of .997 lowered to .9; Keras API documentation (3.15), "BatchNormalization
layer" (`momentum=0.99`); TensorFlow API documentation (1.15), `tf.contrib.layers.batch_norm` (`decay=0.999`).

## Measured

Not shown by a program: it depends on the number of steps. Once (Keras 2.15), after 60 steps: .704 with a momentum of .99 and
.464 with .999, against .914 with .9.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import momentum, steps, traces
from bnlint.rule import Report, rule
from bnlint.story import Story

SLOW = 0.99
LEFT = 0.05


@rule("BN610", "slow-average", severity="info", default=False, frameworks=("tensorflow", "keras"))
def check(story: Story) -> Iterator[Report]:
    kept: dict[int, float] | None = None
    for net, forward, count in steps.known(story):
        kept = momentum.kept(story) if kept is None else kept
        slow = [use.norm for use in forward.norms if use.certain and kept.get(id(use.norm), 0) >= SLOW]
        slow = [norm for norm in slow if kept[id(norm)] < 1]  # BN603 speaks of others
        if not slow or count < 2 or not story.bound:
            continue
        most = max(slow, key=lambda norm: kept[id(norm)])
        left = kept[id(most)] ** count
        if left <= LEFT or not steps.evaluated(story, net, most):
            continue
        place = forward.where.place
        built = [Step(f"{traces.title(most)} is built here", most.site)] if most.site is not None else []
        yield Report(
            f"after {count} steps the averages of {traces.title(net)} still hold {left:.0%} of what they started with",
            place,
            "likely",
            traces.distinct(built, place),
            traces.subjects(forward),
        )
