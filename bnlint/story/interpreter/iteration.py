"""Containers and iteration: lists, tuples, dicts, unpacking, comprehensions, and what iterating over a value gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, inherited, objects, storing, strings
from bnlint.story.joining import choose, flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import NONE, UNKNOWN, Choice, Cls, Const, Data, Func, Lib, Obj, Tuple, Value, compound, options, text

LIST_LIMIT = 256
TUPLE_LIMIT = 1024
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
        if value.lib in ("list", "set"):
            return list_parts(run, value)
        if value.lib == "dict":
            run.memory.read_all(value.slots)
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


# --- lists -----------------------------------------------------------------------------------


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
    items, rest = elements(run, more, ir.Opaque(0, 0))
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
    items, rest = elements(run, left, ir.Opaque(0, 0))
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
        items, is_open = tuple(dict_keys(value)), False
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
            if found is not MISSING or not index.assumed:
                return found if found is not MISSING else UNKNOWN
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
    """`owner.update(more)` of a dict."""
    if isinstance(more, Obj) and more.lib == "dict":
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


# --- methods of containers -------------------------------------------------------------------


def method(run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
    """Methods of Python's own containers and strings."""
    if type(owner) is Const and isinstance(owner.value, str):
        return strings.method(owner.value, owner.assumed, name, args)
    owner = inherited.container(run, owner)
    if not isinstance(owner, (Obj, Tuple)) or (isinstance(owner, Obj) and owner.lib not in ("list", "set", "dict")):
        return None
    if isinstance(owner, Obj) and owner.lib == "dict":
        return dict_method(run, owner, name, args, node)
    if isinstance(owner, Tuple):
        return UNKNOWN
    first = args.get(0)
    if name in ("append", "add", "appendleft") and first is not None:
        append(run, owner, first)
    elif name in ("extend", "update") and first is not None:
        extend(run, owner, first)
    elif name == "insert" and len(args.positional) == 2:
        items = owner.slots.get("#items", ())
        if type(args.positional[0]) is Const and args.positional[0].value == 0:
            run.memory.write(owner.slots, "#items", (args.positional[1], *items))
        else:
            append(run, owner, args.positional[1])
    elif name == "pop":
        return item(run, owner, first if first is not None else Const(-1), node)
    elif name == "clear":
        run.memory.write(owner.slots, "#items", ())
    elif name == "copy":
        return make_list(run, list(owner.slots.get("#items", ())), owner.slots.get("#rest"), node)
    else:
        return UNKNOWN
    return NONE


def dict_method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    first = args.get(0)
    if name in ("get", "pop", "setdefault"):
        if type(first) is Const:
            found = run.memory.read(owner.slots, storing.dict_key(first))
            if found is not MISSING:
                return found  # type: ignore[no-any-return]
            default = args.get(1, "default")
            run.memory.read(owner.slots, "#rest")
            if "#rest" in owner.slots and not owner.slots.get("#closed"):
                return choose([owner.slots["#rest"], *([default] if default is not None else [])])
            if name == "setdefault" and default is not None:
                run.memory.write(owner.slots, storing.dict_key(first), default)
            return default if default is not None else NONE
        values = dict_values(owner)
        run.memory.read_all(owner.slots)
        return choose(values) if values else UNKNOWN
    values = dict_values(owner)
    run.memory.read_all(owner.slots)
    is_open = "#rest" in owner.slots and not owner.slots.get("#closed")
    if name == "values":
        known = values[:-1] if is_open else values
        return Tuple(tuple(known), values[-1] if is_open else None)
    if name == "keys":
        return Tuple(tuple(dict_keys(owner)), UNKNOWN if is_open else None)
    if name == "items":
        pairs = [Tuple((key, owner.slots[storing.dict_key(key)])) for key in dict_keys(owner) if isinstance(key, Const)]
        return Tuple(tuple(pairs), Tuple((UNKNOWN, values[-1])) if is_open else None)
    if name in ("update", "__init__"):
        if first is not None:
            update(run, owner, first)
        for key, value in args.keywords.items():
            run.memory.write(owner.slots, key, value)
        return NONE
    if name == "__getitem__" and first is not None:
        return item(run, owner, first, node)
    if name == "__setitem__" and len(args.positional) == 2:
        storing.set_item(run, owner, args.positional[0], args.positional[1], node)
        return NONE
    if name == "copy":
        made = run.allocate(Lib("dict"), None)
        made.slots.update(owner.slots)
        return made
    return UNKNOWN
