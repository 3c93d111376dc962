"""Which functions matter to the story: on those that tell nothing only so many steps are spent.

Most of a program reads files, formats lines and keeps records. What a function tells is seen by running it: an event, something
kept for later (a network, a function, a tensor), or a change to what frameworks keep. Of one that has told nothing for a while
later calls are not followed, and give what they were given, as calls of unknown code do.
"""

from __future__ import annotations

import sys
from typing import Any

from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.values import Bound, Choice, Cls, Const, Data, Func, Lib, Obj, Slots, Tuple, Value

STEPS_IN_VAIN = 100
"""what an entry point spends on a function that tells nothing, with all that it calls"""
STEPS_AFTER = 1_000
"""and on one that did tell something, since it did"""
PLAIN = frozenset({"", "list", "dict", "set"})
"""kinds of objects that are no more than what they hold; "" are those of the project's own classes"""
OF_DATA = ("numpy.", "cv2.", "PIL.", "torchvision.datasets.", "torchvision.transforms.", "builtins.")
"""what libraries have for reading and changing examples"""
CONTENTS = frozenset({"#items", "#rest", "#open", "#pairs"})
"""slots of lists and dicts"""


def idle(run: Run, func: Func, args: Args) -> bool:
    """Whether a call need not be followed: enough was spent on the function, and it is given nothing that matters."""
    return run.in_vain.get(id(func.node), 0) > STEPS_IN_VAIN and not any(matters(value) for value in args.all())


def matters(value: Value) -> bool:
    """Whether a value is more than data and records."""
    if isinstance(value, (Const, Data)):
        return False
    if isinstance(value, Obj):
        return "#mode" in value.slots or (value.lib not in PLAIN and not value.lib.startswith(OF_DATA))
    if isinstance(value, Tuple):
        return any(map(matters, value.items)) or (value.rest is not None and matters(value.rest))
    if isinstance(value, Choice):
        return any(map(matters, value.options))
    if isinstance(value, Bound):
        return not isinstance(value.func, str) or matters(value.self)
    if isinstance(value, Lib):
        return value.name.partition(".")[0] not in sys.stdlib_module_names and not value.name.startswith(OF_DATA)
    return True


def note(run: Run, func: Func, args: Args, result: Value, began: tuple[int, int, int, int]) -> None:
    """Count what a call has cost in vain; `began` is what `now` gave before it."""
    steps, events, mark, serial = began
    told = len(run.story.events) != events or gives(result, args, serial) or keeps(run, mark, serial)
    key = id(func.node)
    run.in_vain[key] = STEPS_IN_VAIN - STEPS_AFTER if told else run.in_vain.get(key, 0) + run.steps - steps


def now(run: Run) -> tuple[int, int, int, int]:
    return run.steps, len(run.story.events), run.memory.mark(), run.serial


def gives(result: Value, args: Args, serial: int) -> bool:
    """Whether a call gave something that matters and that it was not given."""
    if type(result) is Data:
        if result.kind:
            return not any(result is value for value in args.all())
        return bool(result.flow) and not any(type(value) is Data and value.flow for value in args.all())
    return matters(result) or (isinstance(result, Obj) and (result.serial <= serial or isinstance(result.cls, Cls)))


def keeps(run: Run, mark: int, serial: int) -> bool:
    """Whether something that matters, or that frameworks know of, was left changed in what is older than the call."""
    trail = run.memory.trail
    run.memory.work += len(trail) - mark
    seen: set[tuple[int, Any]] = set()
    for place in range(mark, len(trail)):
        table, key, before = trail[place]
        if table is not run.state and (type(table) is not Slots or table.born > serial):
            continue
        if (id(table), key) in seen:
            continue
        seen.add((id(table), key))
        value: Any = table.get(key)
        if value is before or value == before:
            continue  # changed for a while only, as by `with torch.no_grad()`
        bookkeeping = type(key) is str and key[:1] == "#"
        if table is run.state or (bookkeeping and key not in CONTENTS):
            return True
        if any(map(lasts, value if key == "#items" else () if bookkeeping else (value,))):
            return True
    return False


def lasts(value: Any) -> bool:
    """Whether it matters that a value, or nothing, was kept: a tensor may be what the next layer is applied to, and an object
    of the project may hold a network.
    """
    if type(value) is Data:
        return bool(value.kind)
    if type(value) is Tuple:
        return any(map(lasts, value.items))
    if type(value) is Obj and value.lib in PLAIN:
        return isinstance(value.cls, Cls) or any(map(lasts, value.slots.get("#items", ())))
    return value is not None and matters(value)
