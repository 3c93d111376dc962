"""Named tuples: classes that `collections.namedtuple` makes, what their instances hold, and how they are read.

A class of them is a library name that ends in its fields, so that it can be called and derived from like any other. What an
instance holds lies in slots of the fields' names, which "#fields" (see `values.FIELDS`) keeps in order.
Fact: Python 3.14, "collections.namedtuple".
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import FIELDS, UNKNOWN, Cls, Lib, Obj, Tuple, Value, const, text

FACTORY = "collections.namedtuple"
MADE = FACTORY + ":"


def made(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A class of named tuples, or an instance of one that no project class derives from; None if the name is neither."""
    if name == FACTORY:
        names = field_names(args.get(1, "field_names"))
        return Lib(MADE + ",".join(names)) if names else None
    if not name.startswith(MADE):
        return None
    if args.star is not None or args.double_star is not None:
        return UNKNOWN
    instance = run.allocate(Lib(name), node)
    fill(instance, args)
    return instance


def field_names(given: Value | None) -> list[str]:
    """`"x y"`, `"x, y"` or `["x", "y"]`; empty where they are not known."""
    if given is None:
        return []
    known = text(given)
    if known is not None:
        return known.replace(",", " ").split()
    items: tuple[Value, ...] = ()
    if isinstance(given, Tuple) and given.rest is None:
        items = given.items
    elif isinstance(given, Obj) and given.lib == "list" and "#rest" not in given.slots:
        items = given.slots.get("#items", ())
    names = [text(item) for item in items]
    return [name for name in names if name] if all(names) else []


def fields(cls: Cls | Lib) -> tuple[str, ...]:
    """The names of what an instance holds, in order; empty for other classes."""
    for base in cls.order if isinstance(cls, Cls) else (cls,):
        if isinstance(base, Lib) and base.name.startswith(MADE):
            return tuple(base.name.removeprefix(MADE).split(","))
        if isinstance(base, Cls) and any(isinstance(above, Lib) and above.name == "typing.NamedTuple" for above in base.bases):
            body = base.node.body
            return tuple(item.target.id for item in body if isinstance(item, ir.Declare) and isinstance(item.target, ir.Name))
    return ()


def fill(instance: Obj, args: Args) -> None:
    """Put the arguments of a call into the fields of a new object, if it is a named tuple; what has its default is unknown."""
    names = fields(instance.cls)
    if names:
        instance.slots[FIELDS] = names
        instance.slots.update(dict.fromkeys(names, UNKNOWN))
        instance.slots.update(zip(names, args.positional, strict=False))
        instance.slots.update((name, value) for name, value in args.keywords.items() if name in names)


def values(run: Run, instance: Obj) -> list[Value] | None:
    """What an instance holds, in order; None for an object of another kind."""
    if FIELDS not in instance.slots:
        return None
    held = [run.memory.read(instance.slots, name) for name in instance.slots[FIELDS]]
    return [UNKNOWN if value is MISSING else value for value in held]


def item(run: Run, instance: Obj, index: Value) -> Value | None:
    """`instance[0]`."""
    held = values(run, instance)
    place = const(index)
    if held is None or place is None or not isinstance(place.value, int) or not -len(held) <= place.value < len(held):
        return None
    return held[place.value]


def replaced(run: Run, instance: Obj, args: Args, node: ir.Call) -> Obj | None:
    """`instance._replace(field=value)`."""
    held = values(run, instance)
    if held is None:
        return None
    other = run.allocate(instance.cls, node)
    fill(other, Args(tuple(held), args.keywords))
    return other
