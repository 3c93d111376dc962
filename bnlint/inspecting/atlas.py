"""The batch-norm map as plain data: networks, what was done to them, and the time line of each entry point.

Made by `collecting`, drawn by the rooms beside it. Places are those of findings: absolute paths, rows and columns from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bnlint.findings import Place

Mode = Literal["train", "eval", "mixed", "unknown"]
"""mixed: some batch norms in the one, some in the other; unknown: either, as far as can be told"""
Purpose = Literal["training", "evaluation", "acting", "target", "graph", "unknown"]
"""target: its output reaches a loss but not its gradient; graph: a TensorFlow graph is built, and not run"""
Passes = Literal["", "first", "later"]


@dataclass(frozen=True, slots=True)
class Norm:
    """Batch norms built at one place. arguments: name -> the different texts or values seen; count: how many at once."""

    kind: str
    place: Place | None
    arguments: tuple[tuple[str, tuple[str, ...]], ...]
    count: int
    library: bool = False
    """a network of a library, known to hold batch norm"""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was done to a network: wrapped, frozen, converted, copied, saved. part: of it, "" for the whole."""

    text: str
    part: str
    place: Place


@dataclass(frozen=True, slots=True)
class Network:
    """place: where it is built, None where that is unknown; defined: its class, when that is in the project.

    certain: whether it is established that it holds batch norm; copied: a deep copy of the one built there.
    """

    number: int
    name: str
    framework: str
    place: Place | None
    defined: Place | None
    copied: bool
    certain: bool
    norms: tuple[Norm, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a time line: a forward, or (`switch`) a call that sets the mode.

    calls: the call sites that lead there, from the entry point inwards; loops: those around it through all callers, outermost
    first; counts: how many batch norms are in train mode, in eval mode, in either; sure: of the purpose; gradient: whether it
    is recorded; passes: on which passes of its loops this holds, where they differ; part: what of the network is switched,
    "" for the whole.
    """

    network: int
    place: Place
    function: str
    calls: tuple[Place, ...]
    loops: tuple[Place, ...]
    passes: Passes
    mode: Mode
    counts: tuple[int, int, int] = (0, 0, 0)
    switch: str = ""
    part: str = ""
    purpose: Purpose = "unknown"
    sure: str = ""
    batch: int | None = None
    assumed: bool = False
    gradient: bool | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry point and what happens in it. bound: it runs with what its program gives it; left_out: turns beyond the bound."""

    path: str
    name: str
    bound: bool
    test: bool
    exhausted: bool
    turns: tuple[Turn, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """Where bnlint could not tell: why, and where."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Atlas:
    """The whole map, of one project or of several. files: how many were looked at; left_out: networks beyond the bound."""

    roots: tuple[Path, ...]
    files: int
    networks: tuple[Network, ...]
    entries: tuple[Entry, ...]
    unfollowed: tuple[Unfollowed, ...]
    left_out: int = 0
