"""Attributes of objects: instances, their classes in resolution order, `super()`, modules of the project."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, importing
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import UNKNOWN, Bound, Cls, Data, Func, Lib, Module, Obj, Super, Value, options


def read(run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value:
    """`obj.attr`: its own slots, then its classes, then what its library says."""
    value = run.memory.read(obj.slots, attr)
    if value is not MISSING:
        return value  # type: ignore[no-any-return]
    if isinstance(obj.cls, Cls):
        found = find(run, obj.cls.order, attr)
        if found is not None:
            return bind_member(run, found, obj, node)
    if attr == "__class__":
        run.hooks.asked(run, obj, [], None, node)
        return obj.cls
    known = run.hooks.attribute(run, obj, attr, node)
    if known is not None:
        return known
    if isinstance(obj.cls, Lib) or any(isinstance(base, Lib) for base in obj.cls.order):
        return Bound(attr, obj)
    dynamic = find(run, obj.cls.order, "__getattr__")
    if isinstance(dynamic, Func):
        return UNKNOWN
    return Data(symbol=("slot", obj.serial, attr), label=attr)


def bind_member(run: Run, found: Value, obj: Obj, node: ir.Expr) -> Value:
    """A class attribute seen through an instance."""
    if isinstance(found, Func):
        if found.kind == "static":
            return found
        if found.kind == "class":
            return Bound(found, obj.cls)
        if found.kind == "property":
            return calls.call_function(run, found, Args((obj,)), node)
        return Bound(found, obj)
    return found


def set_property(run: Run, obj: Obj, attr: str, value: Value, node: ir.Expr) -> bool:
    """Assign to a property; says whether it is one that may be assigned to."""
    found = find(run, obj.cls.order, attr) if isinstance(obj.cls, Cls) else None
    if not isinstance(found, Func) or found.setter is None:
        return False
    calls.call_function(run, found.setter, Args((obj, value)), node)
    return True


def find(run: Run, order: tuple[Cls | Lib, ...], attr: str) -> Value | None:
    """A class attribute by resolution order; None where only a library could know it."""
    for cls in order:
        if isinstance(cls, Cls):
            value = run.memory.read(cls.table, attr)
            if value is not MISSING:
                return value  # type: ignore[no-any-return]
    return None


def after(order: tuple[Cls | Lib, ...], cls: Cls) -> tuple[Cls | Lib, ...]:
    for place, base in enumerate(order):
        if base is cls:
            return order[place + 1 :]
    return ()


def super_member(run: Run, owner: Super, attr: str) -> Value:
    """`super().attr`: the next definition, else the library's method on the same object."""
    obj = owner.self
    order: tuple[Cls | Lib, ...] = ()
    if isinstance(obj, Obj) and isinstance(obj.cls, Cls):
        order = after(obj.cls.order, owner.cls)
    elif isinstance(obj, Cls):
        order = after(obj.order, owner.cls)
    found = find(run, order, attr)
    if isinstance(found, Func):
        return found if found.kind == "static" else Bound(found, obj)
    return found if found is not None else Bound(attr, obj)


def module_member(run: Run, module: Module, attr: str) -> Value:
    """`module.attr` of a project module: what its body defined, or a submodule."""
    value = run.memory.read(module.table, attr)
    if value is not MISSING:
        return value  # type: ignore[no-any-return]
    if attr == "__dict__":
        return namespace(run, module)
    submodule = importing.submodule(run, module, attr)
    return submodule if submodule is not None else UNKNOWN


def namespace(run: Run, module: Module) -> Obj:
    """`vars(module)`: its classes and functions by name."""
    made = run.allocate(Lib("dict"), None)
    made.slots.update({name: value for name, value in module.table.items() if isinstance(value, (Cls, Func))})
    return made


def is_instance(value: Value, cls: Value) -> bool | None:
    """`isinstance(value, cls)` where it can be told."""
    answers: set[bool | None] = set()
    for wanted in class_options(cls):
        answers.add(instance_of(value, wanted))
    if True in answers:
        return True
    return False if answers == {False} else None


def class_options(cls: Value) -> list[Value]:
    from bnlint.story.values import Tuple

    if isinstance(cls, Tuple):
        found: list[Value] = []
        for item in cls.items:
            found.extend(class_options(item))
        return found or [UNKNOWN]
    return list(options(cls))


PYTHON_TYPES = {"int": int, "float": float, "str": str, "bool": bool}


def instance_of(value: Value, cls: Value) -> bool | None:
    from bnlint.story import libraries
    from bnlint.story.values import Choice, Const, Tuple

    if isinstance(value, Choice):
        answers = {instance_of(option, cls) for option in value.options}
        return answers.pop() if len(answers) == 1 else None
    if isinstance(value, Obj):
        if isinstance(cls, Cls):
            return isinstance(value.cls, Cls) and any(base is cls for base in value.cls.order)
        if isinstance(cls, Lib):
            if "#norms" in value.slots and libraries.is_norm_class(cls.name) and not value.lib.endswith(".children"):
                return False  # a library's network: its norms are an object of their own
            own = value.cls.order if isinstance(value.cls, Cls) else (value.cls,)
            answers = {libraries.is_kind(base.name, cls.name) if isinstance(base, Lib) else False for base in own}
            return True if True in answers else None if None in answers else False
        return None
    if isinstance(value, Const):
        if isinstance(cls, Lib):
            wanted = PYTHON_TYPES.get(cls.name.removeprefix("builtins."))
            if wanted is not None and not value.assumed:
                return isinstance(value.value, wanted)
            return None if wanted is not None else False
        return False
    if isinstance(value, Tuple) and isinstance(cls, Lib):
        return cls.name in ("builtins.tuple", "builtins.list") or None
    return None
