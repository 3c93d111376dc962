"""Exceptions: each state in which a `raise` leaves its block is what the handlers around start from.

Calls that are not known may raise as well. What matters of the moment is the mode that networks are in: the state between
such a call and the next switch of a mode is kept, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from bnlint.story.frames import DEAD, Catch
from bnlint.story.machine import Run
from bnlint.story.memory import Changes

Final = Callable[[bool], object]
Block = Callable[[], int]
MOST = 8
"""raising paths that one `try` keeps"""


def attempt(run: Run, body: Block, completed: Block, handlers: Sequence[Block], wide: bool) -> int:
    """Run a `try`: its body, then its `else` and its handlers as alternatives. Says how the statement ends.

    Handlers start where the body raises, or may; from the state that it left, where nothing is known to raise. `wide`: whether
    they catch what any call may raise.
    """
    supposed = len(run.supposed)
    with catching(run, wide) as catch:
        status = body()
        if catch.raised and status != DEAD:
            may_raise(run)
    if catch.more:
        catch.raised.append(any_of(run, catch.mark))
    if catch.raised:
        run.doubt(supposed)  # `if not flag: raise` says nothing of the flag in a handler
    ended = run.memory.changes(catch.mark)
    run.memory.undo(catch.mark)

    def complete() -> int:
        run.memory.apply(ended)
        return status or completed()

    def caught(handler: Block) -> int:
        if catch.raised:
            run.memory.merge(catch.raised)
        else:
            run.memory.apply(ended)
        return handler()

    branches: list[Block] = [] if status == DEAD else [complete]
    branches += [partial(caught, handler) for handler in handlers]
    return run.fork(branches) if len(branches) > 1 else branches[0]()


def any_of(run: Run, mark: int) -> Changes:
    """The state of now, with every mode that a network was in since a mark: of too many states to be kept one by one."""
    found = run.memory.changes(mark)
    for table, key, before in run.memory.trail[mark:]:
        if key == "#mode" and isinstance(before, frozenset):
            now = found[id(table), key][2]
            found[id(table), key] = (table, key, now | before if isinstance(now, frozenset) else before)
    return found


@contextmanager
def catching(run: Run, wide: bool) -> Iterator[Catch]:
    """A `try` with handlers around what runs inside."""
    risks = run.wide_risks if wide else run.risks
    catch = Catch(run.memory.mark(), len(run.frames), len(run.frame.finals), wide, risks)
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


def may_raise(run: Run) -> None:
    """Keep the state of now for every `try` around in which a call was made that may raise since one was kept last."""
    catches = run.catches
    for place in range(len(catches) - 1, -1, -1):
        catch = catches[place]
        risks = run.wide_risks if catch.wide else run.risks
        if risks > catch.risks and len(catch.raised) >= MOST // 2:
            catch.more = True
        elif risks > catch.risks:
            catch.risks = risks
            run.catches = catches[: place + 1]
            raised(run)
    run.catches = catches


def raised(run: Run) -> None:
    """Keep the state of a path that an exception takes from here to the innermost handler, whatever its kind."""
    run.loud += 1  # a call that raised is not replayed
    if not run.catches:
        return
    catch = run.catches[-1]
    if len(catch.raised) >= MOST:
        catch.more = True
        return
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
