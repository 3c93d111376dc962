"""What libraries do: one room per framework. Each answers the machine's questions about its own names."""

from __future__ import annotations

from bnlint.story.framework import Framework
from bnlint.story.frameworks.caffe import Caffe
from bnlint.story.frameworks.flax import Flax
from bnlint.story.frameworks.keras import Keras
from bnlint.story.frameworks.stdlib import Stdlib
from bnlint.story.frameworks.tensorflow import TensorFlow
from bnlint.story.frameworks.torch import Torch
from bnlint.story.frameworks.trainers import Trainers


def all_frameworks() -> tuple[Framework, ...]:
    return (Stdlib(), Flax(), Torch(), Trainers(), TensorFlow(), Keras(), Caffe())
