"""Which modules lie inside a module, whatever the framework, and copies of such trees.

Only the shape: what a mode or a forward means stands in the frameworks' rooms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.values import Choice, Data, Obj, Slots, Tuple, Value, options

SEVERAL = "#several"
"""slot of a module that stands for any number of them: what a loop over a list of unknown length meets in each turn"""
WALK_LIMIT = 4000
"""modules looked at in one walk"""


def children(obj: Obj) -> Iterator[Obj]:
    """The registered sub-modules of a module."""
    for key, value in list(obj.slots.items()):
        if isinstance(key, str) and key.startswith("#") and key not in ("#items", "#rest"):
            continue
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, (Obj, Choice)):
                for option in options(part):
                    if isinstance(option, Obj) and "#mode" in option.slots:
                        yield option


def descendants(obj: Obj) -> list[Obj]:
    """A module and everything registered below it, each once."""
    found: dict[int, Obj] = {}
    stack = [obj]
    while stack and len(found) < WALK_LIMIT:
        current = stack.pop()
        if id(current) not in found:
            found[id(current)] = current
            stack.extend(reversed(list(children(current))))
    return list(found.values())


def stands_for_several(run: Run, value: Value) -> None:
    """Note of the modules that a value may be, and of those inside, that they stand for any number of modules."""
    for option in options(value):
        if isinstance(option, Obj) and "#mode" in option.slots and SEVERAL not in option.slots:
            for part in descendants(option):
                run.memory.write(part.slots, SEVERAL, True)


def clone(run: Run, value: Value, seen: dict[int, Obj] | None = None) -> Value:
    """`copy.deepcopy`: new objects with the same modes and nested copies."""
    seen = {} if seen is None else seen
    if isinstance(value, Choice):
        return choose([clone(run, option, seen) for option in value.options])
    if isinstance(value, Tuple):
        return Tuple(tuple(clone(run, item, seen) for item in value.items), value.rest)
    if not isinstance(value, Obj):
        return value
    if id(value) in seen:
        return seen[id(value)]
    run.serial += 1
    run.loud += 1
    run.memory.work += len(value.slots)
    made = seen[id(value)] = Obj(value.cls, value.site, Slots(run.serial), run.serial)
    if len(seen) > WALK_LIMIT:
        return value
    for key, part in list(value.slots.items()):
        if key in ("#items",) and isinstance(part, tuple):
            made.slots[key] = tuple(clone(run, item, seen) for item in part)
        elif isinstance(part, (Obj, Choice)) and key != "#part_of":
            made.slots[key] = clone(run, part, seen)
        elif type(part) is Data and part.kind == "state":  # no longer a tensor of the module it came from
            made.slots[key] = replace(part, kind="snapshot")
        else:
            made.slots[key] = seen.get(id(part), part)
    if "#mode" in made.slots:
        made.slots["#copied"] = True
    return made
