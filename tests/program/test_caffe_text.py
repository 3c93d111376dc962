"""Networks in Caffe's text format through the whole linter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bnlint.outcome import Outcome
from tests.linting import everything, lint

TRAIN = 'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" %s }\n'


def linted(folder: Path, text: str, name: str = "net.prototxt") -> Outcome:
    (folder / name).write_text(text)
    return lint(folder)


def codes(outcome: Outcome) -> Sequence[str]:
    return [finding.code for finding in outcome.findings]


@pytest.mark.parametrize(
    "blobs",
    [
        "param { lr_mult: 1 }",
        "param { lr_mult: 0 } param { lr_mult: 0.5 decay_mult: 0 }",
        "param { decay_mult: 0 }",  # the default of lr_mult is 1
        'param { name: "shared_mean" }',
        "param: [{ lr_mult: 0 }, { lr_mult: 0 }, { lr_mult: 1 }]",
    ],
)
def test_a_blob_that_learns_is_reported_once_for_each_layer(tmp_path: Path, blobs: str) -> None:
    assert codes(linted(tmp_path, TRAIN % blobs)) == ["BN501"]


@pytest.mark.parametrize(
    "text",
    [
        TRAIN % "",
        TRAIN % "param { lr_mult: 0 } param { lr_mult: 0 } param { lr_mult: 0 decay_mult: 1 }",
        TRAIN % "# param { lr_mult: 1 }\n",
        'layer { type: "Scale" name: "BatchNorm" param { lr_mult: 1 } }',
        TRAIN % "param { lr_mult: 1 }  # noqa: BN501\n",
    ],
)
def test_masked_blobs_and_other_layers_are_right(tmp_path: Path, text: str) -> None:
    assert codes(linted(tmp_path, text)) == []


def test_a_network_inside_of_a_solver_is_read_too(tmp_path: Path) -> None:
    text = "base_lr: 0.1 net_param { " + TRAIN % "param { lr_mult: 2 }" + " }"
    assert codes(linted(tmp_path, text, "solver.prototxt")) == ["BN501"]


def test_a_broken_network_is_told_where(tmp_path: Path) -> None:
    outcome = linted(tmp_path, 'layer {\n  type: "BatchNorm"\n')
    assert [(each.code, each.place.row, each.message) for each in outcome.findings] == [("BN001", 1, "layer is never closed")]


def test_other_text_messages_are_not_even_read(tmp_path: Path) -> None:
    assert codes(linted(tmp_path, "item { id: 1 name: ")) == []


def test_a_folder_named_caffe_in_the_project_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "caffe" / "proto").mkdir(parents=True)
    for name in ("__init__.py", "proto/__init__.py", "proto/caffe_pb2.py"):
        (tmp_path / "caffe" / name).write_text("# batch_norm\n")
    assert codes(linted(tmp_path, TRAIN % "param { lr_mult: 1 }")) == ["BN501"]


def test_what_is_kept_between_runs_gives_the_same(tmp_path: Path) -> None:
    settings = replace(everything(), cache=True)
    (tmp_path / "net.prototxt").write_text(TRAIN % "param { lr_mult: 1 }")
    assert codes(lint(tmp_path, settings)) == codes(lint(tmp_path, settings)) == ["BN501"]
