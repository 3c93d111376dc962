"""Events of running statistics: switched on or off while a program runs, or corrected for by batch renorm."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.story.events.core import Event
from bnlint.story.values import Obj, Value


@dataclass(slots=True, eq=False)
class TrackingSet(Event):
    """`norm.track_running_stats = flag` on a batch norm that was built before, or one of its buffers is taken away.

    flag: None where it is not known; removed: a running mean or variance was set to None.
    """

    norm: Obj
    flag: bool | None
    removed: bool


@dataclass(slots=True, eq=False)
class MomentumSet(Event):
    """`norm.momentum = value` on a batch norm that was built before."""

    norm: Obj
    value: Value


@dataclass(slots=True, eq=False)
class Renorm(Event):
    """A batch norm is built with batch renorm.

    limits: what limits its corrections, by name ("rmin", "rmax", "dmax"): empty where nothing does, None where that is not
    known; inference: it is never in train mode, or trains nothing; elsewhere: a scope or
    parameters that several layers share say so, not the call itself.
    """

    norm: Obj
    limits: dict[str, Value] | None
    inference: bool
    elsewhere: bool
