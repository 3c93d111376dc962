"""Who is asked for the mode and has no say, where constants stand, and which of them hold in which version of Keras."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from bnlint.program.lower import parse_program
from bnlint.project.imports import Imports
from bnlint.project.project import Project
from bnlint.project.versions import keras_version
from bnlint.story.events import Forward, GraphNorm
from tests.story.programs import stories

GRAPH = """\
import tensorflow as tf
import tensorflow.contrib.slim as slim

x = tf.placeholder(tf.float32, [None, 8])
is_training = tf.placeholder(tf.bool)
"""


def norms(text: str) -> list[GraphNorm]:
    return [norm for story in stories(GRAPH + dedent(text)) for norm in story.of(GraphNorm)]


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("def bn(x, train=True):\n    return tf.layers.batch_normalization(x)\nbn(x)", "train"),
        ("def bn(x, phase):\n    return slim.batch_norm(x, is_training=True)\nbn(x, is_training)", "phase"),
        ("def bn(x, train):\n    return tf.layers.batch_normalization(x)\nbn(x, [1, 2])", ""),
        ("def bn(x, train):\n    return tf.layers.batch_normalization(x, training=train)\nbn(x, True)", ""),
        ("def bn(x, train):\n    now = train and 1 > 0\n    return slim.batch_norm(x, is_training=now)\nbn(x, True)", ""),
        ("def bn(x, train):\n    if train:\n        return tf.layers.batch_normalization(x, training=True)\nbn(x, True)", ""),
        (
            "def bn(x, train):\n    if not train:\n        return x\n    return tf.layers.batch_normalization(x, training=True)\nbn(x, True)",
            "",
        ),
        (
            "def bn(x, train):\n    with slim.arg_scope([slim.batch_norm], is_training=train):\n        return slim.batch_norm(x)\nbn(x, True)",
            "",
        ),
        (
            "def net(x, train):\n    def bn(x):\n        return tf.layers.batch_normalization(x, training=True)\n    return bn(x)\nnet(x, True)",
            "train",
        ),
        (
            "class Net:\n    def __init__(self, is_training):\n        self.is_training = is_training\n"
            "    def bn(self, x):\n        return tf.layers.batch_normalization(x, training=True)\nNet(True).bn(x)",
            "self.is_training",
        ),
        (
            "class Net:\n    def __init__(self, is_training):\n        self.is_training = is_training\n"
            "    def bn(self, x):\n        if self.is_training:\n"
            "            return tf.layers.batch_normalization(x, training=True)\nNet(True).bn(x)",
            "",
        ),
    ],
)
def test_a_parameter_that_asks_for_the_mode_is_dropped_unless_it_has_a_say(text: str, dropped: str) -> None:
    assert [norm.dropped for norm in norms(text)] == [dropped]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("tf.layers.batch_normalization(x, training=True)", 6),
        ("def net(x, train):\n    return slim.batch_norm(x, is_training=train)\nnet(x, True)", 8),
        ("def net(x, train=True):\n    return slim.batch_norm(x, is_training=train)\nnet(x)", 6),
        (
            "def bn(x, train):\n    return slim.batch_norm(x, is_training=train)\n"
            "def net(x, train):\n    return bn(x, train)\nnet(x, train=True)",
            10,
        ),
        (
            "def net(x, train):\n    with slim.arg_scope([slim.batch_norm], is_training=train):\n"
            "        return slim.batch_norm(x)\nnet(x, True)",
            9,
        ),
        ("def net(x, train):\n    return slim.batch_norm(x, is_training=train)\nnet(x, is_training)", None),
    ],
)
def test_a_constant_flag_is_traced_to_the_text_that_says_it(text: str, row: int | None) -> None:
    found = norms(text)
    assert [norm.written and norm.written.row for norm in found] == [row]


# --- Keras -----------------------------------------------------------------------------------

MODEL = """\
{imports}
inputs = keras.Input((8,))
outputs = keras.layers.BatchNormalization()(inputs, training={flag})
model = keras.Model(inputs, outputs)
{use}
"""
OLD = "from keras.layers.merge import concatenate\nimport keras"
NEW = "from keras import ops\nimport keras"


@pytest.mark.parametrize(
    ("imports", "flag", "use", "modes"),
    [
        (OLD, True, "model.predict(data)", {"train"}),
        (OLD, False, "model.fit(data)", {"eval"}),
        (NEW, True, "model.predict(data)", {"eval"}),
        (NEW, False, "model.fit(data)", {"train"}),
        (NEW, True, "model(data)", {"train"}),
        ("import keras", True, "model.predict(data)", {"train", "eval"}),
        ("import keras", False, "model.fit(data)", {"train", "eval"}),
    ],
)
def test_a_constant_in_a_functional_model_holds_by_the_version_of_keras(
    imports: str, flag: bool, use: str, modes: set[str]
) -> None:
    (forward,) = [event for story in stories(MODEL.format(imports=imports, flag=flag, use=use)) for event in story.of(Forward)]
    assert {mode.name for norm in forward.norms for mode in norm.modes} == modes


@pytest.mark.parametrize(
    ("phase", "call", "modes"),
    [
        (1, "layer(x)", {"train"}),
        (0, "layer(x)", {"eval"}),
        (1, "layer(x, training=False)", {"eval"}),
    ],
)
def test_calls_that_say_nothing_follow_the_learning_phase(phase: int, call: str, modes: set[str]) -> None:
    text = f"import keras\nlayer = keras.layers.BatchNormalization()\nkeras.backend.set_learning_phase({phase})\n{call}\n"
    (forward,) = [event for story in stories(text) for event in story.of(Forward)]
    assert {mode.name for norm in forward.norms for mode in norm.modes} == modes


@pytest.mark.parametrize(
    ("name", "text", "version"),
    [
        ("requirements.txt", "tensorflow==2.11.1", 2),
        ("requirements.txt", "Keras==2.0.8\nnumpy", 2),
        ("requirements.txt", "tensorflow-gpu>=1.4,<2.0", 2),
        ("requirements.txt", "tensorflow>=2.16.1", 3),
        ("requirements.txt", "tensorflow>=2.0", None),
        ("requirements.txt", "# tensorflow==1.15\ntensorflow-probability==0.9", None),
        ("requirements.txt", "keras==3.4\ntensorflow==2.12", None),
        ("environment.yml", "dependencies:\n  - tensorflow=2.3", 2),
        ("pyproject.toml", '[project]\ndependencies = ["keras>=3.0", "numpy"]', 3),
        ("setup.py", "setup(install_requires=['tensorflow==2.9.0'])", 2),
        ("uv.lock", '[[package]]\nname = "keras"\nversion = "3.6.0"\n', 3),
        ("poetry.lock", '[[package]]\nname = "tensorflow"\nversion = "2.15.1"\n', 2),
        ("requirements.txt", "tensorflow>=2.16\ntf-keras", None),
        ("notes.txt", "tensorflow==1.15", None),
    ],
)
def test_requirements_say_the_version_of_keras(tmp_path: Path, name: str, text: str, version: int | None) -> None:
    (tmp_path / name).write_text(text)
    assert keras_version(Project(tmp_path, {}, Imports(tmp_path, {}), frozenset())) == version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("from keras.layers.convolutional import Conv2D", 2),
        ("def late():\n    import tensorflow.contrib.slim as slim", 2),
        ("import keras\nfrom keras import ops", 3),
        ("from tensorflow import keras", None),
        ("from .layers.merge import concatenate", None),
    ],
)
def test_imports_that_only_one_version_has_say_the_version(tmp_path: Path, text: str, version: int | None) -> None:
    path = tmp_path / "train.py"
    project = Project(tmp_path, {path: parse_program(text)}, Imports(tmp_path, {path: text.encode()}), frozenset({path}))
    assert keras_version(project) == version


FROZEN = """
import sys
from keras import Input, Model, layers

x = inputs = Input((8,))
x = layers.BatchNormalization()(layers.Dense(8, use_bias=False)(x))
model = Model(inputs, layers.Dense(2)(x))
"""


@pytest.mark.parametrize(
    ("text", "expected", "perhaps"),
    [
        ("model.trainable = False", {"eval"}, False),
        ("if sys.argv[1:]:\n    model.trainable = False", {"train", "eval"}, True),
        ("if sys.argv[1:]:\n    for layer in model.layers:\n        layer.trainable = False", {"train", "eval"}, True),
        ("model.trainable = True", {"train"}, False),
    ],
)
def test_a_model_that_some_path_freezes_may_be_in_either_mode(text: str, expected: set[str], perhaps: bool) -> None:
    told = stories(f"{FROZEN}{text}\nmodel.compile('adam', 'mse')\nmodel.fit(data, target)\n")
    (use,) = next(forward for story in told for forward in story.of(Forward)).norms
    assert ({mode.name for mode in use.modes}, use.perhaps_frozen) == (expected, perhaps)
