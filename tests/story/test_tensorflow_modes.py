"""In which mode and on what batch the story says that TensorFlow and Keras networks run, and which statistics can be trained."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.linting import lint


def codes(folder: Path, text: str) -> list[tuple[str, int]]:
    """Codes and rows of what a program gives."""
    (folder / "program.py").write_text(dedent(text))
    found = [(finding.code, finding.place.row) for finding in lint(folder).findings]
    assert not any(code == "BN002" for code, _ in found)
    return found


GRAPH = """\
import numpy as np
import tensorflow.compat.v1 as tf
x = tf.placeholder(tf.float32, [None, 8])
flag = tf.placeholder_with_default({default}, [])
h = tf.layers.batch_normalization(tf.layers.dense(x, 8, use_bias=False), training=flag)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    step = tf.train.AdamOptimizer().minimize(tf.reduce_mean(h))
sess = tf.Session()
feed = {{x: np.zeros((1, 8))}}
{before}
sess.run(step, feed_dict=feed)
"""


@pytest.mark.parametrize(
    ("default", "before", "expected"),
    [
        ("True", "", [("BN301", 11)]),
        ("False", "", []),
        ("False", "feed[flag] = True", [("BN301", 11)]),
        ("True", "feed.update({flag: False})", []),
    ],
)
def test_what_a_session_is_fed_with_decides_the_mode(
    tmp_path: Path, default: str, before: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(tmp_path, GRAPH.format(default=default, before=before)) == expected


KERAS = """\
import tensorflow as tf
from tensorflow.keras import layers

class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def call(self, x, training=None):
        return self.norm(x)

model = tf.keras.Sequential([layers.Dense(4), Block()])
for x in tf.data.Dataset.from_tensor_slices(tf.zeros([64, 8])).batch(1):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(x{training}))
    tape.gradient(loss, model.trainable_variables)
"""


def test_a_keras_call_hands_its_flag_on_to_the_layers_inside(tmp_path: Path) -> None:
    assert codes(tmp_path, KERAS.format(training=", training=True")) == [("BN301", 15)]
    assert codes(tmp_path, KERAS.format(training="")) == [("BN205", 15)]


FUNCTIONAL = """\
import numpy as np
from tensorflow import keras
inputs = keras.Input((8,))
norm = keras.layers.BatchNormalization({trainable})
model = keras.Model(inputs, keras.layers.Dense(1)(norm(inputs)))
model.compile("sgd", "mse")
model.fit(np.zeros((64, 8)), np.zeros((64, 1)), batch_size=1)
"""


def test_a_functional_model_holds_the_layers_its_outputs_came_through(tmp_path: Path) -> None:
    assert codes(tmp_path, FUNCTIONAL.format(trainable="")) == [("BN301", 7)]
    assert codes(tmp_path, FUNCTIONAL.format(trainable="trainable=False")) == []


CAFFE = """\
from caffe import layers as L
top = L.BatchNorm(L.DummyData(), {param})
"""


@pytest.mark.parametrize(
    ("param", "learned"),
    [
        ("in_place=True", False),
        ("param=3 * [dict(lr_mult=0)]", False),
        ("param=[dict(lr_mult=0, decay_mult=1)] * 3", False),
        ("param=[dict(lr_mult=0), dict(lr_mult=0), dict(decay_mult=0)]", True),
        ("param=3 * [dict(lr_mult=1)]", True),
        ("param=rates", False),
    ],
)
def test_caffe_statistics_are_learned_when_any_blob_has_a_rate(tmp_path: Path, param: str, learned: bool) -> None:
    assert codes(tmp_path, CAFFE.format(param=param)) == ([("BN501", 2)] if learned else [])
