"""`contextlib.ExitStack`: contexts that are entered one by one inside a block and left together at its end.

Fact: Python 3.13, "contextlib" (`ExitStack` leaves in the reverse order of entering; `callback` runs a function then).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bnlint.program import model as ir
from bnlint.story import recording
from bnlint.story.frames import DEAD, NEXT, Frame
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, contexts, objects, parameters, raising, statements
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import NONE, UNKNOWN, Cls, Func, Lib, Obj, Scope, Value, options

STACK = "contextlib.ExitStack"
LEAVING = "contextlib.ExitStack.leaving"
"""one thing that is done at the end; its slot of that name does it"""


def opened(run: Run, stack: Obj, inner: Callable[[Value], int]) -> int:
    """Run the block of a stack, and leave what it entered."""
    before = recording.now(run)
    run.memory.write(stack.slots, "#forks", run.forks)

    def leave(raises: bool) -> None:
        for entry in reversed(stack.slots.get("#items", ())):
            for option in options(entry):
                left(run, option, raises)
        recording.put_back(run, before)

    with raising.cleaning(run, leave):
        status = inner(stack)
    if status != DEAD:
        leave(False)
    return status


def left(run: Run, entry: Value, raises: bool) -> None:
    if not isinstance(entry, Obj) or entry.lib != LEAVING:
        return

    def go() -> int:
        entry.slots["#leave"](raises)
        return NEXT

    if entry.slots["#sure"]:
        go()
    else:
        run.fork([go, lambda: NEXT])


def method(run: Run, stack: Obj, name: str, args: Args, node: ir.Call) -> Value:
    """`enter_context(context)`, `callback(function, ...)` and the like."""
    first = args.get(0)
    if name in ("enter_context", "push") and isinstance(first, Obj):
        value, leave = entered(run, first, node) if name == "enter_context" else (first, closing(run, first, node))
        if leave is not None:
            keep(run, stack, leave)
        return value
    if name == "callback" and first is not None:
        rest = Args(args.positional[1:], args.keywords)
        keep(run, stack, lambda raises: calls.call(run, first, rest, node))
        return first
    return mix(args.all())


def keep(run: Run, stack: Obj, leave: Callable[[bool], Any]) -> None:
    sure = run.forks == stack.slots.get("#forks", run.forks)
    entry = run.allocate(Lib(LEAVING), None, **{"#leave": leave, "#sure": sure})
    run.memory.write(stack.slots, "#items", (*stack.slots.get("#items", ()), entry))


def entered(run: Run, context: Obj, node: ir.Call) -> tuple[Value, Callable[[bool], Any] | None]:
    """Enter a context now; gives what it gives, and how it is left."""
    if context.lib == contexts.GENERATED:
        return generated(run, context, node)
    leave = run.hooks.enter(run, context, node)
    if leave is not None:
        return context, lambda raises: leave()
    start = objects.find(run, context.cls.order, "__enter__") if isinstance(context.cls, Cls) else None
    value = calls.call_function(run, start, Args((context,)), node) if isinstance(start, Func) else context
    return value, closing(run, context, node)


def closing(run: Run, context: Obj, node: ir.Call) -> Callable[[bool], Any] | None:
    end = objects.find(run, context.cls.order, "__exit__") if isinstance(context.cls, Cls) else None
    return partial(ended, run, context, end, node) if isinstance(end, Func) else None


def ended(run: Run, context: Obj, end: Func, node: ir.Call, raises: bool) -> None:
    calls.call_function(run, end, Args((context, NONE, NONE, NONE)), node)


def generated(run: Run, context: Obj, node: ir.Call) -> tuple[Value, Callable[[bool], Any] | None]:
    """A generator as a context: what stands before its `yield` runs now, what stands after it at the end."""
    func: Func = context.slots["#func"]
    run.reached.add(id(func.node))
    assert isinstance(func.node, ir.Function)
    body = func.node.body
    table: dict[str, Value] = {}
    own = parameters.bind(run, func, context.slots["#args"], table)
    scope = Scope(table, func.scope, func.scope.module)
    frame = Frame(scope, func, func.name, run.memory.mark(), run.place(node), func.owner, own)

    def during(parts: contexts.Parts) -> None:
        run.frames.append(frame)
        try:
            for part in parts:
                if statements.run_block(run, part):
                    break
        finally:
            run.frames.pop()

    around = contexts.parts_around(body, raises=False)
    if around is None:
        return UNKNOWN, None
    during(around[0])
    return UNKNOWN, lambda raises: during((contexts.parts_around(body, raises) or ([], []))[1])
