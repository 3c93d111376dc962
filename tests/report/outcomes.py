"""Outcomes made by hand, for the tests of the formats."""

from __future__ import annotations

from pathlib import Path

from bnlint.findings import Edit, Finding, Fix, Place, Step
from bnlint.outcome import Outcome

BASE = Path("/project")
TEXTS = {
    "/project/train.py": "net = Net()\nnet.train()\nfor x in validation:\n\tout = net(x)\n",
    "/project/models.py": "class Net(Module):\n    def __init__(self):\n        self.bn = BatchNorm2d(8)\n",
}


def lines(path: str, cell: int | None) -> list[str]:
    return TEXTS.get(path, "").split("\n")


def place(path: str = "/project/train.py", row: int = 4, column: int = 8, end_column: int = 14, cell: int | None = None) -> Place:
    return Place(path, row, column, row, end_column, cell)


def finding(*, at: Place | None = None, fix: Fix | None = None, message: str = "evaluated in train mode") -> Finding:
    trace = (Step("built with BatchNorm2d here", place("/project/models.py", 3, 19, 33)), Step("put in train mode", place(row=2)))
    return Finding("BN201", "eval-in-train-mode", message, "error", "certain", at or place(), trace, fix)


def insertion() -> Fix:
    return Fix("insert net.eval()", "unsafe", (Edit(place(row=3, column=1, end_column=1), "net.eval()\n"),))


def outcome(
    *findings: Finding,
    hidden: int = 0,
    files: int = 1,
    with_batch_norm: int = 1,
    networks: int = 1,
    exhausted: tuple[str, ...] = (),
) -> Outcome:
    return Outcome(findings, hidden, files, with_batch_norm, networks, exhausted, lines)
