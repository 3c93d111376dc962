"""For which major version of Keras a project is written: what its requirements pin, and imports that only one version has.

Facts: Keras 3 came with TensorFlow 2.16 (release notes of TensorFlow 2.16); it has no `keras.engine`, `keras.layers.merge`,
`keras.layers.convolutional` and their like any more, no `tensorflow.contrib`, and brought `keras.ops` and `keras.random`.
Reads the requirements at the project's root, never anything outside of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bnlint.program import model as ir
from bnlint.program.inside import children
from bnlint.project.project import Project

REQUIREMENTS = re.compile(r"^(requirements.*\.txt|environment.*\.ya?ml|conda.*\.ya?ml|setup\.(py|cfg)|pyproject\.toml|Pipfile)$")
PIN = re.compile(
    r"(?<![\w.-])(tensorflow(?:[-_](?:gpu|cpu|macos))?|keras)(?:\[[\w,-]*\])?[\"'\s=]*((?:[,\s]*[=~<>^]=?\s*\d[\w.*]*)+)", re.I
)
BOUND = re.compile(r"([=~<>^]=?)\s*(\d+)(?:\.(\d+))?")
LARGEST = 200_000
FIRST_WITH_KERAS_3 = (2, 16)
OLD = (
    "tensorflow.contrib", "tensorflow.python.keras", "keras.engine", "keras.layers.merge", "keras.layers.core",
    "keras.layers.convolutional", "keras.layers.recurrent", "keras.layers.wrappers", "keras.layers.advanced_activations",
    "keras.layers.normalization", "keras.layers.pooling", "keras.utils.np_utils", "keras.utils.vis_utils",
    "keras.utils.generic_utils", "keras.backend.tensorflow_backend", "keras.objectives", "keras_applications",
    "keras_contrib", "keras_preprocessing", "tf_keras", "tensorflow.examples.tutorials",
)  # fmt: skip
NEW = ("keras.ops", "keras.random", "keras.src")


def keras_version(project: Project) -> int | None:
    """2 or 3, None where nothing says so or the evidence disagrees."""
    found = {*imported(project.programs.values()), *pinned(project.root)}
    return found.pop() if len(found) == 1 else None


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


def pinned(root: Path) -> Iterator[int]:
    """What the requirements of a project say; a lower bound that both versions keep says nothing."""
    try:
        files = [path for path in sorted(root.iterdir()) if REQUIREMENTS.match(path.name) and path.is_file()]
    except OSError:
        return
    for path in files:
        try:
            text = path.read_bytes()[:LARGEST].decode("utf-8", "replace")
        except OSError:
            continue
        for line in text.splitlines():
            if not line.lstrip().startswith("#"):
                for name, bounds in PIN.findall(line):
                    yield from filter(None, (asked(name, *bound) for bound in BOUND.findall(bounds)))


def asked(name: str, sign: str, major: str, minor: str) -> int | None:
    """The version of Keras behind one bound of a requirement."""
    wanted = (int(major), int(minor or 0))
    first = (3, 0) if name.lower() == "keras" else FIRST_WITH_KERAS_3
    if sign in ("<", "<="):
        return 2 if wanted < first or (sign == "<" and wanted == first) else None
    if sign not in ("==", "="):
        return 3 if wanted >= first else None
    return 3 if wanted >= first else 2
