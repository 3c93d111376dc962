"""What iterating over a value, unpacking it, or asking it for an item gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, inherited, objects, sorting, storing
from bnlint.story.joining import choose, flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import UNKNOWN, Choice, Cls, Const, Data, Func, Obj, Tuple, Value, compound, options, text

PART = "part"
"""how the symbol of what a slice leaves unknown begins"""


# --- iterating -------------------------------------------------------------------------------


def elements(run: Run, value: Value, node: ir.Expr) -> tuple[list[Value], Value | None]:
    """What iterating over a value gives: the known elements in order, and what stands for any more."""
    if isinstance(value, Tuple):
        return list(value.items), value.rest
    if isinstance(value, Choice):
        found: list[Value] = []
        rests: list[Value] = []
        for option in value.options:
            items, rest = elements(run, option, node)
            found.extend(items)
            if rest is not None:
                rests.append(rest)
        return [], choose([*found, *rests]) if found or rests else None
    if isinstance(value, Obj):
        if value.lib in ("list", "set", "iterator"):
            return list_parts(run, value)
        if value.lib == "dict":
            run.memory.read_all(value.slots)
            paired = storing.pairs(run, value)
            if paired is not None:
                return [*dict_keys(value), *(key for key, _ in paired)], None
            return dict_keys(value), (UNKNOWN if "#rest" in value.slots and not value.slots.get("#closed") else None)
        known = run.hooks.elements(run, value, node)
        if known is not None:
            return known
        held = inherited.container(run, value, "__iter__")
        if held is not value:
            return elements(run, held, node)
        if isinstance(value.cls, Cls):
            return iterate_instance(run, value, node)
    if type(value) is Const and isinstance(value.value, str):
        return [], Const(None, True) if not value.value else UNKNOWN
    known = run.hooks.elements(run, value, node)
    if known is not None:
        return known
    flow, grad = flow_of(value)
    label = value.label if type(value) is Data else ""
    return [], Data(flow, grad, label=label)


def list_parts(run: Run, owner: Obj) -> tuple[list[Value], Value | None]:
    """The known elements of a list or set, and what stands for any more."""
    items, rest = run.memory.read(owner.slots, "#items"), run.memory.read(owner.slots, "#rest")
    return list(items) if items is not MISSING else [], rest if rest is not MISSING else None


def iterate_instance(run: Run, value: Obj, node: ir.Expr) -> tuple[list[Value], Value | None]:
    assert isinstance(value.cls, Cls)
    own = objects.find(run, value.cls.order, "__iter__")
    if isinstance(own, Func):
        result = calls.call_function(run, own, Args((value,)), node)
        iterators = [option for option in options(result) if isinstance(option, Obj) and isinstance(option.cls, Cls)]
        if iterators:
            return [], choose([following(run, iterator, node) for iterator in iterators])
        return elements(run, result, node)
    own = objects.find(run, value.cls.order, "__getitem__")
    if isinstance(own, Func):
        return [], calls.call_function(run, own, Args((value, UNKNOWN)), node)
    return [], UNKNOWN


def following(run: Run, iterator: Obj, node: ir.Expr) -> Value:
    """What `__next__` of an iterator of the project gives; UNKNOWN where it has none of its own."""
    own = objects.find(run, iterator.cls.order, "__next__") if isinstance(iterator.cls, Cls) else None
    return calls.call_function(run, own, Args((iterator,)), node) if isinstance(own, Func) else UNKNOWN


def dict_keys(value: Obj) -> list[Value]:
    return [Const(undo_key(key)) for key in value.slots if not (isinstance(key, str) and key.startswith("#"))]


def undo_key(key: Any) -> Any:
    return key[1:] if isinstance(key, str) and key.startswith("\\") else key


def fresh(run: Run, value: Value, node: ir.Loop, turn: int) -> Value:
    """The element of one pass over a loop: unknown, but the same throughout the pass."""
    if type(value) is Data and value.symbol is None and not value.flow:
        return replace(value, symbol=("pass", id(node), run.serial, turn))
    for part in value.items if isinstance(value, Tuple) else (value,):
        if isinstance(part, Obj) and "#mode" in part.slots:
            part.slots["#many"] = True  # stands for several networks, for good
    return value


def unpack(run: Run, value: Value, targets: tuple[ir.Expr, ...]) -> list[Value]:
    """One value per target of `a, b, *c = value`."""
    count = len(targets)
    starred = next((place for place, target in enumerate(targets) if isinstance(target, ir.Starred)), None)
    if isinstance(value, Choice):
        rows = [unpack(run, option, targets) for option in value.options if type(option) is not Const]
        return [choose([row[place] for row in rows]) for place in range(count)] if rows else [UNKNOWN] * count
    if type(value) is Data:
        known = run.hooks.unpacked(run, value, count) if value.form is not None else None
        return known or [replace(value, symbol=None, label="", parts=())] * count
    items, rest = elements(run, value, targets[0])
    if isinstance(value, Obj) and sorting.UNORDERED in value.slots:
        items, rest = [], sorting.any_of(value)
    if starred is None:
        if rest is not None:
            items = items + [rest] * (count - len(items))
        if len(items) < count:
            items = items + [UNKNOWN] * (count - len(items))
        return items[:count]
    after = count - starred - 1
    middle = items[starred : len(items) - after if after else None]
    tail = items[len(items) - after :] if after else []
    head = (items[:starred] + [rest or UNKNOWN] * starred)[:starred]
    return [*head, Tuple(tuple(middle), rest), *(tail + [rest or UNKNOWN] * after)[:after]]


# --- items -----------------------------------------------------------------------------------


def part(rest: Value | None) -> Value | None:
    """The unknown elements of a slice: not all of those that it was cut from."""
    if type(rest) is Data and rest.symbol is not None and rest.symbol[0] != PART:
        return replace(rest, symbol=(PART, rest.symbol))
    return rest


def item(run: Run, owner: Value, index: Value, node: ir.Expr) -> Value:
    """`owner[index]`"""
    if isinstance(owner, Choice):
        return choose([item(run, option, index, node) for option in owner.options])
    if isinstance(owner, Tuple) or (isinstance(owner, Obj) and owner.lib in ("list", "set")):
        items, rest = elements(run, owner, node)
        if isinstance(owner, Obj) and sorting.UNORDERED in owner.slots:
            found = sorting.any_of(owner)
            return Tuple((), found) if isinstance(index, Obj) and index.lib == "slice" else found
        if type(index) is Const and isinstance(index.value, int):
            if -len(items) <= index.value < len(items) and (rest is None or index.value >= 0):
                return items[index.value]
            return rest if rest is not None else (choose(items) if items else UNKNOWN)
        if isinstance(index, Obj) and index.lib == "slice":
            return Tuple(tuple(cut(items, index)), part(rest))
        return choose([*items, *([rest] if rest is not None else [])]) if items or rest is not None else UNKNOWN
    if isinstance(owner, Obj) and owner.lib == "dict":
        if type(index) is Const:
            found = run.memory.read(owner.slots, storing.dict_key(index))
            if found is MISSING:
                found = run.memory.read(owner.slots, "#rest")
            if found is MISSING and "#factory" in owner.slots and not index.assumed:
                found = calls.call(run, owner.slots["#factory"], Args(), ir.Call(node.start, node.end, node, ()))
                run.memory.write(owner.slots, storing.dict_key(index), found)
            if found is not MISSING or not index.assumed:
                return found if found is not MISSING else UNKNOWN
        paired = storing.pairs(run, owner)
        if paired is not None and (kept := [value for key, value in paired if key is index]):
            return kept[0]
        run.memory.read_all(owner.slots)
        values = dict_values(owner)
        return choose(values) if values else UNKNOWN
    if isinstance(owner, Obj) and isinstance(owner.cls, Cls):
        own = objects.find(run, owner.cls.order, "__getitem__")
        if isinstance(own, Func):
            return calls.call_function(run, own, Args((owner, index)), node)
        held = inherited.container(run, owner)
        if held is not owner:
            return item(run, held, index, node)
    known = run.hooks.item(run, owner, index, node)
    if known is not None:
        return known
    key = text(index)
    if type(owner) is Data and owner.symbol is not None and not owner.flow and type(index) is Const:
        return Data(symbol=compound("[]", owner.symbol, index.value), label=key or owner.label)
    result = mix([owner])
    return replace(result, label=owner.label) if type(owner) is Data else result


def cut(items: list[Value], index: Obj) -> list[Value]:
    bounds: list[Any] = [part.value if type(part) is Const else False for part in index.slots["#items"]]
    if all(bound is None or (isinstance(bound, int) and bound is not False) for bound in bounds):
        return items[slice(*bounds)]
    return items


def dict_values(owner: Obj) -> list[Value]:
    values = [value for key, value in owner.slots.items() if not (isinstance(key, str) and key.startswith("#"))]
    return [*values, *([owner.slots["#rest"]] if "#rest" in owner.slots and not owner.slots.get("#closed") else [])]


def keyword_items(run: Run, value: Value) -> tuple[dict[str, Value], Value | None]:
    """`**value`: the known keywords, and what stands for others."""
    value = inherited.container(run, value, "keys")
    if isinstance(value, Obj) and value.lib == "dict":
        known = {key: part for key, part in value.slots.items() if isinstance(key, str) and not key.startswith("#")}
        more = value.slots.get("#rest")
        return known, None if more is None or value.slots.get("#closed") else more
    return {}, mix([value])


def update(run: Run, owner: Obj, more: Value) -> None:
    """`owner.update(more)` of a dict, or of settings that are read by attribute."""
    if isinstance(more, Obj) and more.lib in ("dict", owner.lib):
        if "#rest" in more.slots and not more.slots.get("#closed"):
            storing.unsettle(run, owner)
        for key, value in list(more.slots.items()):
            if not (isinstance(key, str) and key.startswith("#")):
                run.memory.write(owner.slots, key, value)
        if "#rest" in more.slots and not more.slots.get("#closed"):
            run.memory.write(owner.slots, "#rest", more.slots["#rest"])
        if "#pairs" in more.slots:
            run.memory.write(owner.slots, "#pairs", (*owner.slots.get("#pairs", ()), *more.slots["#pairs"]))
    else:
        run.hooks.escaped(run, more)
        run.memory.write(owner.slots, "#rest", mix([more]))
        storing.unsettle(run, owner)
