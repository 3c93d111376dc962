"""For which versions of libraries a project is written: what its requirements pin, and imports that only one version has.

Facts: Keras 3 came with TensorFlow 2.16 (release notes of TensorFlow 2.16); it has no `keras.engine`, `keras.layers.merge`,
`keras.layers.convolutional` and their like any more, no `tensorflow.contrib`, and brought `keras.ops` and `keras.random`.
The package `tf_keras` is Keras 2. Where versions differ and nothing says which one it is, what holds in both is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bnlint.program import model as ir
from bnlint.program.inside import children
from bnlint.project.project import Project
from bnlint.read.requirements import Asked, Version, asked

TENSORFLOW = ("tensorflow", "tensorflow-gpu", "tensorflow-cpu", "tensorflow-macos", "tensorflow-intel")
FIRST_WITH_KERAS_3 = (2, 16, 0)
OLD = (
    "tensorflow.contrib", "tensorflow.python.keras", "keras.engine", "keras.layers.merge", "keras.layers.core",
    "keras.layers.convolutional", "keras.layers.recurrent", "keras.layers.wrappers", "keras.layers.advanced_activations",
    "keras.layers.normalization", "keras.layers.pooling", "keras.utils.np_utils", "keras.utils.vis_utils",
    "keras.utils.generic_utils", "keras.backend.tensorflow_backend", "keras.objectives", "keras_applications",
    "keras_contrib", "keras_preprocessing", "tf_keras", "tensorflow.examples.tutorials",
)  # fmt: skip
NEW = ("keras.ops", "keras.random", "keras.src")


def before(requirements: Asked, names: Iterable[str], version: Version) -> bool | None:
    """Whether a project uses a library before a version; None where nothing decides it, or one line says this, one that.

    names: all that the library goes by.
    """
    found = set(judged(requirements, names, version))
    return found.pop() if len(found) == 1 else None


def judged(requirements: Asked, names: Iterable[str], version: Version) -> Iterator[bool]:
    """Of each line about a library whether it asks for less than a version, of those that decide it."""
    for bounds in (bounds for name in names for bounds in requirements.get(name, ())):
        if bounds.end is not None and bounds.end <= version:
            yield True
        elif bounds.low is not None and bounds.low >= version:
            yield False


# --- Keras -----------------------------------------------------------------------------------


def keras_version(project: Project) -> int | None:
    """2 or 3, None where nothing says so or the evidence disagrees."""
    found = {*imported(project.programs.values()), *pinned(asked(project.root))}
    return found.pop() if len(found) == 1 else None


def pinned(requirements: Asked) -> Iterator[int]:
    """What requirements say; a lower bound that both versions keep says nothing."""
    for names, first in ((("keras",), (3, 0, 0)), (TENSORFLOW, FIRST_WITH_KERAS_3)):
        yield from (2 if old else 3 for old in judged(requirements, names, first))
    if "tf-keras" in requirements:
        yield 2


def imported(programs: Iterable[ir.Program]) -> Iterator[int]:
    for program in programs:
        stack: list[ir.Node] = list(program.body)
        while stack:
            node = stack.pop()
            if isinstance(node, ir.Import):
                yield from filter(None, (version(name) for name, _ in node.names))
            elif isinstance(node, ir.ImportFrom) and not node.level:
                yield from filter(None, (version(f"{node.module}.{name}") for name, _ in node.names))
            elif isinstance(node, (ir.If, ir.Try, ir.Function, ir.Class, ir.Handler)):
                stack.extend(part for part in children(node) if not isinstance(part, ir.Call))


def version(name: str) -> int | None:
    """The version that has a module or name, None where both have."""
    if name.startswith("tensorflow.keras.layers.experimental"):
        return 2
    for known, prefixes in ((2, OLD), (3, NEW)):
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes):
            return known
    return None
