"""Lists and sequences as values: how they are made, grow and join, and what is left of them when others may change them."""

from __future__ import annotations

from typing import Any

from bnlint.program import model as ir
from bnlint.story.interpreter import iteration
from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Const, Lib, Obj, Tuple, Value, options

LIST_LIMIT = 256
TUPLE_LIMIT = 1024


def make_list(run: Run, items: list[Value], rest: Value | None, node: ir.Expr | None, kind: str = "list") -> Obj:
    made = run.allocate(Lib(kind), node)
    made.slots["#items"] = tuple(items[:LIST_LIMIT])
    if len(items) > LIST_LIMIT:
        rest = choose([*items[LIST_LIMIT:], *([rest] if rest is not None else [])])
    if rest is not None:
        made.slots["#rest"] = rest
        made.slots["#open"] = True
    return made


def make_tuple(items: list[Value], rest: Value | None) -> Value:
    """A tuple of a size that can be worked with: what it would hold too much of is only known as being in it."""
    if len(items) > TUPLE_LIMIT:
        rest = choose([*items[TUPLE_LIMIT:], *([rest] if rest is not None else [])])
        items = items[:TUPLE_LIMIT]
    return Tuple(tuple(items), rest)


def extend(run: Run, owner: Obj, more: Value) -> None:
    items, rest = iteration.elements(run, more, ir.Opaque(0, 0))
    for item in items:
        append(run, owner, item)
    if rest is not None:
        widen(run, owner, rest)


def append(run: Run, owner: Obj, value: Value) -> None:
    """Add an element to a list or set."""
    items = owner.slots.get("#items", ())
    if len(items) < LIST_LIMIT and not owner.slots.get("#open"):
        run.memory.write(owner.slots, "#items", (*items, value))
    else:
        widen(run, owner, value)


def widen(run: Run, owner: Obj, value: Value) -> None:
    before = owner.slots.get("#rest")
    run.memory.write(owner.slots, "#rest", value if before is None else choose([before, value]))
    run.memory.write(owner.slots, "#open", True)


def set_element(run: Run, owner: Obj, index: Value, value: Value) -> None:
    items = owner.slots.get("#items", ())
    if type(index) is Const and isinstance(index.value, int) and -len(items) <= index.value < len(items):
        changed = list(items)
        changed[index.value] = value
        run.memory.write(owner.slots, "#items", tuple(changed))
    else:
        if type(index) is not Const and items:  # any of the elements may be the one
            run.memory.write(owner.slots, "#items", tuple(choose([item, value]) for item in items))
        widen(run, owner, value)


def concatenate(run: Run, left: Value, right: Value) -> Value | None:
    """`a + b` of two sequences."""
    if isinstance(left, Tuple) and isinstance(right, Tuple):
        rests = [rest for rest in (left.rest, right.rest) if rest is not None]
        return make_tuple([*left.items, *right.items], choose(rests) if rests else None)
    lists = [value for value in (left, right) if isinstance(value, Obj) and value.lib == "list"]
    if not lists:
        return None
    made = make_list(run, [], None, None)
    extend(run, made, left)
    extend(run, made, right)
    return made


def repeated(run: Run, left: Value, right: Value) -> Value | None:
    """`[x] * n`"""
    if type(left) is Const:
        left, right = right, left
    if not ((isinstance(left, Obj) and left.lib == "list") or isinstance(left, Tuple)):
        return None
    items, rest = iteration.elements(run, left, ir.Opaque(0, 0))
    if type(right) is Const and isinstance(right.value, int) and 0 <= right.value * len(items) <= 64:
        items = items * right.value
    else:
        rest = choose([*items, *([rest] if rest is not None else [])]) if items or rest is not None else None
        items = []
    return Tuple(tuple(items), rest) if isinstance(left, Tuple) else make_list(run, items, rest, None)


def known_constants(value: Value) -> list[Any] | None:
    """The constants of a fully known sequence, else None."""
    if isinstance(value, Tuple):
        items, is_open = value.items, value.rest is not None
    elif isinstance(value, Obj) and value.lib in ("list", "set"):
        items, is_open = value.slots.get("#items", ()), bool(value.slots.get("#open"))
    elif isinstance(value, Obj) and value.lib == "dict" and "#rest" not in value.slots:
        items, is_open = tuple(iteration.dict_keys(value)), False
    else:
        return None
    if is_open or not all(type(item) is Const and not item.assumed for item in items):
        return None
    return [item.value for item in items if type(item) is Const]


def escape(run: Run, values: list[Value]) -> None:
    """Mutable values were handed to something that cannot be followed: nothing is assumed about lists any more."""
    for value in values:
        run.hooks.escaped(run, value)
        for option in options(value):
            if isinstance(option, Obj) and option.lib == "list" and not option.slots.get("#items"):
                before = option.slots.get("#rest")
                run.memory.write(option.slots, "#open", True)
                run.memory.write(option.slots, "#rest", UNKNOWN if before is None else choose([before, UNKNOWN]))
