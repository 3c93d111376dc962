"""`with` blocks and decorators that act like them: library contexts, project contexts, generators as contexts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from bnlint.program import model as ir
from bnlint.story import recording
from bnlint.story.frames import DEAD, NEXT, Frame
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, exit_stacks, expressions, objects, parameters, raising, statements
from bnlint.story.machine import Run
from bnlint.story.values import NONE, UNKNOWN, Bound, Choice, Cls, Func, Lib, Obj, Scope, Value

Body = Callable[[], int]
SUPPRESS = Lib("contextlib.suppress")
GENERATED = "contextlib._GeneratorContextManager"
"""what a call of a `@contextmanager` function gives; it runs when it is entered"""


def enter_all(run: Run, items: list[tuple[ir.Expr, ir.Expr | None]], node: ir.With, body: Body) -> int:
    """Enter the contexts from left to right and run the body inside."""
    if not items:
        return body()
    (manager, target), rest = items[0], items[1:]

    def inner(value: Value) -> int:
        if target is not None:
            statements.bind(run, target, value)
        return enter_all(run, rest, node, body)

    if isinstance(manager, ir.Call):
        generator = context_function(run, manager)
        if generator is not None:
            func, args = generator
            return run_generator(run, func, args, manager, inner)
        if expressions.evaluate(run, manager.func) == SUPPRESS:
            wide = any(statements.caught_often(arg.value) for arg in manager.args)
            return raising.attempt(run, lambda: inner(NONE), lambda: NEXT, [lambda: NEXT], wide)
    value = expressions.evaluate(run, manager)
    return enter_value(run, value, manager, inner)


def unentered(run: Run, func: Func, args: Args, node: ir.Expr) -> Obj:
    """A context that a call has made and nothing entered yet."""
    return run.allocate(Lib(GENERATED), node, **{"#func": func, "#args": args})


def context_function(run: Run, node: ir.Call) -> tuple[Func, Args] | None:
    """The project's `@contextmanager` function that a call names, with the arguments given to it."""
    callee = expressions.evaluate(run, node.func)
    func, owner = (callee.func, callee.self) if isinstance(callee, Bound) else (callee, None)
    if not isinstance(func, Func) or func.kind != "context":
        return None
    args = calls.arguments(run, node)
    return func, calls.with_self(owner, args) if owner is not None else args


def enter_value(run: Run, value: Value, node: ir.Expr, inner: Callable[[Value], int]) -> int:
    if isinstance(value, Choice):
        return enter_any(run, value.options, node, inner)
    if isinstance(value, Obj) and value.lib == GENERATED:
        return run_generator(run, value.slots["#func"], value.slots["#args"], node, inner)
    if isinstance(value, Obj) and value.lib == exit_stacks.STACK:
        return exit_stacks.opened(run, value, inner)
    leave = run.hooks.enter(run, value, node)
    if leave is not None:
        try:
            with raising.cleaning(run, lambda raises: leave()):
                return inner(value)
        finally:
            leave()
    if isinstance(value, Obj) and isinstance(value.cls, Cls):
        opened: Value = value
        start = objects.find(run, value.cls.order, "__enter__")
        if isinstance(start, Func):
            opened = calls.call_function(run, start, Args((value,)), node)
        end = objects.find(run, value.cls.order, "__exit__")
        if not isinstance(end, Func):
            return inner(opened)
        closing = end
        with raising.cleaning(run, lambda raises: closed(run, value, closing, node)):
            status = inner(opened)
        if status != DEAD:
            closed(run, value, closing, node)
        return status
    return inner(value)


def enter_any(run: Run, several: Sequence[Value], node: ir.Expr, inner: Callable[[Value], int]) -> int:
    """Enter one of several contexts: those of libraries say together whether gradients may be recorded."""
    if any(isinstance(each, Obj) and (each.lib == GENERATED or isinstance(each.cls, Cls)) for each in several):
        return run.fork([partial(enter_value, run, each, node, inner) for each in several])
    before = recording.now(run)
    states: list[recording.Recording] = []
    for each in several:
        leave = run.hooks.enter(run, each, node)
        states.append(recording.now(run))
        if leave is not None:
            leave()
    recording.put_back(run, frozenset().union(*states))
    with raising.cleaning(run, lambda raises: recording.put_back(run, before)):
        status = inner(UNKNOWN)
    recording.put_back(run, before)
    return status


def closed(run: Run, value: Obj, end: Func, node: ir.Expr) -> Value:
    return calls.call_function(run, end, Args((value, NONE, NONE, NONE)), node)


def run_generator(run: Run, func: Func, args: Args, node: ir.Expr, inner: Callable[[Value], int]) -> int:
    """Run a generator function with the block in place of its `yield`."""
    run.reached.add(id(func.node))
    assert isinstance(func.node, ir.Function)
    body = func.node.body
    if len(run.frames) > 24:
        return inner(UNKNOWN)
    table: dict[str, Value] = {}
    own = parameters.bind(run, func, args, table)
    place = run.place(node)
    scope = Scope(table, func.scope, func.scope.module)
    frame = Frame(scope, func, func.name, run.memory.mark(), place, func.owner, own)
    ended: list[int] = []

    def finish(raises: bool) -> None:
        """A path that leaves the block early runs what the generator does after its `yield`."""
        run.frames.append(frame)
        try:
            for part in (parts_around(body, raises) or ((), ()))[1]:
                if statements.run_block(run, part):
                    break
        finally:
            run.frames.pop()

    def block(value: Value) -> None:
        if ended:
            return
        run.frames.pop()
        try:
            with raising.cleaning(run, finish):
                ended.append(inner(value))
        finally:
            run.frames.append(frame)

    frame.on_yield = block
    run.frames.append(frame)
    try:
        calls.finish(run, frame, statements.run_block(run, func.node.body))
    finally:
        run.frames.pop()
    if not ended:
        return inner(UNKNOWN)
    return ended[0]


Parts = list[Sequence[ir.Stmt]]


def parts_around(body: Sequence[ir.Stmt], raises: bool) -> tuple[Parts, Parts] | None:
    """What runs before the `yield` of a generator and after it; where an exception is raised, only what is in `finally`."""
    for place, statement in enumerate(body):
        found: tuple[Parts, Parts] | None = None
        if isinstance(statement, (ir.ExprStmt, ir.Assign)):
            found = ([], []) if isinstance(statement.value, ir.Yield) else None
        elif isinstance(statement, (ir.Try, ir.With, ir.If)):
            found = parts_around(statement.body, raises)
            if found is None and isinstance(statement, ir.If):
                found = parts_around(statement.orelse, raises)
        if found is not None:
            final = [statement.final] if isinstance(statement, ir.Try) else []
            return [body[:place], *found[0]], [*found[1], *final, *([] if raises else [body[place + 1 :]])]
    return None


def around(run: Run, contexts: list[Value], node: ir.Function | ir.Lambda, body: Body) -> int:
    """Run a function's body inside the contexts of its decorators."""
    if not contexts:
        return body()
    first, rest = contexts[0], contexts[1:]
    return enter_value(run, first, as_expression(node), lambda value: around(run, rest, node, body))


def as_expression(node: ir.Function | ir.Lambda) -> ir.Expr:
    """A decorator stands for its place: the first of them, else the function's name."""
    if isinstance(node, ir.Function):
        return node.decorators[0] if node.decorators else ir.Name(node.at, node.at + len(node.name), node.name)
    return node

