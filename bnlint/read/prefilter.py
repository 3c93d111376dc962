"""Which files of a project must be parsed, decided on their bytes before the parser is even imported.

Must never cost more than a few passes over the bytes, and errs on the side of parsing: what it leaves out can hold no
finding, because no batch norm is named, held or imported there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.read.import_lines import called_imports, imported_modules
from bnlint.read.roles import is_test_file

if TYPE_CHECKING:
    from bnlint.project.imports import Imports

SMALL = 8 * 1024
"""What is merely imported and names no framework is parsed up to this size: settings, constants, registries."""

# All words are matched in lower case.
_NAMES_BATCH_NORM = (
    b"batch_norm", b"batchnorm", b"batch_renorm", b"batchrenorm", b"fusedbatch", b"update_ops",
    b"running_mean", b"running_var", b"moving_mean", b"moving_var", b"moving_average", b"normalizer_fn", b"norm_layer",
    b"norm_cfg", b"nn.moments", b"reduce_variance", b"batch_stats", b"update_bn", b"inplaceabn",
    b"import_meta_graph", b"privacyengine",
)  # fmt: skip
_HOLDS_BATCH_NORM = (
    b"torch.hub", b"hub.load", b"keraslayer", b"keras.applications", b"keras_applications", b"segmentation_models",
    b"pretrainedmodels", b"efficientnet", b"pytorchcv", b"resnet", b"resnext", b"densenet", b"mobilenet", b"inception",
    b"shufflenet", b"mnasnet", b"regnet", b"nasnet", b"squeezenet", b"googlenet", b"hrnet", b"convnext",
    b"deeplab", b"create_model", b"vision_learner", b"cnn_learner", b"facenet_pytorch",
    b"torchreid", b"ultralytics", b"detectron2", b"mmcv", b"mmdet", b"mmseg", b"monai", b"clip.load", b"open_clip",
)  # fmt: skip
_BN = re.compile(rb"(?<![a-z0-9])(?:sync|cond|conv|i)?bn\d*(?![a-z0-9])")
_TIMM = re.compile(rb"\btimm\b")
_LIBRARIES = (
    "detectron2", "facenet_pytorch", "mmcv", "mmdet", "mmseg", "monai", "open_clip", "pretrainedmodels", "pytorchcv",
    "segmentation_models", "timm", "torchreid", "ultralytics",
)  # fmt: skip
"""Names of libraries; in their own sources they tell nothing, for there each import leads to a file."""
# Not the end of "exception".
_XCEPTION = re.compile(rb"(?<!e)xception")

_FRAMEWORKS: dict[str, tuple[bytes, ...]] = {
    "torch": (b"torch", b"lightning", b"fastai", b"timm", b"ignite", b"accelerate"),
    "tensorflow": (b"tensorflow", b"tflearn", b"tensorlayer", b"tensorpack", b"slim", b"sonnet"),
    "keras": (b"keras",),
    "flax": (b"flax", b"haiku"),
    "caffe": (b"caffe",),
}
_FRAMEWORK_WORD = {
    name: re.compile(rb"\b(?:py)?(?:" + b"|".join(words) + rb")(?:_lightning|vision|_v2)?\b")
    for name, words in _FRAMEWORKS.items()
}


@dataclass(frozen=True, slots=True)
class Prefiltered:
    """`parse`: the files that must be parsed. `seeds`: those of the project that name or may hold batch norm. `concerned`:
    these, and all that import one, directly or not; whatever else is parsed is so for their sake."""

    parse: frozenset[Path]
    seeds: frozenset[Path]
    concerned: frozenset[Path]


def needed(
    files: Mapping[Path, bytes], imports: Imports, reported: Collection[Path], names: Collection[str] = ()
) -> Prefiltered:
    """Choose from the project's `files` (with their bytes) those that a finding in a `reported` file may depend on.

    Concerned are the seeds and whatever imports one, directly or not. Of these, the reported ones, the files that import
    them (findings are judged from the callers) and all that both import are parsed; what is merely imported, names no
    framework and is not small is left out. Tests that do not name batch norm themselves tell nothing new. What a
    framework's own sources do is known: they are parsed only where others import them. `names` are further classes and
    constructors that hold batch norm (settings).
    """
    plain = {path: _plain(data) for path, data in files.items()}
    own = frozenset(name.encode() for name in _LIBRARIES if imports.package(name) is not None)
    seeds = frozenset(path for path, data in plain.items() if not imports.of_framework(path) and is_seed(data, names, own))
    if not seeds:
        return Prefiltered(frozenset(), seeds, seeds)
    below = _by_folder(plain)
    imported = {
        path: tuple(target for target in _imported_files(path, data, imports, below) if target != path and target in plain)
        for path, data in plain.items()
    }
    importers: dict[Path, list[Path]] = {}
    for path, targets in imported.items():
        for target in targets:
            importers.setdefault(target, []).append(path)

    strong = [path for path in seeds if _holds_a_network(plain[path]) or _names_any(plain[path], names)]
    concerned = _closure(strong, lambda path: importers.get(path, ())) | seeds
    telling = {path for path in concerned if path in seeds or not is_test_file(path)}
    chosen = [path for path in reported if path in telling]
    above = _closure(chosen, lambda path: [other for other in importers.get(path, ()) if other in telling])
    followed: dict[Path, bool] = {}

    def worth_following(path: Path) -> bool:
        known = followed.get(path)
        if known is None:
            data = plain[path]
            known = path in concerned or len(data) <= SMALL or bool(frameworks(data))
            followed[path] = known
        return known

    parse = _closure(above, lambda path: filter(worth_following, imported[path]))
    return Prefiltered(frozenset(parse), seeds, frozenset(concerned))


def _names_any(data: bytes, names: Collection[str]) -> bool:
    return any(name.rpartition(".")[2].encode() in data for name in names)


def is_seed(data: bytes, names: Collection[str] = (), own: Collection[bytes] = ()) -> bool:
    """Whether the source names batch norm or a model library whose networks may hold one; `own` are no libraries here."""
    if _names_any(data, names):
        return True
    low = data.lower()
    if any(word in low for word in _NAMES_BATCH_NORM) or any(word in low for word in _HOLDS_BATCH_NORM if word not in own):
        return True
    if b"bn" in low and _BN.search(low):
        return True
    if (b"torchvision" in low and b"models" in low) or (b"timm" in low and b"timm" not in own and _TIMM.search(low)):
        return True
    if b"xception" in low and _XCEPTION.search(low):
        return True
    # Modalities under one scalar normaliser (BN307) need no batch norm at all.
    return (b"layernorm" in low or b"layer_norm" in low) and b"velocit" in low


def names_batch_norm_layer(data: bytes) -> bool:
    """Whether a network in Caffe's text format may hold a layer of the type BatchNorm."""
    return b"BatchNorm" in _plain(data)


def frameworks(data: bytes) -> frozenset[str]:
    """The frameworks a source names: torch, tensorflow, keras, flax, caffe."""
    low = data.lower()
    return frozenset(
        name
        for name, words in _FRAMEWORKS.items()
        if any(word in low for word in words) and _FRAMEWORK_WORD[name].search(low)
    )


def _holds_a_network(data: bytes) -> bool:
    """Settings that merely mention batch norm must not make every file that reads settings a concern."""
    if frameworks(data):
        return True
    low = data.lower()
    return (b"def " in low and (b"batch_norm" in low or b"batchnorm" in low or b"bn(" in low)) or b" import *" in low


def _plain(data: bytes) -> bytes:
    """UTF-16 as UTF-8, so that words are found; all else as it is."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data


def _by_folder(files: Iterable[Path]) -> dict[Path, list[Path]]:
    below: dict[Path, list[Path]] = {}
    for path in files:
        below.setdefault(path.parent, []).append(path)
    return below


def _imported_files(path: Path, data: bytes, imports: Imports, below: Mapping[Path, Sequence[Path]]) -> Iterable[Path]:
    """The files (and folders without `__init__.py`) that a source imports; by a computed name, all that the package holds."""
    found: dict[Path, None] = {}
    for module, level, whole in called_imports(data):
        target = imports.resolve(path, module, level)
        if target is not None:
            found[target] = None
            if not whole:
                found.update(dict.fromkeys(below.get(target.parent if target.suffix else target, ())))
    for module, level, names in imported_modules(data):
        if not names:
            # `import a.b` binds `a`, whose own `__init__.py` may hold what is used.
            parts = module.split(".")
            for count in range(1, len(parts) + 1):
                target = imports.resolve(path, ".".join(parts[:count]), 0)
                if target is not None:
                    found[target] = None
            continue
        package = imports.resolve(path, module, level)
        if package is None:
            continue
        found[package] = None
        for name in names:
            target = imports.submodule(package, name)
            if target is not None:
                found[target] = None
    return found


def _closure(start: Iterable[Path], neighbours: Callable[[Path], Iterable[Path]]) -> set[Path]:
    """All that is reached from `start`."""
    reached = set(start)
    todo = list(reached)
    while todo:
        for path in neighbours(todo.pop()):
            if path not in reached:
                reached.add(path)
                todo.append(path)
    return reached
