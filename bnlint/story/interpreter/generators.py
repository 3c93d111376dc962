"""Loops over a generator that is given a network: the generator and the loop's body take turns, as they do when they run."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.program import inside
from bnlint.program import model as ir
from bnlint.story.frames import BREAK, CONTINUE, DEAD, NEXT, RETURN, Frame, LoopState
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, expressions, parameters, statements
from bnlint.story.machine import Run
from bnlint.story.values import Bound, Choice, Cls, Func, Obj, Scope, Value, options

DEEPEST = 24
"""frames beyond which generators are not run along with the loop"""


def of_networks(run: Run, node: ir.Expr) -> tuple[Func, Args] | None:
    """The project's generator function that a loop calls, if it is given a network: it may switch or apply it."""
    if not isinstance(node, ir.Call) or len(run.frames) > DEEPEST or not isinstance(node.func, (ir.Name, ir.Attribute)):
        return None
    callee = expressions.evaluate(run, node.func)
    func = callee.func if isinstance(callee, Bound) else callee
    if not isinstance(func, Func) or func.kind or func.contexts or not isinstance(func.node, ir.Function):
        return None
    if not func.node.generator or any(frame.func is func for frame in run.frames):
        return None
    args = calls.arguments(run, node)
    if isinstance(callee, Bound):
        args = calls.with_self(callee.self, args)
    return (func, args) if any(holds(value) for value in args.all()) or sees(run, func) else None


def network(value: Value) -> bool:
    return any(isinstance(option, Obj) and "#mode" in option.slots for option in options(value))


def holds(value: Value) -> bool:
    """Whether a value is a network, or an object of the project with one for an attribute."""
    for option in options(value):
        own = isinstance(option, Obj) and isinstance(option.cls, Cls)
        if own and any(network(part) for part in option.slots.values() if isinstance(part, (Obj, Choice))):  # type: ignore[union-attr]
            return True
    return network(value)


def sees(run: Run, func: Func) -> bool:
    """Whether a function names a network that is a variable around it."""
    key = ("names", id(func.node))
    names: frozenset[str] | None = run.profiles.get(key)
    if names is None:
        names = run.profiles[key] = frozenset(named_in(func.node))
    scope: Scope | None = func.scope
    while scope is not None:
        if any(network(scope.table[name]) for name in names if name in scope.table):
            return True
        scope = scope.outer
    return False


def named_in(node: ir.Node) -> Iterator[str]:
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, ir.Name):
            yield part.id
        pending.extend(inside.children(part))


def along(run: Run, node: ir.Loop, func: Func, args: Args) -> int:
    """Run the generator with the loop's body in place of each `yield`; says how the loop ends."""
    run.reached.add(id(func.node))
    assert isinstance(func.node, ir.Function)
    memory, outer, place = run.memory, run.frame, run.place(node)
    table: dict[str, Value] = {}
    own = parameters.bind(run, func, args, table)
    state = LoopState(memory.mark(), memory.mark(), finals=len(outer.finals))
    outer.loops.append(state)
    frame = Frame(
        Scope(table, func.scope, func.scope.module), func, func.name, memory.mark(), run.place(node.iter), func.owner, own
    )
    turns: list[int] = []
    supposed = len(run.supposed)
    left: list[int] = []

    def turn(value: Value) -> None:
        if left:
            return
        run.frames.pop()
        run.loops.append((place, min(len(turns), 1)))
        state.pass_mark = memory.mark()
        state.continues.clear()
        turns.append(1)
        begun = len(run.supposed)
        try:
            statements.bind(run, node.target, value)
            status = statements.run_block(run, node.body)
            if state.continues:
                if status in (BREAK, RETURN):
                    run.leave(status)
                run.doubt(begun)
                paths = [*state.continues, *([memory.changes(state.pass_mark)] if status in (NEXT, CONTINUE) else [])]
                memory.undo(state.pass_mark)
                memory.merge(paths)
                status = NEXT
            if status in (BREAK, RETURN):
                run.leave(status)
            if status not in (NEXT, CONTINUE):
                left.append(status)
        finally:
            run.loops.pop()
            run.frames.append(frame)

    frame.on_yield = turn
    run.frames.append(frame)
    try:
        ended = statements.run_block(run, func.node.body)
        calls.finish(run, frame, ended)
    finally:
        run.frames.pop()
        outer.loops.pop()
    if state.breaks:
        run.doubt(supposed)
    if left or ended == DEAD:
        memory.undo(state.mark)
        if not state.breaks:
            return DEAD
        memory.merge(state.breaks)
        return NEXT
    status = statements.run_block(run, node.orelse)
    if not state.breaks:
        return status
    run.leave(status)
    paths = [*([memory.changes(state.mark)] if status == NEXT else []), *state.breaks]
    memory.undo(state.mark)
    memory.merge(paths)
    return NEXT
