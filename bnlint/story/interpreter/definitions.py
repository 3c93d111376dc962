"""Classes and functions as they are defined: instances are made, `super()` is found, decorators are applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story import named_tuples
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, expressions, objects, rebuilding
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Bound, Cls, Func, Lib, Obj, Partial, Super, Value

ACCESSORS = ("setter", "deleter")
"""what a property gives to decorate its further methods with"""


def instantiate(run: Run, cls: Cls, args: Args, node: ir.Expr) -> Value:
    run.reached.add(id(cls.node))
    init = objects.find(run, cls.order, "__init__")
    if isinstance(init, Func):
        return rebuilding.build(run, cls, init, args, node)
    obj = run.allocate(cls, node)
    run.hooks.made(run, obj, cls)
    for name, value in args.keywords.items():
        run.memory.write(obj.slots, name, value)
    fields = [item.target.id for item in cls.node.body if isinstance(item, ir.Declare) and isinstance(item.target, ir.Name)]
    for name, value in zip(fields, args.positional, strict=False):
        run.memory.write(obj.slots, name, value)
    own = isinstance(objects.find(run, cls.order, "__new__"), Func)  # which may take anything
    named_tuples.fill(obj, Args() if own else args)
    return obj


def make_super(run: Run, node: ir.Call) -> Value:
    """`super()` in a method, or `super(Class, self)`."""
    if len(node.args) >= 2:
        cls = expressions.evaluate(run, node.args[0].value)
        owner = expressions.evaluate(run, node.args[1].value)
        return Super(cls, owner) if isinstance(cls, Cls) else UNKNOWN
    for frame in reversed(run.frames):
        if frame.owner is not None and frame.self_value is not None:
            return Super(frame.owner, frame.self_value)
    return UNKNOWN


def decorate(run: Run, value: Value, decorators: Sequence[ir.Expr]) -> Value:
    """Apply decorators from the innermost outwards; a library's unknown decorator changes nothing."""
    for decorator in reversed(decorators):
        applied = expressions.evaluate(run, decorator)
        if isinstance(value, Func):
            name = applied.name if isinstance(applied, Lib) else ""
            if name in ("builtins.staticmethod", "builtins.classmethod", "builtins.property", "functools.cached_property"):
                value.kind = {"staticmethod": "static", "classmethod": "class"}.get(name.rpartition(".")[2], "property")
                continue
            if name.startswith("contextlib.") and name.endswith("contextmanager"):
                value.kind = "context"
                continue
            if isinstance(applied, Obj) and applied.lib == "click.option":
                value.options = (*value.options, *applied.slots["#options"])
                continue
            if isinstance(applied, Bound) and isinstance(applied.self, Func) and applied.func in ACCESSORS:
                run.setters.add(value.name)
                value = replace(applied.self, setter=value if applied.func == "setter" else applied.self.setter)
                continue
            if run.hooks.decorator(run, applied):
                value.contexts = (*value.contexts, applied)
                continue
        if isinstance(applied, (Func, Partial)) or (isinstance(applied, Bound) and isinstance(applied.func, Func)):
            result = calls.call(run, applied, Args((value,)), ir.Call(decorator.start, decorator.end, decorator, ()))
            if isinstance(result, (Func, Partial, Obj, Cls, Bound)):
                value = result
    return value
