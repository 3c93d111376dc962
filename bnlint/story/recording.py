"""Whether gradients are recorded: state of the process, switched by contexts, decorators and statements.

Kept as the set of what may hold: a place where recording was switched off, None where it is on; paths join it like modes.
"""

from __future__ import annotations

from typing import TypeAlias

from bnlint.findings import Place
from bnlint.program.model import Node
from bnlint.story.machine import Run

Recording: TypeAlias = frozenset[Place | None]
ON: Recording = frozenset({None})


def now(run: Run) -> Recording:
    found: Recording = run.state.get("grad", ON)
    return found


def put_back(run: Run, before: Recording) -> None:
    run.memory.write(run.state, "grad", before)


def switch(run: Run, answer: bool | None, node: Node) -> None:
    """Switch recording on or off at a node, or to what cannot be told."""
    place = run.place(node)
    run.memory.write(run.state, "grad", ON if answer else frozenset({place} if answer is False else {place, None}))


def recorded(run: Run) -> bool | None:
    """Whether gradients are recorded now, None where that cannot be told."""
    state = now(run)
    return True if state == ON else None if None in state else False


def off(run: Run) -> Place | None:
    """Where recording was switched off, None if it certainly was not."""
    places = [place for place in now(run) if place is not None]
    return min(places, key=lambda place: (place.path, place.row, place.column)) if places else None
