"""Events of state: what a solver, a copy, a checkpoint or freezing touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnlint.findings import Place
from bnlint.story.events.core import Event

if TYPE_CHECKING:
    pass


@dataclass(slots=True, eq=False)
class StateParameter(Event):
    """A statistic of batch norm that the solver may change. `kind` says how: "variable", "parameter", "group", "caffe"."""

    kind: str
    name: str
    certain: bool
    detail: str
    why: tuple[tuple[str, Place], ...] = ()
    withdrawn: bool = False
    """it was taken away from the solver afterwards"""
