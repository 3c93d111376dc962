"""The project: the programs that were parsed, and how one names another. Pure look-up; runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.program.model import Program

if TYPE_CHECKING:
    from bnlint.project.imports import Imports


@dataclass(frozen=True, slots=True)
class Options:
    """Settings that change what the story knows: additional classes that are batch norms, networks that hold one."""

    batch_norm_classes: frozenset[str] = frozenset()
    models_with_batch_norm: frozenset[str] = frozenset()
    small_batch: int = 4


@dataclass(slots=True)
class Project:
    """Programs by path. `reported` are the files that were passed, the others are context.

    Entry points of files that are not concerned cannot meet a batch norm; others may call what these define.
    """

    root: Path
    programs: dict[Path, Program]
    imports: Imports
    reported: frozenset[Path]
    options: Options = field(default_factory=Options)
    concerned: frozenset[Path] | None = None
    """the files that name batch norm, or import one that does, directly or not; None: all"""
