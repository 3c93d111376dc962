"""Batch norms that a forward applies again and again to what came out of the step before: at every step of a recurrence.

What a module gives inside a loop of the forward is marked with the loop. A batch norm that ran in the first pass and is
given, in a later one, what is marked so lies in the recurrence or behind it. Frames that are encoded one by one do not hang
on one another and are none; neither are the layers of a stack that runs in a loop, each of which is called once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story.events import Recurring
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch.known import BATCH_NORMS
from bnlint.story.joining import flow_of
from bnlint.story.machine import Run
from bnlint.story.nesting import descendants
from bnlint.story.values import Data, Obj, Token, Tuple, Value

STEP = "step"
"""kind of token of what a module gave inside a loop of the forward being run; it stands for the loop"""


@dataclass(slots=True, eq=False)
class Steps:
    """The forward being run. base: how many loops were run around it; choosing: how many calls of one of several networks.

    seen: batch norms and the loops in which they ran; inside: the modules being applied, one inside the other.
    """

    root: Obj
    base: int
    choosing: int
    holds: bool | None = None
    inside: list[Obj] = field(default_factory=list)
    seen: set[tuple[int, Place]] = field(default_factory=set)


def begin(run: Run, root: Obj) -> None:
    """The outermost forward begins."""
    run.state["steps"] = Steps(root, len(run.loops), run.choosing)


def entered(run: Run, obj: Obj, args: Args, node: ir.Call) -> Steps | None:
    """A module is applied inside the forward being run; None outside of loops, and where no batch norm is concerned."""
    steps: Steps | None = run.state.get("steps")
    if steps is None or len(run.loops) <= steps.base:
        return None
    if steps.holds is None:
        steps.holds = any(part.lib in BATCH_NORMS for part in descendants(steps.root))
    if not steps.holds:
        return None
    steps.inside.append(obj)
    if obj.lib in BATCH_NORMS:
        normalised(run, steps, obj, args, node)
    return steps


def normalised(run: Run, steps: Steps, norm: Obj, args: Args, node: ir.Call) -> None:
    marked: frozenset[Token] | None = None
    for place, turn in run.loops[steps.base :]:
        if not turn:
            steps.seen.add((id(norm), place))
            continue
        if (id(norm), place) not in steps.seen:
            continue
        marked = flow_of(Tuple(tuple(args.all())))[0] if marked is None else marked
        if Token(STEP, place) in marked and definite(run, steps) and trains(norm):
            told: set[object] = run.state.setdefault("recurring", set())
            if (norm.site, place) not in told:
                told.add((norm.site, place))
                run.emit(Recurring, node, norm=norm, loop=place)
            return


def definite(run: Run, steps: Steps) -> bool:
    """Whether it is one norm: not one of several, nor part of what stands for several layers of a stack."""
    return run.choosing == steps.choosing and not any(part.slots.get("#many") for part in steps.inside)


def trains(norm: Obj) -> bool:
    return any(mark.name == "train" for mark in norm.slots["#mode"])


def left(run: Run, steps: Steps, result: Value) -> Value:
    """The module has given its result."""
    steps.inside.pop()
    tokens = frozenset(Token(STEP, place) for place, turn in run.loops[steps.base :] if not turn)
    return marked_with(result, tokens) if tokens else result


def marked_with(value: Value, tokens: frozenset[Token]) -> Value:
    if type(value) is Data:
        return replace(value, flow=value.flow | tokens)
    if isinstance(value, Tuple):
        return replace(value, items=tuple(marked_with(item, tokens) for item in value.items))
    return value
