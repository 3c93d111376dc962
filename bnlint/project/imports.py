"""Which file of the project an import means.

Must never ask the file system: a query is a few dictionary look-ups over the files that `bnlint.read` found.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from bnlint.read import prototxt
from bnlint.read.import_lines import imported_modules

__all__ = ["Imports", "imported_modules"]

# Folders that projects put on the path besides their root.
SOURCE_FOLDERS = ("src", "lib")

# A folder without __init__.py is a namespace package only if nothing installed has its name.
_INSTALLED = frozenset(
    (
        "caffe", "cv2", "flax", "jax", "keras", "lightning", "matplotlib", "numpy", "pandas", "pytorch_lightning", "scipy",
        "sklearn", "tensorboard", "tensorflow", "timm", "torch", "torchvision", "yaml",
    )
)  # fmt: skip

_FRAMEWORKS = {"flax": ("linen",), "keras": ("src/layers", "layers"), "tensorflow": ("python",), "torch": ("nn",)}
"""Packages by which the sources of a framework are known. What it does is known better than its sources tell: in them, too,
its name means the library. The import of a part by a path relative to the importing file still means that file."""


class Imports:
    """The import table of one project: the files below `root`, found by module name."""

    def __init__(self, root: Path, files: Iterable[Path]) -> None:
        self._root = _text(root)
        self._files: dict[str, Path] = {_text(file): file for file in files}
        self._folders: set[str] = set()
        for name in self._files:
            folder = _parent(name)
            while folder not in self._folders:
                self._folders.add(folder)
                folder = _parent(folder)
        self._frameworks = frozenset(
            name
            for name, parts in _FRAMEWORKS.items()
            if (package := self.package(name)) is not None
            and any(f"{_parent(_text(package))}/{part}/__init__.py" in self._files for part in parts)
        )
        packages = filter(None, map(self.package, sorted(self._frameworks)))
        self._sources = tuple(_parent(_text(package)) + "/" for package in packages)
        self._searched: dict[str, tuple[str, ...]] = {}
        self._found: dict[tuple[str, str, int], Path | None] = {}

    def names(self) -> list[str]:
        """Every file that an import may mean."""
        return sorted(self._files)

    def package(self, name: str) -> Path | None:
        """The package of this name at the project's root, or in a folder of sources there; a single module is none."""
        for base in (self._root, *(self._root + "/" + folder for folder in SOURCE_FOLDERS)):
            found = self._files.get(base + "/" + name + "/__init__.py")
            if found is not None:
                return found
        return None

    def of_framework(self, path: Path) -> bool:
        """Whether a file is one of a framework's own sources, of which is known what they do."""
        return _text(path).startswith(self._sources) if self._sources else False

    def resolve(self, importer: Path, module: str, level: int) -> Path | None:
        """The file that `module` means in `importer`: a module, a package's `__init__.py`, or a namespace folder.

        `level` counts the leading dots; `module` is "" for `from . import x`. Absolute imports are looked for in the
        importing file's folder, each folder above it up to the root, then in `src` and `lib` of each.
        """
        name = _text(importer)
        if name.endswith(prototxt.SUFFIX):
            return None  # a text network names libraries only
        key = (name, module, level)
        if key not in self._found:
            self._found[key] = self._relative(name, module, level) if level else self._absolute(name, module)
        return self._found[key]

    def submodule(self, package: Path, name: str) -> Path | None:
        """The module or package `name` in a package given by its `__init__.py` or its folder; None if there is none."""
        text = _text(package)
        if text in self._files:
            if not text.endswith("/__init__.py"):
                return None
            text = _parent(text)
        if not name.isidentifier():
            return None
        return self._module(text + "/" + name) or self._namespace(text + "/" + name)

    def _relative(self, importer: str, module: str, level: int) -> Path | None:
        folder = _parent(importer)
        for _ in range(level - 1):
            folder = _parent(folder)
        if not _is_within(folder, self._root):
            return None
        target = folder + "/" + module.replace(".", "/") if module else folder
        return self._module(target) or self._namespace(target)

    def _absolute(self, importer: str, module: str) -> Path | None:
        if not module:
            return None
        top = module.partition(".")[0]
        if top in self._frameworks:
            return None
        tail = "/" + module.replace(".", "/")
        folder = _parent(importer)
        for base in self._search_path(folder):
            found = self._module(base + tail)
            if found is None or _text(found) == importer:
                # A file never imports itself: in logging.py, `import logging` is the standard library's.
                continue
            if (top in sys.stdlib_module_names or top in _INSTALLED) and base + "/__init__.py" in self._files:
                continue  # a part of a package, such as kaffe/tensorflow, is no module of its own
            return found
        if top in _INSTALLED or top in sys.stdlib_module_names:
            return None
        # Like Python, regular modules anywhere on the path come before folders without __init__.py.
        return next((path for base in self._search_path(folder) if (path := self._namespace(base + tail))), None)

    def _search_path(self, folder: str) -> tuple[str, ...]:
        known = self._searched.get(folder)
        if known is None:
            bases = [folder]
            while bases[-1] != self._root and _is_within(bases[-1], self._root):
                bases.append(_parent(bases[-1]))
            sources = [base + "/" + name for base in bases for name in SOURCE_FOLDERS]
            known = tuple(base for base in (*bases, *sources) if base in self._folders)
            self._searched[folder] = known
        return known

    def _module(self, stem: str) -> Path | None:
        # A package comes before a module of the same name, as in Python.
        return self._files.get(stem + "/__init__.py") or self._files.get(stem + ".py")

    def _namespace(self, stem: str) -> Path | None:
        return Path(stem) if stem in self._folders and _is_within(stem, self._root) else None


def _text(path: Path) -> str:
    return path.as_posix()


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _is_within(folder: str, root: str) -> bool:
    return folder == root or folder.startswith(root.rstrip("/") + "/")
