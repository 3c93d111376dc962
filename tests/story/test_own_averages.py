"""Averages that a TensorFlow graph keeps by itself: which updates run, when, and what the layer normalises by."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.linting import lint

HEAD = """\
import tensorflow.compat.v1 as tf
from tensorflow.python.training import moving_averages


def batch_norm(x, is_training, decay=0.99):
    with tf.variable_scope("bn"):
        beta = tf.get_variable("beta", [8], initializer=tf.zeros_initializer())
        gamma = tf.get_variable("gamma", [8], initializer=tf.ones_initializer())
        moving_mean = tf.get_variable("moving_mean", [8], initializer=tf.zeros_initializer(), trainable=False)
        moving_var = tf.get_variable("moving_var", [8], initializer=tf.ones_initializer(), trainable=False)
        mean, var = tf.nn.moments(x, [0])
"""
COLLECTED = """\
tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign(moving_mean, decay * moving_mean + (1 - decay) * mean))
tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign(moving_var, decay * moving_var + (1 - decay) * var))
mean, var = tf.cond(is_training, lambda: (mean, var), lambda: (moving_mean, moving_var))
return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)
"""
BODY = """\

x = tf.placeholder(tf.float32, [None, 8])
y = tf.placeholder(tf.float32, [None, 8])
is_training = tf.placeholder(tf.bool, [])
loss = tf.reduce_mean(tf.square(batch_norm(tf.matmul(x, tf.get_variable("w", [8, 8])), is_training) - y))
"""
ASSIGNED = """\
update_mean = tf.assign(moving_mean, decay * moving_mean + (1 - decay) * mean)
update_var = tf.assign(moving_var, decay * moving_var + (1 - decay) * var)
"""
PLAIN = """\
mean, var = tf.cond(is_training, lambda: (mean, var), lambda: (moving_mean, moving_var))
normed = tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)
"""


def codes(folder: Path, layer: str, body: str = "") -> list[str]:
    """The codes about own batch norms that a layer gives, and a program around it."""
    (folder / "train.py").write_text(HEAD + indent(layer, "        ") + body)
    found = [finding.code for finding in lint(folder).findings]
    assert "BN002" not in found
    return [code for code in found if code.startswith("BN80")]


@pytest.mark.parametrize(
    "end",
    [
        "return normed\n",
        "updates = tf.group(update_mean, update_var)\nreturn normed\n",
        "with tf.control_dependencies([update_mean, update_var]):\n    result = normed\nreturn result\n",
    ],
    ids=["forgotten", "grouped and forgotten", "a block in which nothing is created"],
)
def test_an_update_that_nothing_runs_is_reported(tmp_path: Path, end: str) -> None:
    assert codes(tmp_path, ASSIGNED + PLAIN + end) == ["BN807", "BN807"]


@pytest.mark.parametrize(
    "end",
    [
        "return normed, [update_mean, update_var]\n",
        "tf.add_to_collection('own updates', tf.group(update_mean, update_var))\nreturn normed\n",
        "UPDATES.append(tf.group(update_mean, update_var))\nreturn normed\n",
        "register(update_mean, update_var)\nreturn normed\n",
    ],
    ids=["returned", "put into an own collection", "kept in a list of the module", "handed to unknown code"],
)
def test_an_update_that_others_may_run_is_not(tmp_path: Path, end: str) -> None:
    layer = ASSIGNED + PLAIN + end
    assert codes(tmp_path, layer, "\nUPDATES = []\n") == []


@pytest.mark.parametrize(
    "step",
    [
        "ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)\nwith tf.control_dependencies(ops):\n    step = opt.minimize(loss)\n",
        "step = tf.group(opt.minimize(loss), *tf.get_collection(tf.GraphKeys.UPDATE_OPS))\n",
        "step = opt.minimize(loss)\ntf.Session().run([step, tf.get_collection(tf.GraphKeys.UPDATE_OPS)])\n",
    ],
    ids=["waited for", "grouped", "fetched beside"],
)
def test_collected_updates_that_run_with_training_are_right(tmp_path: Path, step: str) -> None:
    assert codes(tmp_path, COLLECTED, BODY + "opt = tf.train.AdamOptimizer()\n" + step) == []


def test_collected_updates_that_no_train_op_waits_for_are_reported_there(tmp_path: Path) -> None:
    assert codes(tmp_path, COLLECTED, BODY + "step = tf.train.AdamOptimizer().minimize(loss)\n") == ["BN807"]


@pytest.mark.parametrize(
    "end",
    [
        "with tf.control_dependencies([update_mean, update_var]):\n"
        "    mean, var = tf.cond(is_training, lambda: (mean, var), lambda: (moving_mean, moving_var))\n"
        "return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)\n",
        "mean, var = tf.cond(is_training, lambda: (mean, var), lambda: (moving_mean, moving_var))\n"
        "with tf.control_dependencies([update_mean, update_var]):\n"
        "    return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)\n",
        "def by_batch():\n"
        "    with tf.control_dependencies([update_mean, update_var]):\n"
        "        return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)\n"
        "return tf.cond(is_training, by_batch,\n"
        "               lambda: tf.nn.batch_normalization(x, moving_mean, moving_var, beta, gamma, 1e-3))\n",
    ],
    ids=["dependencies around the condition", "behind the condition", "within a branch of it"],
)
def test_updates_from_outside_the_condition_run_in_evaluation(tmp_path: Path, end: str) -> None:
    assert codes(tmp_path, ASSIGNED + end) == ["BN808", "BN808"]


def test_a_decay_that_is_switched_keeps_the_averages_as_they_are(tmp_path: Path) -> None:
    switch = "decay = tf.cond(is_training, lambda: 0.99, lambda: 1.0)\n"
    end = "with tf.control_dependencies([update_mean, update_var]):\n    return tf.identity(normed)\n"
    assert codes(tmp_path, switch + ASSIGNED + PLAIN + end) == []


def test_a_python_flag_decides_which_graph_is_built(tmp_path: Path) -> None:
    end = (
        "if is_training:\n"
        "    with tf.control_dependencies([update_mean, update_var]):\n"
        "        return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)\n"
        "return tf.nn.batch_normalization(x, moving_mean, moving_var, beta, gamma, 1e-3)\n"
    )
    assert codes(tmp_path, ASSIGNED + end) == []


@pytest.mark.parametrize(
    ("axes", "found"),
    [("[0]", ["BN802"]), ("list(range(len(x.get_shape()) - 1))", ["BN802"]), ("[1]", []), ("axes", [])],
    ids=["the batch", "all but the last", "each example", "unknown"],
)
def test_only_moments_over_the_batch_axis_make_a_batch_norm(tmp_path: Path, axes: str, found: list[str]) -> None:
    text = (
        "import tensorflow.compat.v1 as tf\n\n\n"
        "def norm(x, is_training, axes=None):\n"
        "    gamma = tf.get_variable('gamma', [8])\n"
        "    beta = tf.get_variable('beta', [8])\n"
        f"    mean, var = tf.nn.moments(x, {axes}, keep_dims=True)\n"
        "    return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)\n\n\n"
        "out = norm(tf.matmul(tf.placeholder(tf.float32, [None, 8]), tf.get_variable('w', [8, 8])), True)\n"
    )
    (tmp_path / "norm.py").write_text(text)
    assert [finding.code for finding in lint(tmp_path).findings if finding.code == "BN802"] == found


@pytest.mark.parametrize(
    "odd",
    [
        "tf.nn.moments()\ntf.nn.moments(x)\na, b, c = tf.nn.moments(x, *y)\ntf.nn.moments(*x, **y)",
        "tf.assign()\ntf.assign_sub(x)\ntf.assign(tf.get_variable('v'), None)\nx.assign()\ntf.get_variable('v').assign_add()",
        "tf.cond()\ntf.cond(x)\ntf.cond(x, lambda: 1)\ntf.cond(True, f, f)\ntf.cond(x, f, None)\ntf.cond(x, (1, 2), (3,))",
        "e = tf.train.ExponentialMovingAverage()\ne.apply()\ne.apply(x)\ne.apply(e)\ne.average()\ne.average(e)\ne.apply([e, [e]])",
        "moving_averages.assign_moving_average()\nmoving_averages.assign_moving_average(x, x)\ntf.get_variable()\ntf.Variable()",
        "tf.nn.batch_normalization()\ntf.nn.batch_normalization(x, x)\ntf.nn.fused_batch_norm()\na, b = tf.nn.fused_batch_norm(x, 1, 2)",
        "tf.reduce_mean()\ntf.sqrt()\ntf.cast()\ntf.squared_difference(x)\ntf.identity()\ntf.logical_not()\ntf.placeholder()",
        "x = tf.nn.moments(x, [0])\nx = x - x\nx = x ** x\nx[x] = x\nx.y = x\ntf.cond(x, lambda: x, lambda: x)\ntf.assign(x, x)",
        "a, b, c, d = x.get_weights()\ne, = x.get_weights()\nf, *g = x.get_weights()\nx.get_tensor()\nx.get_tensor(x + 'a/b')",
    ],
)
def test_odd_calls_break_nothing(tmp_path: Path, odd: str) -> None:
    body = indent("tf.nn.moments(x, [0])\ntf.reduce_variance(x, 0)\n" + odd + "\nreturn x\n", "    ")
    text = "import tensorflow as tf\nfrom tensorflow.python.training import moving_averages\n\n\n"
    text += f"def f(x=None, training=False, y=()):\n{body}\n\nf()\nf(tf.ones([2, 8]))\n"
    (tmp_path / "odd.py").write_text(text)
    assert [finding.code for finding in lint(tmp_path).findings if finding.code in ("BN001", "BN002")] == []
