"""What the story of a TensorFlow 1 graph says about update ops: who runs them, who does not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.linting import lint

HEAD = """\
import tensorflow.compat.v1 as tf
import tf_slim as slim

x = tf.placeholder(tf.float32, [None, 8])
y = tf.placeholder(tf.float32, [None, 1])
is_training = tf.placeholder(tf.bool, [])


def net(x, training):
    h = tf.layers.batch_normalization(tf.layers.dense(x, 8), training=training)
    return tf.layers.dense(tf.nn.relu(h), 1)


"""


def codes(folder: Path, body: str) -> list[str]:
    """The codes about updates that a program gives, in order."""
    (folder / "train.py").write_text(HEAD + dedent(body))
    found = [finding.code for finding in lint(folder).findings]
    assert "BN002" not in found
    return [code for code in found if code.startswith("BN10")]


def loss(*, training: str = "is_training") -> str:
    return f"loss = tf.losses.mean_squared_error(y, net(x, {training}))\n"


def test_a_train_op_without_the_update_ops_is_reported(tmp_path: Path) -> None:
    assert codes(tmp_path, loss() + "step = tf.train.AdamOptimizer().minimize(loss)\n") == ["BN101"]


@pytest.mark.parametrize(
    "flag", ["False", "tf.constant(False)[0] if False else False"], ids=["constant", "decided by a condition"]
)
def test_a_frozen_layer_has_no_update_ops_to_miss(tmp_path: Path, flag: str) -> None:
    assert codes(tmp_path, loss(training=flag) + "step = tf.train.AdamOptimizer().minimize(loss)\n") == []


@pytest.mark.parametrize(
    "form",
    [
        "with tf.control_dependencies(ops):\n    step = opt.minimize(loss)\n",
        "grads = opt.compute_gradients(loss)\nwith tf.control_dependencies(ops):\n    step = opt.apply_gradients(grads)\n",
        "with tf.control_dependencies(ops):\n    grads = opt.compute_gradients(loss)\nstep = opt.apply_gradients(grads)\n",
        "step = tf.group(opt.minimize(loss), *ops)\n",
        "ops.append(opt.minimize(loss))\nstep = tf.group(*ops)\n",
        "sess.run([opt.minimize(loss), ops])\n",
        "step = opt.minimize(loss)\nsess.run(step)\nsess.run(ops)\n",
    ],
    ids=["minimize", "apply", "compute", "group", "append", "common fetch", "fetch of their own"],
)
def test_every_usual_way_of_running_the_updates_is_silent(tmp_path: Path, form: str) -> None:
    head = "opt, sess = tf.train.AdamOptimizer(), tf.Session()\nops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)\n"
    assert codes(tmp_path, loss() + head + form) == []


def test_nested_dependencies_add_up_and_none_clears_them(tmp_path: Path) -> None:
    ops = "tf.get_collection(tf.GraphKeys.UPDATE_OPS)"
    nested = f"with tf.control_dependencies({ops}):\n    with tf.control_dependencies([tf.no_op()]):\n        "
    cleared = f"with tf.control_dependencies({ops}):\n    with tf.control_dependencies(None):\n        "
    step = "step = tf.train.AdamOptimizer().minimize(loss)\n"
    assert codes(tmp_path, loss() + nested + step) == []
    assert codes(tmp_path, loss() + cleared + step) == ["BN103"]


def test_the_gradient_of_an_identity_does_not_need_it_but_that_of_a_product_does(tmp_path: Path) -> None:
    head = "with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):\n    loss = "
    step = "\nstep = tf.train.AdamOptimizer().minimize(loss)\n"
    assert codes(tmp_path, loss() + head + "tf.identity(loss)" + step) == ["BN103"]
    assert codes(tmp_path, loss() + head + "loss * 2.0" + step) == []


def test_a_list_read_before_the_layers_is_too_early(tmp_path: Path) -> None:
    read = "ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)\n"
    use = "with tf.control_dependencies(ops):\n    step = tf.train.AdamOptimizer().minimize(loss)\n"
    assert codes(tmp_path, read + loss() + use) == ["BN102"]
    assert codes(tmp_path, loss() + read + use) == []


def test_arg_scope_hands_its_arguments_to_layers_inside(tmp_path: Path) -> None:
    body = """
    def scope(collection):
        with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm,
                            normalizer_params={{"is_training": is_training, "updates_collections": collection}}) as made:
            return made

    with slim.arg_scope(scope({})):
        h = slim.conv2d(tf.reshape(x, [-1, 2, 2, 2]), 4, [3, 3])
    step = tf.train.AdamOptimizer().minimize(tf.reduce_mean(h))
    """
    assert codes(tmp_path, dedent(body).format("tf.GraphKeys.UPDATE_OPS")) == ["BN101"]
    assert codes(tmp_path, dedent(body).format("None")) == []


def test_a_train_op_answers_only_for_the_networks_that_its_variables_belong_to(tmp_path: Path) -> None:
    body = """
    with tf.variable_scope("encoder"):
        code = net(x, is_training)
    with tf.variable_scope("head"):
        out = tf.layers.dense(code, 1)
    loss = tf.reduce_mean(tf.square(out - y))
    step = tf.train.AdamOptimizer().minimize(loss, var_list=tf.trainable_variables("{}"))
    """
    assert codes(tmp_path, dedent(body).format("encoder")) == ["BN101"]
    assert codes(tmp_path, dedent(body).format("head")) == []


def test_a_loss_handed_in_by_an_unknown_caller_says_nothing(tmp_path: Path) -> None:
    assert codes(tmp_path, "def build(loss):\n    return tf.train.AdamOptimizer().minimize(loss)\n") == []


def test_odd_arguments_do_not_break_the_room(tmp_path: Path) -> None:
    body = """
    def odd(*args, **kwargs):
        tf.control_dependencies()
        slim.arg_scope(*args, **kwargs)
        with tf.control_dependencies(3), tf.variable_scope(None), slim.arg_scope(args):
            slim.batch_norm(*args, **kwargs)
            tf.layers.batch_normalization()
            tf.placeholder(shape=5)
            tf.train.AdamOptimizer().apply_gradients(None)
        tf.get_collection(kwargs)
        tf.cond()
        tf.concat()
        tf.Variable()
        return tf.Session().run()
    """
    assert codes(tmp_path, body) == []
