"""The parts of a module: what `modules()`, `children()` and their named forms give, also for networks of a library.

The layers of a library's network are not known one by one. All of its batch norms together are one object, which is found
wherever the layers are searched for batch norm; any other part is one object of unknown kind. What becomes of the norms
(their mode, whether they are frozen) is written to the former.

Facts: torch 2.13, "Module" (`modules` begins with the module itself; `named_modules` joins names by dots; `named_children`
gives the attribute names, and the positions in a container).
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.nesting import WALK_LIMIT, children, descendants
from bnlint.story.values import UNKNOWN, Const, Lib, Obj, Slots, Tuple, Value, options

NORMS = "<norms>"
"""the slot in which a library's network keeps the object that stands for all of its batch norms"""
LISTING = frozenset({"modules", "children", "named_modules", "named_children"})


def give_norms(run: Run, net: Obj) -> None:
    """A library's network that holds, or may hold, batch norm gets the object that stands for them."""
    if net.slots.get("#norms") not in ("yes", "maybe"):
        return
    deep = "3d" in net.lib.lower() or ".video" in net.lib
    run.serial += 1
    kind = f"torch.nn.BatchNorm{3 if deep else 2}d"
    made = Obj(Lib(kind), net.site, Slots(run.serial), run.serial)
    made.slots.update({"#mode": net.slots["#mode"], "#part_of": net})
    if net.slots.get("#contrary"):
        made.slots["#contrary"] = True
    net.slots[NORMS] = made


def note_weights(net: Obj, args: Args) -> None:
    """Whether a library's network comes with trained weights: `resnet18(weights="DEFAULT")`, `resnet18(True)`."""
    named = [value for key in ("weights", "pretrained") if (value := args.get(None, key)) is not None]
    asked = any(isinstance(value, Lib) or value == Const(True) or is_text(value) for value in named)
    if asked or args.get(0) == Const(True):
        net.slots["#pretrained"] = True


def is_text(value: Value) -> bool:
    return type(value) is Const and isinstance(value.value, str)


def inherit(run: Run, part: Obj, whole: Obj) -> None:
    """A part of a library's network that is looked at for the first time: its norms are as those of the whole."""
    give_norms(run, part)
    if whole.slots.get("#pretrained"):
        part.slots["#pretrained"] = True
    own, others = part.slots.get(NORMS), whole.slots.get(NORMS)
    if isinstance(own, Obj) and isinstance(others, Obj):
        for key in ("#mode", "#frozen", "#held"):
            if key in others.slots:
                own.slots[key] = others.slots[key]


def bearer(norm: Obj) -> Obj:
    """The object to which the state of a batch norm, or of all norms of a library's network, is written."""
    found = norm.slots.get(NORMS)
    return found if isinstance(found, Obj) else norm


def holder(bearer: Obj) -> Obj:
    """The batch norm, or the library's network, whose state is written to this object."""
    whole = bearer.slots.get("#part_of")
    return whole if isinstance(whole, Obj) and whole.slots.get(NORMS) is bearer else bearer


def listed(run: Run, obj: Obj, name: str) -> Value:
    """What one of the methods of `LISTING` gives."""
    whole = name.endswith("modules")
    if NORMS in obj.slots:
        inside = run.allocate(Lib(f"{obj.lib}.{name.removeprefix('named_')}"), None)
        inside.slots.update({"#mode": obj.slots["#mode"], "#norms": obj.slots["#norms"], "#part_of": obj})
        inherit(run, inside, obj)
        known = descendants(obj) if whole else []
        if name.startswith("named_"):
            return Tuple(tuple(Tuple((UNKNOWN, part)) for part in known), Tuple((UNKNOWN, inside)))
        return Tuple(tuple(known), inside)
    if name == "children":
        return Tuple(tuple(children(obj)))
    if name == "modules":
        return Tuple(tuple(descendants(obj)))
    pairs = named(obj) if whole else named_children(obj)
    return Tuple(tuple(Tuple((Const(key) if key is not None else UNKNOWN, part)) for key, part in pairs))


def named_children(obj: Obj) -> Iterator[tuple[str | None, Obj]]:
    """The registered parts of a module with their names; None for a name that is not known."""
    for key, value in list(obj.slots.items()):
        if not isinstance(key, str) or (key.startswith("#") and key not in ("#items", "#rest")):
            continue
        for place, part in enumerate(value if isinstance(value, tuple) else (value,)):
            names = obj.slots.get("#names", ()) if key == "#items" else ()
            if place < len(names):
                name = names[place]
            else:
                name = str(place) if key == "#items" else None if key == "#rest" or key.startswith("<") else key
            for option in options(part) if not isinstance(part, (tuple, str)) else ():
                if isinstance(option, Obj) and "#mode" in option.slots:
                    yield name, option


def at_path(obj: Obj, path: str) -> Obj | None:
    """`module.get_submodule("layer1.0.bn")`; None where it is not known."""
    found: Obj | None = obj
    for name in path.split(".") if path else ():
        found = next((part for key, part in named_children(found) if key == name), None) if found is not None else None
    return found


def named(obj: Obj) -> list[tuple[str | None, Obj]]:
    """A module and everything below it, each once, with dotted names."""
    found: dict[int, tuple[str | None, Obj]] = {}
    stack: list[tuple[str | None, Obj]] = [("", obj)]
    while stack and len(found) < WALK_LIMIT:
        name, current = stack.pop()
        if id(current) in found:
            continue
        found[id(current)] = (name, current)
        below = [
            (None if key is None or name is None else f"{name}.{key}" if name else key, part)
            for key, part in named_children(current)
        ]
        stack.extend(reversed(below))
    return list(found.values())
