"""What a run gives: the findings to show and what the closing line needs to know. Pure data for the reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bnlint.baseline import Entry
from bnlint.builtin import INTERNAL
from bnlint.findings import Finding

Lines = Callable[[str, "int | None"], Sequence[str]]
"""the lines of a file (or of a cell of a notebook) by its absolute path; empty when it cannot be read"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """findings: those to show, sorted by file, cell, row, column, code.

    hidden_possible: how many only the wanted confidence hides; files: how many passed files were looked at;
    with_batch_norm: how many of their projects' files speak of batch norm; networks: how many networks were seen to run
    through one; exhausted: entry points whose budget ran out. others: findings that are sure enough and on by default, but not
    selected; baselined: how many findings the baseline hides; stale: its entries that hide none.
    """

    findings: tuple[Finding, ...]
    hidden_possible: int
    files: int
    with_batch_norm: int
    networks: int
    exhausted: tuple[str, ...]
    lines: Lines
    others: tuple[Finding, ...] = ()
    baselined: int = 0
    stale: tuple[Entry, ...] = ()

    @property
    def internal(self) -> bool:
        """Whether bnlint itself failed somewhere."""
        return any(finding.code == INTERNAL for finding in self.findings)
