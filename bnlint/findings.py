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
class Insert:
    """Put a simple statement before the one at `statement`, or after it."""

    statement: Place
    content: str
    after: bool = False


@dataclass(frozen=True, slots=True)
class Wrap:
    """Put the simple statement at `statement` into a block of its own; `header` is that block's first line."""

    statement: Place
    header: str


@dataclass(frozen=True, slots=True)
class Argument:
    """Give the call at `call` one more argument, behind the one at `last` (None: it has none so far)."""

    call: Place
    last: Place | None
    content: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Take the only argument that the call at `call` has, or its last one, which stands behind that at `before`, away."""

    call: Place
    argument: Place
    before: Place | None


@dataclass(frozen=True, slots=True)
class Comment:
    """Replace a directive within a comment; without `content` it goes, and with it the comment and the row left empty."""

    place: Place
    content: str


Change = Edit | Insert | Wrap | Argument | Drop | Comment


@dataclass(frozen=True, slots=True)
class Cure:
    """What a rule wants to be changed, in terms of statements and arguments. It knows no layout.

    It becomes a `Fix`, whose edits are exact, once the text is at hand, or nothing where the layout does not allow it.
    All changes are in the file of the finding.
    """

    message: str
    applicability: Literal["safe", "unsafe"]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One report to the user. `default` says whether the default selection shows it.

    scope: the dotted name of the function or class around it, "" in the body of a module; line: the text of the row where
    it starts, without what surrounds it.
    """

    code: str
    name: str
    message: str
    severity: Severity
    confidence: Confidence
    place: Place
    trace: tuple[Step, ...] = field(default=())
    fix: Fix | None = None
    default: bool = True
    cure: Cure | None = None
    """what becomes `fix`; None once that was tried"""
    scope: str = ""
    line: str = ""
