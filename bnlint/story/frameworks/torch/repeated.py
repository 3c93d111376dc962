"""One batch norm in two places: twice in a container, or called twice by the `forward` of its owner.

The second is read off the text of `forward` once for each class: two calls of one attribute on one path. Calls in a loop
are another matter (the same layer for every time step), and so are calls in branches that may exclude one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Chained, Shared
from bnlint.story.frameworks.torch import shapes
from bnlint.story.machine import Run
from bnlint.story.nesting import SEVERAL
from bnlint.story.values import Func, Obj, Shape, Value

Twice = dict[str, tuple[ir.Call, ir.Call]]
"""attribute -> its first two calls"""


def chained(run: Run, owner: Obj, items: Sequence[Value], norms: Sequence[bool], node: ir.Expr) -> None:
    """The batch norms of a Sequential: what stands before each, and whether one stands there twice."""
    shape: Shape | None = None
    seen: dict[int, bool] = {}
    for item, norm in zip(items, norms, strict=True):
        if not isinstance(item, Obj) or not item.lib.startswith("torch.nn."):
            shape = None
            continue
        if norm:
            if shape is not None:
                run.emit(Chained, node, norm=item, shape=shape)
            if id(item) in seen and item.site is not None and SEVERAL not in item.slots:
                run.emit(Shared, node, norm=item, owner=owner, how="positions", first=item.site)
            seen[id(item)] = True
        last = item.lib.rpartition(".")[2]
        shape = shape if last == "Identity" else shapes.after(item, last, shape)


def called(run: Run, owner: Obj, own: Func, norms: Sequence[tuple[str, Obj]]) -> None:
    """The batch norms that an owner's `forward` calls twice on one path."""
    told: set[tuple[int, str]] = run.state.setdefault("repeated", set())
    twice = {name for name, _ in norms if (id(own.node), name) not in told}
    if not twice or not isinstance(own.node, ir.Function):
        return
    told.update((id(own.node), name) for name in twice)
    receiver = own.node.params.items[0].name if own.node.params.items else ""
    found = repeated(own.node.body, receiver, twice)
    for name, obj in norms:
        if name in found:
            first, second = found[name]
            module = own.scope.module
            event = run.emit(Shared, second, norm=obj, owner=owner, how="calls", first=run.place(first, module))
            event.where = replace(event.where, place=run.place(second, module))  # not in the file of the caller


def repeated(body: Sequence[ir.Stmt], receiver: str, names: set[str]) -> Twice:
    """For each attribute the first two calls of it that one run of these statements makes, outside of loops."""
    found: Twice = {}
    walk(body, receiver, names, {}, found)
    return found


def walk(body: Sequence[ir.Stmt], receiver: str, names: set[str], before: dict[str, ir.Call], found: Twice) -> bool:
    """Follow statements in order; gives whether control may reach their end. `before` is extended by what was called."""
    sometimes: dict[str, ir.Call] = {}  # in a branch: another condition may exclude these, what always runs does not
    for statement in body:
        if isinstance(statement, ir.If):
            note(statement.test, receiver, names, before, found)
            sides = []
            for branch in (statement.body, statement.orelse):
                inside = dict(before)
                if walk(branch, receiver, names, inside, found):
                    sides.append(inside)
            if not sides:
                return False
            for side in sides:
                for name, call in side.items():
                    (before if all(name in other for other in sides) else sometimes).setdefault(name, call)
        elif isinstance(statement, (ir.Loop, ir.While, ir.Function, ir.Class)):
            continue
        elif isinstance(statement, ir.With):
            if not walk(statement.body, receiver, names, before, found):
                return False
        else:
            earlier = sometimes | before
            note(statement, receiver, names, earlier, found)
            before.update((name, call) for name, call in earlier.items() if name not in sometimes)
            if isinstance(statement, (ir.Return, ir.Raise)):
                return False
    return True


def note(node: object, receiver: str, names: set[str], before: dict[str, ir.Call], found: Twice) -> None:
    """The calls of `self.<name>` below a node that always runs as a whole."""
    stack: list[object] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, (tuple, list)):
            stack.extend(reversed(current))
        elif isinstance(current, (ir.Lambda, ir.Comprehension, ir.IfExp, ir.Boolean)):
            continue
        elif isinstance(current, ir.Call):
            stack.append(current.args)
            func = current.func
            if not isinstance(func, ir.Attribute):
                stack.append(func)
            elif isinstance(func.value, ir.Name) and func.value.id == receiver and func.attr in names:
                if func.attr in before and func.attr not in found:
                    found[func.attr] = (before[func.attr], current)
                before.setdefault(func.attr, current)
            else:
                stack.append(func.value)
        elif isinstance(current, ir.Node):
            stack.extend(getattr(current, field) for field in current.__struct_fields__ if field not in ("start", "end", "at"))
