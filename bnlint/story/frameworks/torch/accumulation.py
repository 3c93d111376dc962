"""Gradient accumulation: which batches share one step of the optimiser.

What the gradients hold is followed as state: a backward pass adds the forwards that it reaches, `zero_grad` and a step
begin anew. A forward that comes again before that, on another batch, is accumulation.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.program import model as ir
from bnlint.story.events import Accumulated, Backward, Forward
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import NO_TOKENS, Data, Token, Value, number

PENDING = "gradients"
EMPTY: frozenset[tuple[object, int]] = frozenset()
MOST = 40
"""forwards whose gradients are remembered; a program with more is none of interest"""


@dataclass(frozen=True, slots=True)
class Every:
    """The reference of a token "remainder": `step % count`."""

    count: int
    assumed: bool


def remainder(op: str, left: Value, right: Value) -> Data | None:
    """`step % 8`: a condition on it holds in every eighth iteration."""
    known = number(right)
    if op != "%" or known is None or type(left) is not Data or left.kind not in ("", "size") or known[0] != int(known[0]):
        return None
    return Data(left.flow | {Token("remainder", Every(int(known[0]), known[1]))})


def added(run: Run, event: Backward) -> None:
    """A backward pass adds to the gradients what its forwards gave."""
    before = pending(run)
    own: set[tuple[object, int]] = set()
    for each in event.forwards:
        forward = run.story.event(each)
        if isinstance(forward, Forward):
            own.add(((id(forward.net), forward.where.place, forward.where.calls), each))
    if own and len(before) < MOST:
        run.memory.write(run.state, PENDING, before | own)


def cleared(run: Run) -> None:
    """`zero_grad()`, of whatever: the gradients begin anew."""
    if pending(run):
        run.memory.write(run.state, PENDING, EMPTY)


def stepped(run: Run, node: ir.Expr) -> None:
    """An optimiser makes its step: what came more than once since the last one was accumulated."""
    numbers: dict[object, list[int]] = {}
    for key, each in pending(run):
        numbers.setdefault(key, []).append(each)
    cleared(run)
    for found in numbers.values():
        again = sorted(found)
        first = run.story.event(again[-1])
        if len(again) < 2 or not isinstance(first, Forward):
            continue
        inner = [place for place, _ in first.where.loops]
        outer = {place for place, _ in run.loops}
        added_loops = [place for place in inner if place not in outer]
        if added_loops:
            if not any(place in run.uncounted for place in added_loops):
                run.emit(Accumulated, node, forwards=tuple(again), how="loop", count=None, assumed=False)
            continue
        count, assumed = every(run)
        if count != 1:
            run.emit(Accumulated, node, forwards=tuple(again), how="condition", count=count, assumed=assumed)


def pending(run: Run) -> frozenset[tuple[object, int]]:
    found = run.memory.read(run.state, PENDING)
    return EMPTY if found is MISSING else found


def every(run: Run) -> tuple[int | None, bool]:
    """Every how many iterations the conditions around hold, where a remainder tells it."""
    for asked, _ in reversed(run.conditions):
        flow = asked.flow if isinstance(asked, Data) else NO_TOKENS
        known = [token.ref for token in flow if token.kind == "remainder" and isinstance(token.ref, Every)]
        if len(known) == 1:
            return known[0].count, known[0].assumed
    return None, False


def counted(run: Run, given: Value | None, node: ir.Expr) -> None:
    """A library counts the batches itself: `Trainer(accumulate_grad_batches=8)`. Concerns the gradient just computed."""
    known = number(given) if given is not None else None
    if known is None or known[0] <= 1 or known[1]:
        return
    event = next((event for event in reversed(run.story.events) if isinstance(event, Backward)), None)
    if event is not None and event.forwards:
        run.emit(
            Accumulated, node, forwards=tuple(sorted(event.forwards)), how="trainer", count=int(known[0]), assumed=False,
        )  # fmt: skip
