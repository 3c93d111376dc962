"""Where fixes are offered, and that what is offered can be made: what the catalogue of cures knows beyond the fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.linting import fixed, lint

TRAINING = """\
import torch
from functools import partial
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test = DataLoader(data, batch_size=32)
net = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
"""


def left_of(text: str, tmp_path: Path) -> str:
    """What all fixes leave of a program; each one that is offered is made."""
    folder = tmp_path.resolve() / "case"
    folder.mkdir()
    path = folder / "program.py"
    path.write_text(text)
    offered = sum(finding.fix is not None for finding in lint(folder).findings)
    result = fixed(folder)
    assert len(result.findings) == offered
    return result.contents.get(path, path.read_bytes()).decode()


SHARED = """\


def step(model, batch, weight=1.0):
    x, y = batch
    return weight * nn.functional.cross_entropy(model(x), y)


def fit(model):
    for batch in loader:
        model.train()
        optimizer.zero_grad()
        step(model, batch).backward()
        optimizer.step()


def score(trained):
    with torch.no_grad():
        return sum(float(step(CALL)) for batch in test)


for epoch in range(3):
    fit(net)
    print(score(net))
"""


@pytest.mark.parametrize("call", ["trained, batch", "model=trained, batch=batch", "weight=2.0, batch=batch, model=trained"])
def test_where_training_shares_the_forward_the_caller_that_evaluates_switches_the_mode(call: str, tmp_path: Path) -> None:
    text = TRAINING + SHARED.replace("CALL", call)
    assert left_of(text, tmp_path) == text.replace("    with torch.no_grad():", "    trained.eval()\n    with torch.no_grad():")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    x, y = batch\n", "    x, y = batch\n    model = model.train()\n"),
        ("    x, y = batch\n", "    x, y = batch\n    model.train()\n"),
        ("CALL", "*(trained, batch)"),
        ("CALL", "[trained][0], batch"),
    ],
    ids=["named anew", "switched behind the call", "unpacked", "an element"],
)
def test_a_caller_is_left_alone_where_it_cannot_say_the_mode(before: str, after: str, tmp_path: Path) -> None:
    text = TRAINING + SHARED.replace(before, after).replace("CALL", "trained, batch")
    assert left_of(text, tmp_path) == text


@pytest.mark.parametrize("other", ["f = partial(net)", "f = net.forward", "f = net.__call__"])
def test_nothing_is_offered_for_what_only_stands_for_the_network(other: str, tmp_path: Path) -> None:
    loop = "for x, y in loader:\n    nn.functional.cross_entropy(net(x), y).backward()\n    optimizer.step()\n"
    text = f"{TRAINING}{loop}{other}\nfor x, y in test:\n    print(f(x).argmax(1))\n"
    assert left_of(text, tmp_path) == text


KERAS = """\
from keras import Input, Model, layers

x = inputs = Input((32, 32, 3))
x = layers.Conv2D(64, 3, padding="same")(x)
x = layers.BatchNormalization()(x)
x = layers.Dense(
    16,
)(layers.ReLU()(x))
model = Model(inputs, layers.BatchNormalization()(x))
"""


def test_layers_of_keras_do_without_a_bias(tmp_path: Path) -> None:
    assert left_of(KERAS, tmp_path) == KERAS.replace('"same"', '"same", use_bias=False').replace(
        "    16,\n", "    16,\n    use_bias=False,\n"
    )


def test_keras_1_knows_no_such_argument(tmp_path: Path) -> None:
    text = KERAS.replace("padding", "border_mode").replace("16,\n", '16, init="uniform"\n')
    assert left_of(text, tmp_path) == text


SESSION = """\
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 32])
y = tf.placeholder(tf.int64, [None])
training = tf.placeholder(tf.bool)
h = tf.layers.dense(x, 64, use_bias=False)
h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
logits = tf.layers.dense(h, 10)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    step = tf.train.AdamOptimizer().minimize(tf.losses.sparse_softmax_cross_entropy(y, logits))
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
data = np.load("data.npz")


def validate(session, images, labels):
    return session.run(accuracy, {x: images, y: labels, training: True})


with tf.Session() as session:
    for _ in range(10000):
        session.run(step, {x: data["x"], y: data["y"], training: True})
    print(validate(session, data["vx"], data["vy"]))
"""


EVALUATED = SESSION.replace("labels, training: True", "labels, training: False")


def test_a_session_that_evaluates_is_fed_false(tmp_path: Path) -> None:
    assert left_of(SESSION, tmp_path) == EVALUATED


def test_variables_that_are_saved_by_a_name_are_named_in_full(tmp_path: Path) -> None:
    saver = "chosen = tf.trainable_variables()\nprint(len(chosen))\nsaver = tf.train.Saver(max_to_keep=2, var_list=chosen)\n"
    text = EVALUATED.replace("with tf.Session", f"{saver}with tf.Session")
    text += "    saver.save(session, 'net')\n"
    assert left_of(text, tmp_path) == text.replace("var_list=chosen", "var_list=tf.global_variables()")


def test_an_empty_list_of_update_ops_gives_way_to_the_collection(tmp_path: Path) -> None:
    train = 'tf.contrib.layers.optimize_loss(loss, None, 0.1, "Adam", update_ops=[])'
    text = EVALUATED.replace(
        "with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):\n    step = tf.train.AdamOptimizer().minimize("
        "tf.losses.sparse_softmax_cross_entropy(y, logits))",
        f"loss = tf.losses.sparse_softmax_cross_entropy(y, logits)\nstep = {train}",
    )
    assert left_of(text, tmp_path) == text.replace("update_ops=[]", "update_ops=None")
