"""Which findings comments hide."""

from __future__ import annotations

import re

import pytest

from bnlint.program.model import Comment, Program
from bnlint.suppress import Suppressions

NAMES = {"eval-in-train-mode": "BN201"}


def suppressions(text: str, statements: dict[int, tuple[int, int]] | None = None) -> Suppressions:
    lines = (0, *(found.end() for found in re.finditer("\n", text)))
    comments = tuple(Comment(found.start(), found.end(), found[0]) for found in re.finditer("#.*", text))
    program = Program((), lines, comments, False)
    return Suppressions.from_program(program, lambda row: (statements or {}).get(row, (row, row)), NAMES)


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa", "#NOQA", "# noqa: BN201", "# noqa:bn201", "# noqa : BN201", "# noqa: E501,BN201", "# noqa: E501 BN201 why",
        "# noqa: BN2", "# noqa: BN20 BN3", "# type: ignore  # noqa: BN201", "# noqa: because it is meant", "# bnlint: ignore",
        "# bnlint: ignore[BN201]", "# bnlint: ignore[bn2]", "#bnlint:ignore[BN101, BN201] teacher",
        "# bnlint: ignore[eval-in-train-mode]",
        "# bnlint: ignore[Eval-In-Train-Mode]", "# bnlint: ignore[ALL]", "# x  # bnlint: ignore [BN201]",
    ],
)  # fmt: skip
def test_a_comment_hides_the_findings_of_its_line(comment: str) -> None:
    found = suppressions(f"x = 1\ny = 2  {comment}\n")
    assert found.hides("BN201", 2)
    assert not found.hides("BN201", 1)
    assert found.unused() == []


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: E501", "# noqa: BN202", "# noqabn", "# see noqa", "# bnlint: ignore[BN202]", "# bnlint: ignore[]",
        "# bnlint: ignore[other-name]", "# bnlint: ignored", "# bnlint: noqa", "# ruff: noqa: BN201", "# flake8: noqa: BN201",
        "# bnlint: ignore-files",
    ],
)  # fmt: skip
def test_other_comments_hide_nothing(comment: str) -> None:
    found = suppressions(f"y = 2  {comment}\n")
    assert not found.hides("BN201", 1)


@pytest.mark.parametrize("comment", ["# bnlint: ignore-file", "# bnlint: ignore-file[BN2]", "# ruff: noqa", "# flake8: NOQA"])
def test_a_file_comment_hides_everywhere(comment: str) -> None:
    assert suppressions(f"x = 1\ny = 2\n{comment}\n").hides("BN201", 1)


def test_a_comment_on_any_row_of_the_statement_counts() -> None:
    text = "x = f(\n  a,  # noqa: BN201\n  b)\ny = 1\n"
    found = suppressions(text, {1: (1, 3), 2: (1, 3), 3: (1, 3)})
    assert found.hides("BN201", 1)
    assert found.hides("BN201", 3)
    assert not found.hides("BN201", 4)


def test_unreadable_sources_and_internal_errors_are_never_hidden() -> None:
    found = suppressions("x = 1  # noqa\n# bnlint: ignore-file\n")
    assert not found.hides("BN001", 1)
    assert not found.hides("BN002", 1)


def test_a_comment_that_names_our_codes_and_hides_nothing_is_unused() -> None:
    text = "x = 1  # noqa: BN201, E501\ny = 1  # bnlint: ignore[BN202] since 2019\nz = 1  # noqa: BN201\n"
    found = suppressions(text)
    assert found.hides("BN201", 3)
    first, second = found.unused()
    assert (first.row, first.codes, first.content) == (1, ("BN201",), "# noqa: E501")
    assert text[first.start : first.end] == "# noqa: BN201, E501"
    assert (second.row, second.codes, second.content) == (2, ("BN202",), "")
    assert text[second.start : second.end] == "# bnlint: ignore[BN202] since 2019"


def test_blanket_comments_and_other_linters_codes_are_never_unused() -> None:
    text = "# noqa\n# noqa: E501\n# bnlint: ignore\n# ruff: noqa\n# bnlint: ignore-file\n# noqa: BN003\n"
    assert suppressions(text).unused() == []
