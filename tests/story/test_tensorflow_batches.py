"""What the story knows of batches in TensorFlow and Keras: their size, their order, how many steps a training takes."""

from __future__ import annotations

import pytest

from bnlint.story.events import Forward, LoaderBuilt
from tests.story.programs import stories

KERAS = """
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers
files = [f"{i}.png" for i in range(len(np.load("labels.npy")))]
x, y = np.load("x.npy"), np.load("labels.npy")
model = tf.keras.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.Dense(1)])
"""

ORDERS = {
    "files in their order": ("tf.data.Dataset.from_tensor_slices(files).map(read).batch(8)", (8, False)),
    "shuffled before the batches": ("tf.data.Dataset.from_tensor_slices(files).shuffle(100).map(read).batch(8)", (8, True)),
    "shuffled after the batches are made": ("tf.data.Dataset.from_tensor_slices(files).batch(8).shuffle(100)", (8, False)),
    "files are listed in random order": ("tf.data.Dataset.list_files('*.png').map(read).batch(4)", (4, True)),
    "files are listed in order": ("tf.data.Dataset.list_files('*.png', shuffle=False).map(read).batch(4)", (4, False)),
    "records": ("tf.data.TFRecordDataset(files).map(read).batch(2)", (2, None)),
    "a generator": ("tf.data.Dataset.from_generator(rows, tf.float32).batch(2)", (2, None)),
    "one of two is shuffled": (
        "tf.data.Dataset.zip((tf.data.Dataset.from_tensor_slices(files).shuffle(9), tf.data.Dataset.range(9))).batch(3)",
        (3, True),
    ),
    "a folder": ("tf.keras.utils.image_dataset_from_directory('train')", (32, True)),
    "a folder in order": ("tf.keras.utils.image_dataset_from_directory('train', shuffle=False, batch_size=5)", (5, False)),
    "images of a generator": (
        "tf.keras.preprocessing.image.ImageDataGenerator().flow_from_directory('train', batch_size=7)",
        (7, True),
    ),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_order_and_the_size_of_batches(case: str) -> None:
    pipeline, expected = ORDERS[case]
    (built,) = [event for story in stories(f"{KERAS}\nmodel.fit({pipeline})\n") for event in story.of(LoaderBuilt)]
    assert (built.batch, built.shuffle) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", False),
        ("np.random.shuffle(files)", None),
        ("from sklearn.model_selection import train_test_split\nfiles, rest = train_test_split(files)", None),
        ("order = np.random.RandomState(0).permutation(len(files))", None),
    ],
)
def test_after_shuffling_by_hand_the_order_of_arrays_is_not_known(before: str, expected: bool | None) -> None:
    program = f"{KERAS}\n{before}\nmodel.fit(tf.data.Dataset.from_tensor_slices(files).batch(8))\n"
    (built,) = [event for story in stories(program) for event in story.of(LoaderBuilt)]
    assert built.shuffle is expected


STEPS = {
    "model.fit(x, y)": None,
    "model.fit(tf.random.normal((1000, 4)), y, batch_size=100, epochs=2)": 20,
    "model.fit(x, y, steps_per_epoch=5, epochs=3)": 15,
    "model.fit(x, y, steps_per_epoch=len(x), epochs=3)": None,
    "model.train_on_batch(x, y)": 1,
}


@pytest.mark.parametrize("call", STEPS)
def test_how_many_steps_a_fit_takes(call: str) -> None:
    (forward,) = [event for story in stories(f"{KERAS}\n{call}\n") for event in story.of(Forward)]
    assert forward.steps == STEPS[call]


@pytest.mark.parametrize(
    ("loop", "expected"),
    [("range(60)", 60), ("range(2)", 2), ("range(10, 40, 3)", 10), ("range(len(x))", None), ("files", None)],
)
def test_how_many_turns_a_loop_takes(loop: str, expected: int | None) -> None:
    program = f"{KERAS}\nfor _ in {loop}:\n    model(x)\n"
    lengths = [count for story in stories(program) for count in story.lengths.values()]
    assert lengths == [expected]


ESTIMATOR = """
import tensorflow as tf

def inputs():
    return tf.data.TFRecordDataset("x").map(parse).batch(4)

def model_fn(features, labels, mode):
    h = tf.layers.batch_normalization(tf.layers.dense(features, 8), training=mode == tf.estimator.ModeKeys.TRAIN)
    loss = tf.reduce_mean(h)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=tf.train.AdamOptimizer().minimize(loss))

estimator = tf.estimator.Estimator(model_fn)
"""


@pytest.mark.parametrize(
    "call",
    [
        "estimator.train(inputs, steps=100)",
        "estimator.train(input_fn=lambda: inputs(), max_steps=100)",
        "tf.estimator.train_and_evaluate(estimator, tf.estimator.TrainSpec(inputs, max_steps=100), None)",
    ],
)
def test_an_estimator_trains_on_what_its_input_function_gives(call: str) -> None:
    found = [event for story in stories(f"{ESTIMATOR}\n{call}\n") for event in story.of(Forward)]
    assert [(event.batch, event.steps, event.purposes) for event in found] == [(4, 100, {"training"})]
