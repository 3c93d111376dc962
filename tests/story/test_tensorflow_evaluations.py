"""Where the story says that graphs of TensorFlow 1 and modules of Flax evaluate, and what told them their mode."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.linting import lint


def codes(folder: Path, text: str) -> list[tuple[str, int]]:
    """Codes and rows of what a program gives."""
    (folder / "program.py").write_text(dedent(text))
    return [(finding.code, finding.place.row) for finding in lint(folder).findings]


ESTIMATOR = """\
import tensorflow as tf

def model_fn(features, labels, mode, params):
    training = {training}
    h = tf.layers.batch_normalization(tf.layers.dense(features, 8, use_bias=False), training=training)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, tf.layers.dense(h, 3))
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(updates):
        op = tf.train.AdamOptimizer().minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=op)

def data(name, repeat):
    return tf.data.experimental.CsvDataset(name, [0.0]).shuffle(9999).repeat(repeat).batch(64)

if __name__ == "__main__":
    estimator = tf.estimator.Estimator(model_fn, "run")
    estimator.train(lambda: data("train.csv", None), steps=5000)
    {then}
"""
EVALUATE = 'estimator.evaluate(lambda: data("test.csv", 1))'


@pytest.mark.parametrize(
    ("training", "then", "expected"),
    [
        ("mode == tf.estimator.ModeKeys.TRAIN", EVALUATE, []),
        ("mode != tf.estimator.ModeKeys.PREDICT", 'estimator.predict(lambda: data("test.csv", 1))', []),
        ("True", "pass", []),
        ("True", EVALUATE, [("BN204", 5)]),
        ("True", 'estimator.predict(lambda: data("test.csv", 1))', [("BN204", 5)]),
    ],
)
def test_an_estimator_builds_a_graph_for_each_mode_it_runs_in(
    tmp_path: Path, training: str, then: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(tmp_path, ESTIMATOR.format(training=training, then=then)) == expected


SCOPE = """\
import tensorflow as tf
slim = tf.contrib.slim

def scope({parameter}):
    with slim.arg_scope([slim.batch_norm], is_training=is_training) as made:
        return made

def network(x):
    return slim.fully_connected(slim.batch_norm(slim.fully_connected(x, 8, biases_initializer=None)), 3)

x = tf.placeholder(tf.float32, [None, 8])
with slim.arg_scope(scope({argument})):
    scores = network(x)
with tf.Session() as sess:
    tf.train.Saver().restore(sess, "model.ckpt")
    print(sess.run(scores, {{x: open("test.csv").read()}}))
"""


@pytest.mark.parametrize(
    ("parameter", "argument", "expected"),
    [
        ("is_training", "True", [("BN204", 12)]),
        ("is_training=True", "", [("BN204", 4)]),
        ("is_training=True", "is_training=False", []),
    ],
)
def test_a_constant_of_a_scope_is_shown_where_it_is_written(
    tmp_path: Path, parameter: str, argument: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(tmp_path, SCOPE.format(parameter=parameter, argument=argument)) == expected


FED = """\
import numpy as np
import tensorflow as tf
x = tf.placeholder(tf.float32, [None, 8])
training = tf.placeholder_with_default({default}, [])
h = tf.layers.batch_normalization(tf.layers.dense(x, 8, use_bias=False), training=training)
error = tf.reduce_mean(h)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    step = tf.train.AdamOptimizer().minimize(error)

def {name}(sess, data):
    return sess.run(error, {{x: data{feed}}})

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for batch in np.load("train.npy"):
        sess.run(step, {{x: batch, training: True}})
    print({name}(sess, np.load("other.npy")))
"""


@pytest.mark.parametrize(
    ("default", "name", "feed", "expected"),
    [
        ("False", "evaluate", ", training: True", [("BN201", 11)]),
        ("True", "evaluate", "", [("BN201", 11)]),
        ("True", "evaluate", ", training: False", []),
        ("False", "evaluate", "", []),
        ("False", "look", ", training: True", []),
        ("False", "evaluate_mc_dropout", ", training: True", []),
    ],
)
def test_an_evaluation_that_is_fed_train_mode_is_one_whatever_the_placeholder_says(
    tmp_path: Path, default: str, name: str, feed: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(tmp_path, FED.format(default=default, name=name, feed=feed)) == expected


THAWED = """\
import tensorflow as tf
from tensorflow import keras
from tensorflow.python import keras as old
base = keras.applications.ResNet50(include_top=False, pooling="avg")
base.trainable = False
model = keras.Sequential([base, keras.layers.Dense(3)])
data = tf.data.Dataset.load("pets").shuffle(9999).batch(64)
model.compile("adam", "mse")
model.fit(data)
base.trainable = True
for layer in base.layers{part}:
    layer.trainable = False
model.compile("adam", "mse")
model.fit(data)
"""


@pytest.mark.parametrize(("part", "expected"), [("", []), ("[:100]", [("BN403", 10)])])
def test_a_slice_of_the_layers_is_not_all_of_them(tmp_path: Path, part: str, expected: list[tuple[str, int]]) -> None:
    assert codes(tmp_path, THAWED.format(part=part)) == expected


APPLIED = """\
import jax
import numpy as np
import optax
from flax import linen as nn

class Net(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        return nn.Dense(3)(nn.BatchNorm(use_running_average=not train)(nn.Dense(8, use_bias=False)(x)))

model = Net()

def loss(params, stats, x):
    y, new = model.apply({{"params": params, "batch_stats": stats}}, x, train=True, mutable=["batch_stats"])
    return y.mean(), new["batch_stats"]

def {name}(params, stats, x):
    y, _ = model.apply({{"params": params, "batch_stats": stats}}, x, train={flag}, mutable=["batch_stats"])
    return y.argmax(-1)

def main(variables, batches):
    params, stats = variables["params"], variables["batch_stats"]
    for x in batches:
        (_, stats), grads = jax.value_and_grad(loss, has_aux=True)(params, stats, x)
        params = optax.apply_updates(params, grads)
    return {name}(params, stats, np.load("test.npy"))

if __name__ == "__main__":
    main(model.init(jax.random.PRNGKey(0), np.ones((2, 4)), train=False), np.load("train.npy"))
"""


@pytest.mark.parametrize(
    ("name", "flag", "expected"),
    [("eval_step", "True", [("BN201", 18)]), ("eval_step", "False", []), ("second_view", "True", [])],
)
def test_a_module_that_evaluates_in_train_mode_drops_its_statistics_in_a_function_that_says_so(
    tmp_path: Path, name: str, flag: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(tmp_path, APPLIED.format(name=name, flag=flag)) == expected
