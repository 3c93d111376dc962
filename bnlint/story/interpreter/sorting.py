"""Lists of networks that are sorted: by keys that are known, else into an order that is not.

A loop goes through every element whatever the order, and takes them as they were written. One that is asked for by its place
may be each of them, and what is done to it is done to one of them only (`Choice.weak`).

Fact: Python 3.13, "Sorting Techniques" (sorts are stable, with `reverse` as well).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls
from bnlint.story.joining import choose
from bnlint.story.values import UNKNOWN, Choice, Const, Obj, Value, options

if TYPE_CHECKING:
    from bnlint.story.machine import Run

UNORDERED = "#unordered"
"""slot of a list of networks: nobody knows which comes first"""
MOST = 6
"""networks whose keys are asked for: more are not kept apart (see `choose`)"""


def sort(run: Run, owner: Obj, args: Args, node: ir.Call) -> None:
    """Sort a list, as `list.sort(key=..., reverse=...)` does; only those of networks are told apart."""
    items: tuple[Value, ...] = owner.slots.get("#items", ())
    if not any(calls.is_network(option) for item in items for option in options(item)):
        return
    places = order(run, items, args, node) if "#rest" not in owner.slots else None
    run.memory.write(owner.slots, "#items", tuple(items[place] for place in places or range(len(items))))
    if places is None:
        run.memory.write(owner.slots, UNORDERED, True)


def order(run: Run, items: tuple[Value, ...], args: Args, node: ir.Call) -> list[int] | None:
    """The places of elements in the order of their keys; None where that is not known."""
    key, down = args.get(None, "key"), args.get(None, "reverse") or Const(False)
    if key is None or type(down) is not Const or down.assumed or len(items) > MOST:
        return None
    keys: list[Any] = []
    for item in items:
        found = calls.call(run, key, Args((item,)), node)
        if type(found) is not Const or found.assumed:
            return None
        keys.append(found.value)
    try:
        return sorted(range(len(items)), key=keys.__getitem__, reverse=bool(down.value))
    except TypeError:
        return None


def any_of(owner: Obj) -> Value:
    """An element of a list in an order that is not known, by a place."""
    found = choose([*owner.slots.get("#items", ()), *([owner.slots["#rest"]] if "#rest" in owner.slots else [])] or [UNKNOWN])
    return replace(found, weak=True) if isinstance(found, Choice) else found
