"""What is known of an entry point once its story was told and judged: data, that no story outlives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnlint.findings import Finding, Place


@dataclass(frozen=True, slots=True)
class Verdict:
    """failures: message and place of what failed while the story was told or judged; exhausted: the entry point, if its
    budget ran out; networks: those that certainly ran through batch norm, by where they were built."""

    findings: tuple[Finding, ...]
    failures: tuple[tuple[str, Place], ...]
    exhausted: str | None
    networks: frozenset[object]


@dataclass(frozen=True, slots=True)
class Trace:
    """What telling an entry point left behind, besides its verdict: it must be known before the next one is told.

    allowed, spent: steps; reached: identities of nodes, the same in all processes that were forked; notes: those of the
    frameworks (see `Framework.notes`); imported: the files that were imported meanwhile; whole: whether the texts of all
    files were asked; alone: False if more was left behind than this, which only the process that told it can know.
    """

    allowed: int
    spent: int
    reached: frozenset[int]
    notes: list[object]
    imported: frozenset[Path]
    whole: bool
    alone: bool
