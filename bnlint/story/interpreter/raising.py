"""Exceptions that the text raises: each state in which a `raise` leaves its block is what the handlers around start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bnlint.story.machine import Catch, Run

Final = Callable[[bool], object]
MOST = 8
"""raising paths that one `try` keeps"""


@contextmanager
def catching(run: Run) -> Iterator[Catch]:
    """A `try` with handlers around what runs inside."""
    catch = Catch(run.memory.mark(), len(run.frames), len(run.frame.finals))
    run.catches.append(catch)
    try:
        yield catch
    finally:
        run.catches.pop()


@contextmanager
def cleaning(run: Run, final: Final) -> Iterator[None]:
    """While this lasts, every path that leaves early runs `final` first; it is told whether an exception is the reason."""
    frame = run.frame
    before = frame.finals
    frame.finals = [*before, final]
    try:
        yield
    finally:
        frame.finals = before


def raised(run: Run) -> None:
    """Keep the state of a path that an exception takes from here to the innermost handler, whatever its kind."""
    run.loud += 1  # a call that raised is not replayed
    if not run.catches or len(run.catches[-1].raised) >= MOST:
        return
    catch = run.catches[-1]
    mark = run.memory.mark()
    run.catches.pop()  # what cleans up may raise again: not here
    frames = run.frames
    try:
        while len(run.frames) >= catch.depth:
            frame = run.frame
            lowest = catch.finals if len(run.frames) == catch.depth else 0
            pending = frame.finals
            for place in range(len(pending) - 1, lowest - 1, -1):
                frame.finals = pending[:place]
                pending[place](True)
            frame.finals = pending
            if len(run.frames) == catch.depth:
                break
            run.frames = run.frames[:-1]
    finally:
        run.frames = frames
        run.catches.append(catch)
    catch.raised.append(run.memory.changes(catch.mark))
    run.memory.undo(mark)
