"""Events of running statistics that are switched on or off while a program runs."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.story.events.core import Event
from bnlint.story.values import Obj


@dataclass(slots=True, eq=False)
class TrackingSet(Event):
    """`norm.track_running_stats = flag` on a batch norm that was built before, or one of its buffers is taken away.

    flag: None where it is not known; removed: a running mean or variance was set to None.
    """

    norm: Obj
    flag: bool | None
    removed: bool
