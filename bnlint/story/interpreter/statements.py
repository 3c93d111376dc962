"""What statements do: assignments, branches, loops to a fixpoint, contexts, exceptions, definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bnlint.program import model as ir
from bnlint.story.events import Converted, Forward
from bnlint.story.frames import BREAK, CONTINUE, DEAD, NEXT, RETURN, Frame
from bnlint.story.interpreter import (
    arithmetic,
    calls,
    conditions,
    contexts,
    definitions,
    expressions,
    importing,
    iteration,
    lists,
    loops,
    processes,
    raising,
    storing,
)
from bnlint.story.joining import choose, mix, parts_of
from bnlint.story.machine import Run
from bnlint.story.values import NONE, UNKNOWN, Cls, Const, Data, Func, Lib, Obj, Scope, Value, options, truth

Block = Sequence[ir.Stmt]


def run_block(run: Run, block: Block) -> int:
    """Run statements until control leaves the block; says how it ended."""
    for statement in block:
        run.step()
        status = HANDLERS[type(statement)](run, statement)
        if status:
            return status
    return NEXT


# --- simple statements -----------------------------------------------------------------------


def expression(run: Run, node: ir.ExprStmt) -> int:
    value = expressions.evaluate(run, node.value)
    if isinstance(node.value, ir.Attribute):
        run.hooks.attribute_statement(run, node.value, value)
    elif isinstance(node.value, ir.Call) and run.story.events:
        last = run.story.events[-1]
        if isinstance(last, (Forward, Converted)) and last.where.place == run.place(node.value):
            last.dropped = True
    return DEAD if value is calls.NEVER else NEXT


def assign(run: Run, node: ir.Assign) -> int:
    value = expressions.evaluate(run, node.value)
    if value is calls.NEVER:
        return DEAD
    if isinstance(node.value, ir.Binary) and changes_itself(node.targets[0], node.value):
        value = counted(run, node, value)
    for target in node.targets:
        bind(run, target, value)
    return NEXT


def bind(run: Run, target: ir.Expr, value: Value) -> None:
    """Assign a value to a name, attribute, element or a nest of them."""
    match target:
        case ir.Name(id=name):
            run.memory.write(expressions.scope_for(run, name).table, name, run.named(value, name))
            if type(value) is Data and value.form is not None:
                run.hooks.named(run, name, value, target)
        case ir.Attribute(value=owner, attr=attr):
            expressions.set_attribute(run, expressions.evaluate(run, owner), attr, value, target)
        case ir.Subscript(value=owner, index=index):
            storing.set_item(run, expressions.evaluate(run, owner), expressions.evaluate(run, index), value, target)
        case ir.Sequence(elements=elements):
            parts = iteration.unpack(run, value, elements)
            for element, part in zip(elements, parts, strict=True):
                bind(run, element.value if isinstance(element, ir.Starred) else element, part)
        case ir.Starred(value=inner):
            bind(run, inner, value)
        case _:
            expressions.evaluate(run, target)


def declare(run: Run, node: ir.Declare) -> int:
    return NEXT


def augmented(run: Run, node: ir.AugAssign) -> int:
    before = expressions.evaluate(run, node.target)
    more = expressions.evaluate(run, node.value)
    if isinstance(before, Obj) and before.lib == "list" and node.op == "+":
        lists.extend(run, before, more)
        return NEXT
    changed = run.hooks.augmented(run, before, more, node.target)
    if changed is not None:
        bind(run, node.target, changed)
        return NEXT
    if type(before) is Data and before.form is not None:
        changed = run.hooks.operator(run, node.op, before, more, node.target)
    if changed is None:
        changed = counted(run, node, arithmetic.apply(run, node.op, before, more))
    bind(run, node.target, changed)
    return NEXT


def counted(run: Run, node: ir.Stmt, value: Value) -> Value:
    """A number that a loop changes again and again is known no longer, unless it counts the few turns of the loop."""
    if id(node) in run.counting:
        return value
    if run.loops and type(value) is Const and isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
        return Data(symbol=("counted", id(node), len(run.story.events), run.loops[-1][1]))
    return value


def changes_itself(target: ir.Expr, value: ir.Expr) -> bool:
    """Whether an assignment is of the form `x = x + 1`, `self.t = (self.t + 1) % n`."""
    while isinstance(value, ir.Binary):
        if same_place(target, value.right):
            return True
        value = value.left
    return same_place(target, value)


def same_place(target: ir.Expr, value: ir.Expr) -> bool:
    match target, value:
        case ir.Name(id=a), ir.Name(id=b):
            return a == b
        case ir.Attribute(attr=a, value=x), ir.Attribute(attr=b, value=y):
            return a == b and same_place(x, y)
    return False


def give_back(run: Run, node: ir.Return) -> int:
    run.frame.result = expressions.evaluate(run, node.value) if node.value is not None else NONE
    return RETURN


def raise_(run: Run, node: ir.Raise) -> int:
    if node.value is not None:
        risks = run.risks, run.wide_risks
        expressions.evaluate(run, node.value)
        run.risks, run.wide_risks = risks
    raising.raised(run)
    return DEAD


def assert_(run: Run, node: ir.Assert) -> int:
    value = expressions.evaluate(run, node.test)
    if type(value) is Const and value.value is False and not value.assumed:
        raising.raised(run)
        return DEAD
    run.wide_risks += truth(value) is not True
    return NEXT


def delete(run: Run, node: ir.Delete) -> int:
    for target in node.targets:
        if isinstance(target, ir.Name):
            run.memory.remove(run.frame.scope.table, target.id)
    return NEXT


def nothing(run: Run, node: ir.Stmt) -> int:
    return NEXT


def scope(run: Run, node: ir.Scope) -> int:
    for name in node.names:
        run.memory.write(run.frame.scope.table, f"#{node.kind} {name}", True)
    return NEXT


# --- definitions -----------------------------------------------------------------------------


def function(run: Run, node: ir.Function) -> int:
    func = make_function(run, node)
    value = definitions.decorate(run, func, node.decorators)
    run.memory.write(expressions.scope_for(run, node.name).table, node.name, value)
    return NEXT


def make_function(run: Run, node: ir.Function | ir.Lambda) -> Func:
    defaults = tuple(
        expressions.evaluate(run, param.default) if param.default is not None else None for param in node.params.items
    )
    run.loud += 1
    run.closures += 1
    return Func(node, enclosing(run), defaults)


def enclosing(run: Run) -> Scope:
    """The scope that a function or class defined now sees its free names in: never the body of a class around it."""
    scope = run.frame.scope
    while scope.of_class and scope.outer is not None:
        scope = scope.outer
    scope.captured = True
    return scope


def class_(run: Run, node: ir.Class) -> int:
    bases = tuple(expressions.evaluate(run, arg.value) for arg in node.bases if arg.keyword is None and not arg.star)
    outer = enclosing(run)
    table: dict[str, Any] = {}
    cls = Cls(node, outer.module, bases, table, outer)
    cls.order = resolution_order(cls)
    inner = Scope(table, outer, outer.module, of_class=True)
    run.loud += 1
    run.closures += 1
    run.frames.append(Frame(inner, None, node.name, run.memory.mark(), None, owner=cls))
    try:
        run_block(run, node.body)
    finally:
        run.frames.pop()
    for value in table.values():
        if isinstance(value, Func) and value.owner is None:
            value.owner = cls
            if value.scope.module is not outer.module:
                run.outgoing.add(outer.module.path)  # the function is another module's
    run.classes.append(cls)
    run.owners[id(table)] = outer.module.path
    value = definitions.decorate(run, cls, node.decorators)
    run.memory.write(expressions.scope_for(run, node.name).table, node.name, value)
    return NEXT


def resolution_order(cls: Cls) -> tuple[Cls | Lib, ...]:
    """The class, then its bases depth first, each once at its last place (close enough to Python's order)."""
    found: list[Cls | Lib] = []
    for base in cls.bases:
        for option in options(base):
            if isinstance(option, Cls):
                found.extend(option.order)
            elif isinstance(option, Lib):
                found.append(option)
    kept = dict.fromkeys(reversed(found))
    return (cls, *reversed(kept))


def import_(run: Run, node: ir.Import) -> int:
    importing.import_modules(run, node)
    return NEXT


def import_from(run: Run, node: ir.ImportFrom) -> int:
    importing.import_names(run, node)
    return NEXT


# --- branches --------------------------------------------------------------------------------


def if_(run: Run, node: ir.If) -> int:
    value = expressions.evaluate(run, node.test)
    decided, symbol, positive = conditions.decide(run, value)
    one = processes.one_takes(node.test)

    def first() -> int:
        begun = len(run.story.events)
        try:
            return run_block(run, node.body)
        finally:
            if one and len(run.story.events) > begun:
                run.story.alone.append((begun, len(run.story.events)))

    if decided is not None:
        return first() if decided else run_block(run, node.orelse)
    refined = conditions.narrow(run, node.test)

    def side(branch: Callable[[], int], holds: bool) -> Callable[[], int]:
        def go() -> int:
            if refined is not None:
                table, name, when_true, when_false = refined
                run.memory.write(table, name, when_true if holds else when_false)
            return branch()

        return go

    yes, no = side(first, True), side(lambda: run_block(run, node.orelse), False)
    default = conditions.default_of(value, positive) if symbol is not None else None
    run.conditions.append((value, default))
    try:
        return run.fork([yes, no] if positive else [no, yes], symbol, default)
    finally:
        run.conditions.pop()


def match(run: Run, node: ir.Match) -> int:
    subject = expressions.evaluate(run, node.subject)
    branches: list[Callable[[], int]] = []
    known = subject if type(subject) is Const and not subject.assumed else None
    for case in node.cases:
        if known is not None and case.values is not None:
            if any(value.value == known.value for value in case.values):
                branches.append(lambda case=case: run_case(run, case, subject))  # type: ignore[misc]
                if case.guard is None:
                    break
            continue
        branches.append(lambda case=case: run_case(run, case, subject))  # type: ignore[misc]
        if case.whole and case.guard is None:
            break
    else:
        branches.append(lambda: NEXT)  # none of them may fit
    if len(branches) == 1:
        return branches[0]()
    return run.fork(branches)


def run_case(run: Run, case: ir.Case, subject: Value) -> int:
    for name in case.binds:
        run.memory.write(run.frame.scope.table, name, subject if case.whole else matched(subject))
    if case.guard is not None:
        expressions.evaluate(run, case.guard)
    return run_block(run, case.body)


def matched(subject: Value) -> Value:
    """What a pattern may bind of its subject: an object of its own kind, or anything that a container holds."""
    known = [part for part in (*parts_of(subject), subject) if isinstance(part, Obj)]
    held: list[Value] = [part for part in known if part.lib not in ("list", "dict", "set")]
    return choose(held) if held else mix([subject])


def try_(run: Run, node: ir.Try) -> int:
    """The body, then its handlers as alternatives: they start where it raises, or from the state that it left."""
    if node.final:
        with raising.cleaning(run, lambda raises: run_block(run, node.final)):
            status = try_body(run, node)
    else:
        status = try_body(run, node)
    if node.final and status != DEAD:
        last = run_block(run, node.final)
        status = last or status
    return status


def try_body(run: Run, node: ir.Try) -> int:
    def body() -> int:
        return run_block(run, node.body)

    def completed() -> int:
        return run_block(run, node.orelse)

    if not node.handlers:
        return body() or completed()
    wide = any(handler.type is None or caught_often(handler.type) for handler in node.handlers)
    return raising.attempt(run, body, completed, [partial(handle, run, handler) for handler in node.handlers], wide)


def caught_often(type_: ir.Expr) -> bool:
    """Whether an exception is one of those that any call may raise."""
    parts = type_.elements if isinstance(type_, ir.Sequence) else (type_,)
    return any(not (isinstance(part, ir.Name) and part.id in OF_VALUES) for part in parts)


OF_VALUES = frozenset({"ValueError", "TypeError", "KeyError", "IndexError", "AttributeError", "StopIteration", "ImportError"})


def handle(run: Run, handler: ir.Handler) -> int:
    if handler.name:
        run.memory.write(run.frame.scope.table, handler.name, UNKNOWN)
    return run_block(run, handler.body)


def with_(run: Run, node: ir.With) -> int:
    return contexts.enter_all(run, list(node.items), node, lambda: run_block(run, node.body))


HANDLERS: dict[type, Callable[[Run, Any], int]] = {
    ir.ExprStmt: expression,
    ir.Assign: assign,
    ir.Declare: declare,
    ir.AugAssign: augmented,
    ir.Return: give_back,
    ir.Raise: raise_,
    ir.Assert: assert_,
    ir.Delete: delete,
    ir.Pass: nothing,
    ir.Break: lambda run, node: BREAK,
    ir.Continue: lambda run, node: CONTINUE,
    ir.Scope: scope,
    ir.Import: import_,
    ir.ImportFrom: import_from,
    ir.If: if_,
    ir.While: lambda run, node: loops.while_(run, node),
    ir.Loop: lambda run, node: loops.loop(run, node),
    ir.With: with_,
    ir.Try: try_,
    ir.Match: match,
    ir.Function: function,
    ir.Class: class_,
}
