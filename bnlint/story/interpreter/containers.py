"""The methods of Python's own containers and strings."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import inherited, iteration, lists, sorting, storing, strings
from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import NONE, UNKNOWN, Const, Lib, Obj, Tuple, Value


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
        lists.append(run, owner, first)
    elif name in ("extend", "update") and first is not None:
        lists.extend(run, owner, first)
    elif name == "insert" and len(args.positional) == 2:
        items = owner.slots.get("#items", ())
        if type(args.positional[0]) is Const and args.positional[0].value == 0:
            run.memory.write(owner.slots, "#items", (args.positional[1], *items))
        else:
            lists.append(run, owner, args.positional[1])
    elif name == "pop":
        return iteration.item(run, owner, first if first is not None else Const(-1), node)
    elif name == "sort" and isinstance(owner, Obj):
        sorting.sort(run, owner, args, node)
    elif name == "reverse" and "#rest" not in owner.slots:
        run.memory.write(owner.slots, "#items", owner.slots.get("#items", ())[::-1])
    elif name == "clear":
        run.memory.write(owner.slots, "#items", ())
    elif name == "copy":
        return lists.make_list(run, list(owner.slots.get("#items", ())), owner.slots.get("#rest"), node)
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
        values = iteration.dict_values(owner)
        run.memory.read_all(owner.slots)
        return choose(values) if values else UNKNOWN
    values = iteration.dict_values(owner)
    run.memory.read_all(owner.slots)
    is_open = "#rest" in owner.slots and not owner.slots.get("#closed")
    if name == "values":
        known = values[:-1] if is_open else values
        return Tuple(tuple(known), values[-1] if is_open else None)
    if name == "keys":
        return Tuple(tuple(iteration.dict_keys(owner)), UNKNOWN if is_open else None)
    if name == "items":
        pairs = [Tuple((key, owner.slots[storing.dict_key(key)])) for key in iteration.dict_keys(owner) if isinstance(key, Const)]
        paired = storing.pairs(run, owner)
        if paired is not None:
            return Tuple((*pairs, *(Tuple(pair) for pair in paired)))
        return Tuple(tuple(pairs), Tuple((UNKNOWN, values[-1])) if is_open else None)
    if name in ("update", "__init__"):
        if first is not None:
            iteration.update(run, owner, first)
        for key, value in args.keywords.items():
            run.memory.write(owner.slots, key, value)
        return NONE
    if name == "__getitem__" and first is not None:
        return iteration.item(run, owner, first, node)
    if name == "__setitem__" and len(args.positional) == 2:
        storing.set_item(run, owner, args.positional[0], args.positional[1], node)
        return NONE
    if name == "copy":
        made = run.allocate(Lib("dict"), None)
        made.slots.update(owner.slots)
        return made
    return UNKNOWN
