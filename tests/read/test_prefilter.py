"""Which files are parsed at all."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from bnlint.project.imports import Imports
from bnlint.read.prefilter import frameworks, is_seed, needed

ROOT = Path("/p")
NET = "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        self.bn1 = nn.BatchNorm2d(3)\n"


def parsed(files: dict[str, str], reported: Collection[str] | None = None) -> list[str]:
    data = {ROOT / name: text.encode() for name, text in files.items()}
    chosen = needed(data, Imports(ROOT, data), [ROOT / name for name in (files if reported is None else reported)])
    return sorted(path.relative_to(ROOT).as_posix() for path in chosen.parse)


def test_a_project_without_batch_norm_is_not_parsed() -> None:
    assert parsed({"train.py": "import torch\nmodel.eval()\nloss.backward()\n", "net.py": "import torch\n"}) == []


def test_a_network_and_all_that_imports_it_are_parsed() -> None:
    files = {
        "net.py": NET,
        "build.py": "from net import Net\n",
        "train.py": "import build\n",
        "other.py": "import torch\nmodel.eval()\n",
    }
    assert parsed(files) == ["build.py", "net.py", "train.py"]


def test_what_a_trainer_imports_is_parsed_too_unless_it_is_big_and_knows_no_framework() -> None:
    files = {
        "net.py": NET,
        "train.py": "from net import Net\nimport config, data, plots\n",
        "config.py": "BATCH = 1\n",
        "data.py": "import torch\n" + "x = 1\n" * 3000,
        "plots.py": "import matplotlib\n" + "x = 1\n" * 3000,
    }
    assert parsed(files) == ["config.py", "data.py", "net.py", "train.py"]


def test_only_what_is_connected_with_a_reported_file_is_parsed() -> None:
    train = "from net import Net\n"
    files = {"one/net.py": NET, "one/train.py": train, "two/net.py": NET, "two/train.py": train}
    assert parsed(files, ["one/train.py"]) == ["one/net.py", "one/train.py"]
    assert parsed(files, ["two/net.py"]) == ["two/net.py", "two/train.py"]


def test_settings_that_mention_batch_norm_do_not_concern_all_their_readers() -> None:
    files = {"config.py": "USE_BN = True\nresnet = 50\n", "plots.py": "import config\n", "net.py": NET + "import config\n"}
    assert parsed(files) == ["config.py", "net.py"]


def test_tests_are_parsed_where_they_name_batch_norm() -> None:
    files = {"net.py": NET, "tests/test_train.py": "from net import Net\n", "tests/test_net.py": "from net import Net\n" + NET}
    assert parsed(files) == ["net.py", "tests/test_net.py"]


def test_what_a_framework_s_own_sources_do_is_known() -> None:
    sources = {"keras/__init__.py": "", "keras/src/layers/__init__.py": "", "keras/src/layers/batch_normalization.py": NET}
    assert parsed({**sources, "guides/guide.py": NET}) == ["guides/guide.py"]
    namesake = {"keras/__init__.py": "", "keras/net.py": NET}
    assert parsed(namesake) == ["keras/net.py"]


def test_an_import_of_a_package_s_module_is_followed() -> None:
    files = {"models/__init__.py": "", "models/net.py": NET, "train.py": "from models import net\n"}
    assert "train.py" in parsed(files)


@pytest.mark.parametrize(
    "text",
    [
        "x = tf.layers.batch_normalization(x)", "nn.SyncBatchNorm", "self.bn1", "use_bn=True", "conv_bn_relu",
        "tf.GraphKeys.UPDATE_OPS", "from torchvision import models", "import timm",
        "tf.keras.applications.VGG16", "torch.hub.load('x', 'y')",
        "slim.conv2d(x, normalizer_fn=f)", "import segmentation_models_pytorch as smp", "L.BatchNorm(bottom)",
        "model = Xception()", "saver = tf.train.import_meta_graph(path)", "self.running_mean", "from ultralytics import YOLO",
    ],
)  # fmt: skip
def test_words_that_may_mean_batch_norm_make_a_seed(text: str) -> None:
    assert is_seed(text.encode())


@pytest.mark.parametrize(
    "text", ["except Exception:", "from torchvision import transforms", "dbname = 1", "subnet", "nn.LayerNorm(3)", "optimum_time"]
)
def test_other_words_do_not(text: str) -> None:
    assert not is_seed(text.encode())


def test_a_utf_16_file_is_understood() -> None:
    path = ROOT / "net.py"
    chosen = needed({path: NET.encode("utf-16")}, Imports(ROOT, [path]), [path])
    assert chosen.seeds == chosen.parse == {path}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import torch.nn as nn", {"torch"}),
        ("import tensorflow.compat.v1 as tf\nfrom tensorflow import keras", {"tensorflow", "keras"}),
        ("import pytorch_lightning as pl", {"torch"}),
        ("from caffe import layers as L", {"caffe"}),
        ("import flax.linen as nn", {"flax"}),
        ("import numpy", set()),
        ("torches = slimmer", set()),
    ],
)
def test_frameworks_are_named(text: str, expected: set[str]) -> None:
    assert frameworks(text.encode()) == expected


@pytest.mark.parametrize(
    "call",
    [
        'import_module("zoo." + name)', "import_module(f'zoo.{name}')", "importlib.import_module('zoo.%s' % name)",
        "import_module('.' + name, __package__)", "__import__('zoo.' + name)", "import_module('zoo.net', None)",
    ],
)  # fmt: skip
def test_modules_that_are_imported_by_a_call_are_followed(call: str) -> None:
    script, package, net, other = (ROOT / name for name in ("zoo/train.py", "zoo/__init__.py", "zoo/net.py", "other/net.py"))
    files = {script: f"import torch, importlib\n{call}\n".encode(), package: b"", net: NET.encode(), other: NET.encode()}
    chosen = needed(files, Imports(ROOT, files), [script])
    assert {script, net} <= chosen.parse
    assert other not in chosen.parse
