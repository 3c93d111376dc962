"""A graph that was built for training is imported and used for something else: its batch norm still trains.

## What it looks like

The training program builds its network with `is_training=True` and saves it. Another program calls
`tf.train.import_meta_graph("model.ckpt.meta")`, restores the variables and fetches the predictions.

## Why it hurts

A meta graph holds ops, not Python: the constant True is built in, and nothing that the importing program says can
change it. Each prediction is normalised by the batch it comes in. A single example, with one value per channel, gives
only beta, whatever it shows. Only a flag that was a placeholder when the graph was saved can still be fed.

## Bad

```python
import sys

import numpy as np
import tensorflow as tf


def train():
    x = tf.placeholder(tf.float32, [None, 32], name="x")
    y = tf.placeholder(tf.float32, [None, 1])
    h = tf.layers.dense(x, 64, use_bias=False)
    h = tf.nn.relu(tf.layers.batch_normalization(h, training=True))
    out = tf.identity(tf.layers.dense(h, 1), name="out")
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        step = tf.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(out - y)))
    data = np.load("data.npz")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(1000):
            chosen = np.random.choice(50000, 64)
            session.run(step, {x: data["x"][chosen], y: data["y"][chosen]})
        tf.train.Saver().save(session, "model.ckpt")


def serve(example):
    saver = tf.train.import_meta_graph("model.ckpt.meta")
    with tf.Session() as session:
        saver.restore(session, "model.ckpt")
        out = tf.get_default_graph().get_tensor_by_name("out:0")
        return session.run(out, {"x:0": example[None]})


if __name__ == "__main__":
    train() if sys.argv[1] == "train" else print(serve(np.load(sys.argv[2])))
```

## Good

```python
import sys

import numpy as np
import tensorflow as tf


def train():
    x = tf.placeholder(tf.float32, [None, 32], name="x")
    y = tf.placeholder(tf.float32, [None, 1])
    training = tf.placeholder_with_default(False, [], name="training")
    h = tf.layers.dense(x, 64, use_bias=False)
    h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
    out = tf.identity(tf.layers.dense(h, 1), name="out")
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        step = tf.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(out - y)))
    data = np.load("data.npz")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(1000):
            chosen = np.random.choice(50000, 64)
            session.run(
                step, {x: data["x"][chosen], y: data["y"][chosen], training: True}
            )
        tf.train.Saver().save(session, "model.ckpt")


def serve(example):
    saver = tf.train.import_meta_graph("model.ckpt.meta")
    with tf.Session() as session:
        saver.restore(session, "model.ckpt")
        out = tf.get_default_graph().get_tensor_by_name("out:0")
        return session.run(out, {"x:0": example[None]})


if __name__ == "__main__":
    train() if sys.argv[1] == "train" else print(serve(np.load(sys.argv[2])))
```

## Silent when

- the flag of the saved graph is a placeholder, or a part of the graph was built for evaluation
- the project also saves a graph that was built for evaluation: which of them is imported is not known
- training goes on with the imported graph
- nothing in the project saves a graph with batch norm (confidence `possible` where it has layers whose flag is True by
  default)

## Right on purpose

The imported graph is trained further from where it stopped. If that is your case, put `# bnlint: ignore[BN206] reason`
on the line.

## Fix

`--fix` does not change this. Build the network anew with `is_training=False` and restore the variables into it, or save
a graph whose flag is a `placeholder_with_default(False, [])`.

## Source

"On The Perils of Batch Norm" (2017), on MetaGraphs frozen in train mode; TensorFlow API documentation (1.15),
`tf.train.import_meta_graph`.

## Measured

Accuracy of the imported graph, one example at a time: 0.227 bad, 0.933 good (tensorflow 2.21.0, tf_keras 2.21.0).

Graph mode of TensorFlow 2 (`tf.compat.v1`), four classes. Update ops survive the import.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.judging import traces
from bnlint.rule import Report, rule
from bnlint.story import Story
from bnlint.story.events import GraphImported


@rule("BN206", "metagraph-in-train-mode", severity="error", frameworks=("tensorflow",))
def check(story: Story) -> Iterator[Report]:
    for event in story.of(GraphImported):
        if event.saved is None or event.used is None:
            continue
        place = event.where.place
        steps = [
            *(Step(f"a constant tells {traces.title(norm.norm)} to train", norm.where.place) for norm in event.norms[:1]),
            Step("the graph is saved here", event.saved.where.place),
            Step("the imported graph is trained further" if event.tuned else "it is used here", event.used.where.place),
        ]
        yield Report(
            f"the imported {event.kind} was built to train: its batch norm goes on normalising by the batch",
            place,
            "likely" if event.certain else "possible",
            traces.distinct(steps, place),
            frozenset(norm.norm for norm in event.norms),
        )
