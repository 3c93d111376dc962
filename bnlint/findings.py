"""What bnlint says: findings with their place, confidence and the trace that makes them believable.

Pure data: made from the rules' reports, filtered by selection and suppression, drawn by `bnlint.report`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "info"]
Confidence = Literal["certain", "likely", "possible"]
CONFIDENCES: tuple[Confidence, ...] = ("possible", "likely", "certain")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stretch of a file: rows and columns from 1 in characters, the end exclusive.

    `path` is absolute. `cell` is the 1-based code cell of a notebook, else None; rows then count within the cell.
    """

    path: str
    row: int
    column: int
    end_row: int
    end_column: int
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One place of the explanation: "put in train mode here"."""

    message: str
    place: Place


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `place` by `content`."""

    place: Place
    content: str


@dataclass(frozen=True, slots=True)
class Fix:
    message: str
    applicability: Literal["safe", "unsafe"]
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One report to the user. `default` says whether the default selection shows it."""

    code: str
    name: str
    message: str
    severity: Severity
    confidence: Confidence
    place: Place
    trace: tuple[Step, ...] = field(default=())
    fix: Fix | None = None
    default: bool = True
