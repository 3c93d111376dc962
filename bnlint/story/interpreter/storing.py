"""What is stored under a key or an index of a container."""

from __future__ import annotations

from typing import Any

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, inherited, lists, objects
from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import Cls, Const, Data, Func, Obj, Value, options

PAIRS = 32
OBJECTS = 512
"""how many entries of a dict are known by a key that is no constant (`feed_dict`), by one that is an object (a module)"""


def unsettle(run: Run, owner: Obj) -> None:
    """Something unknown may have replaced any item or attribute, at any depth: what is known of them was a default only."""
    waiting, seen = [owner], {id(owner)}
    while waiting:
        slots = waiting.pop().slots
        for key, value in list(slots.items()):
            if isinstance(key, str) and key.startswith("#"):
                continue
            if type(value) is Const and not value.assumed:
                run.memory.write(slots, key, Const(value.value, assumed=True))
            elif isinstance(value, Obj) and value.lib == owner.lib and id(value) not in seen:
                seen.add(id(value))
                waiting.append(value)


def set_item(run: Run, owner: Value, index: Value, value: Value, node: ir.Expr) -> None:
    """`owner[index] = value`"""
    for option in options(owner):
        if isinstance(option, Obj) and option.lib == "dict":
            if type(index) is Const:
                run.memory.write(option.slots, dict_key(index), value)
            else:
                set_pair(run, option, index, value)
        elif isinstance(option, Obj) and option.lib == "list":
            lists.set_element(run, option, index, value)
        elif isinstance(option, Obj) and "#mode" in option.slots and ("#items" in option.slots or type(index) is Const):
            if "#items" in option.slots:
                lists.set_element(run, option, index, value)
            elif type(index) is Const and isinstance(index.value, str):
                run.memory.write(option.slots, index.value, value)
        elif type(option) is Data:
            run.hooks.stored(run, option, value, node)
        elif isinstance(option, Obj) and isinstance(option.cls, Cls):
            own = objects.find(run, option.cls.order, "__setitem__")
            if isinstance(own, Func):
                calls.call_function(run, own, Args((option, index, value)), node)
            else:
                held = inherited.container(run, option)
                if held is not option:
                    set_item(run, held, index, value, node)


def set_pair(run: Run, owner: Obj, index: Value, value: Value) -> None:
    """An entry under a key that is no constant."""
    before, pairs = owner.slots.get("#rest"), owner.slots.get("#pairs", ())
    exact = before is None or owner.slots.get("#paired") is before
    if isinstance(index, Obj):
        pairs = tuple(pair for pair in pairs if pair[0] is not index)
    rest = value if before is None else choose([before, value])
    run.memory.write(owner.slots, "#rest", rest)
    if len(pairs) < (OBJECTS if isinstance(index, Obj) else PAIRS):
        run.memory.write(owner.slots, "#pairs", (*pairs, (index, value)))
        if exact and isinstance(index, Obj):
            run.memory.write(owner.slots, "#paired", rest)


def pairs(run: Run, owner: Obj) -> tuple[tuple[Value, Value], ...] | None:
    """The entries under keys that are objects, where these are all that are no constants; else None."""
    rest = run.memory.read(owner.slots, "#rest")
    if rest is MISSING or run.memory.read(owner.slots, "#paired") is not rest:
        return None
    found: tuple[tuple[Value, Value], ...] = run.memory.read(owner.slots, "#pairs")
    return found


def dict_key(index: Const) -> Any:
    """Keys of known dicts: the constant, text beginning with `#` kept apart from the bookkeeping."""
    value = index.value
    return "\\" + value if isinstance(value, str) and value.startswith("#") else value

