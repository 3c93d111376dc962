"""Names of parameters: which path a batch norm has within a network, and what a text says about it.

Facts: torch 2.13, "Module.named_parameters" (the attributes on the way to a parameter, joined by dots).
"""

from __future__ import annotations

from bnlint.story.frameworks.torch.known import PLAIN_PARTS
from bnlint.story.frameworks.torch.parts import NORMS
from bnlint.story.nesting import WALK_LIMIT
from bnlint.story.values import Obj, Value, options

NAME = "name of a parameter"
"""the first part of the symbol that stands for one"""


def paths(net: Obj) -> dict[int, str]:
    """The path of every module below a network; that of the norms of a library's network ends with `parts.NORMS`."""
    found: dict[int, str] = {}
    stack: list[tuple[str, Obj]] = [("", net)]
    while stack and len(found) < WALK_LIMIT:
        path, module = stack.pop()
        if id(module) in found:
            continue
        found[id(module)] = path
        inside: list[tuple[str, Value]] = [(str(n), item) for n, item in enumerate(module.slots.get("#items", ()))]
        inside += [(key, value) for key, value in module.slots.items() if isinstance(key, str) and key[:1] != "#"]
        for key, value in inside:
            for option in options(value):
                if isinstance(option, Obj) and "#mode" in option.slots:
                    stack.append((f"{path}.{key}" if path else key, option))
    return found


def fits(path: str, how: str, text: str) -> bool | None:
    """Whether the name of a parameter of the module at a path may contain, or begin with, a text; None if unknown."""
    head, _, last = path.rpartition(".")
    if last == NORMS or path == NORMS:
        if text in head or (how == "startswith" and head.startswith(text)):
            return True
        plain = PLAIN_PARTS.match(text.strip("."))
        return False if plain or (how == "startswith" and head and not text.startswith(head)) else None
    whole = (f"{path}.weight", f"{path}.bias")
    return any(name.startswith(text) if how == "startswith" else text in name for name in whole)
