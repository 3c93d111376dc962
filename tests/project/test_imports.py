"""What an import means in a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnlint.project.imports import Imports, imported_modules

ROOT = Path("/p")


def table(*names: str) -> Imports:
    return Imports(ROOT, [ROOT / name for name in names])


PROJECT = table(
    "train.py", "models/__init__.py", "models/net.py", "models/blocks/__init__.py", "models/blocks/res.py", "src/pkg/__init__.py",
    "src/pkg/core.py", "tools/eval.py", "tools/logging.py", "data/sets/cifar.py", "torch/demo.py", "models/logging.py",
    "lib/nms/gpu.py", "config.py", "config/__init__.py",
)  # fmt: skip


@pytest.mark.parametrize(
    ("importer", "module", "level", "expected"),
    [
        pytest.param("train.py", "models", 0, "models/__init__.py", id="a package"),
        pytest.param("train.py", "models.net", 0, "models/net.py", id="a module in a package"),
        pytest.param("models/net.py", "models.blocks.res", 0, "models/blocks/res.py", id="from the root, below it"),
        pytest.param("tools/eval.py", "models.net", 0, "models/net.py", id="a script in a folder"),
        pytest.param("train.py", "pkg.core", 0, "src/pkg/core.py", id="in src"),
        pytest.param("train.py", "nms.gpu", 0, "lib/nms/gpu.py", id="in lib"),
        pytest.param("train.py", "config", 0, "config/__init__.py", id="a package comes before a module"),
        pytest.param("train.py", "data.sets", 0, "data/sets", id="a folder without __init__"),
        pytest.param("train.py", "data.sets.cifar", 0, "data/sets/cifar.py", id="a module in a folder without __init__"),
        pytest.param("train.py", "torch", 0, None, id="a folder named like a framework is none"),
        pytest.param("models/net.py", "logging", 0, None, id="the standard library is not shadowed within a package"),
        pytest.param("tools/eval.py", "logging", 0, "tools/logging.py", id="a script's own folder comes first"),
        pytest.param("tools/logging.py", "logging", 0, None, id="a file never imports itself"),
        pytest.param("train.py", "numpy", 0, None, id="not in the project"),
        pytest.param("train.py", "models.net.Net", 0, None, id="a class is no module"),
        pytest.param("models/net.py", "blocks.res", 1, "models/blocks/res.py", id="one dot"),
        pytest.param("models/blocks/res.py", "net", 2, "models/net.py", id="two dots"),
        pytest.param("models/net.py", "", 1, "models/__init__.py", id="only a dot"),
        pytest.param("models/blocks/__init__.py", "res", 1, "models/blocks/res.py", id="one dot in a package"),
        pytest.param("train.py", "anything", 2, None, id="beyond the root"),
        pytest.param("train.py", "", 0, None, id="nothing"),
    ],
)
def test_a_module_name_leads_to_its_file(importer: str, module: str, level: int, expected: str | None) -> None:
    assert PROJECT.resolve(ROOT / importer, module, level) == (None if expected is None else ROOT / expected)


def test_a_submodule_is_found_in_packages_and_folders() -> None:
    assert PROJECT.submodule(ROOT / "models/__init__.py", "net") == ROOT / "models/net.py"
    assert PROJECT.submodule(ROOT / "models/__init__.py", "blocks") == ROOT / "models/blocks/__init__.py"
    assert PROJECT.submodule(ROOT / "data/sets", "cifar") == ROOT / "data/sets/cifar.py"
    assert PROJECT.submodule(ROOT / "models/__init__.py", "Net") is None
    assert PROJECT.submodule(ROOT / "models/__init__.py", "*") is None
    assert PROJECT.submodule(ROOT / "models/net.py", "res") is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import os, models.net as m  # why", [("os", 0, ()), ("models.net", 0, ())]),
        ("from .models import Net as N, Head", [("models", 1, ("Net", "Head"))]),
        ("from . import a", [("", 1, ("a",))]),
        ("from .. a.b import c", [("a.b", 2, ("c",))]),
        ("from x import *", [("x", 0, ("*",))]),
        ("from x import (\n    a,  # first, best\n    b as c,\n)\n", [("x", 0, ("a", "b"))]),
        ("from x import a, \\\n    b\n", [("x", 0, ("a", "b"))]),
        ("try:\r\n    import x\r\nexcept ImportError: import y; import z\r\n", [("x", 0, ()), ("y", 0, ()), ("z", 0, ())]),
        ("    from x import y\n", [("x", 0, ("y",))]),
        ("important = 1\nfromage = 2\n# import x\n", []),
        ('    "from models import Net\\n",\n    "import x\\n"\n', [("models", 0, ("Net",)), ("x", 0, ())]),
    ],
)
def test_imports_are_read_from_bytes(line: str, expected: list[tuple[str, int, tuple[str, ...]]]) -> None:
    assert imported_modules(line.encode()) == expected


def test_a_part_of_a_package_does_not_hide_the_framework_of_that_name() -> None:
    files = [ROOT / name for name in ("kaffe/__init__.py", "kaffe/tensorflow/__init__.py", "kaffe/tensorflow/network.py")]
    imports = Imports(ROOT, files)
    assert imports.resolve(files[2], "tensorflow", 0) is None
    assert imports.resolve(ROOT / "train.py", "kaffe.tensorflow", 0) == files[1]


def test_in_the_sources_of_a_framework_its_name_means_the_library() -> None:
    own = table("keras/__init__.py", "keras/src/__init__.py", "keras/src/layers/__init__.py", "guides/guide.py")
    assert own.resolve(ROOT / "guides/guide.py", "keras", 0) is None
    assert own.resolve(ROOT / "keras/src/__init__.py", "keras.src.layers", 0) is None
    assert own.resolve(ROOT / "keras/src/__init__.py", "layers", 1) == ROOT / "keras/src/layers/__init__.py"
    namesake = table("keras/__init__.py", "keras/net.py", "train.py")
    assert namesake.resolve(ROOT / "train.py", "keras.net", 0) == ROOT / "keras/net.py"
