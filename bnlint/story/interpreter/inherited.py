"""Project classes that are dicts or lists themselves: registries, configurations with attributes.

What such an instance holds lies in a container of its own, beside its attributes.
"""

from __future__ import annotations

from bnlint.story.interpreter import objects
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import Cls, Lib, Obj, Value

CONTAINERS = {
    "builtins.dict": "dict", "collections.OrderedDict": "dict", "collections.UserDict": "dict", "collections.defaultdict": "dict",
    "builtins.list": "list", "collections.UserList": "list", "builtins.set": "set",
}  # fmt: skip
"""library class -> the container that it is"""


def container(run: Run, value: Value, own: str = "") -> Value:
    """What holds the elements: of an instance whose class derives from a container that container, else the value.

    own: a method that, defined by the project, decides instead.
    """
    if not isinstance(value, Obj) or not isinstance(value.cls, Cls):
        return value
    kind = next((CONTAINERS[base.name] for base in value.cls.order if isinstance(base, Lib) and base.name in CONTAINERS), None)
    if kind is None or (own and objects.find(run, value.cls.order, own) is not None):
        return value
    held = run.memory.read(value.slots, "#held")
    if held is MISSING:
        held = run.allocate(Lib(kind), None)
        run.memory.write(value.slots, "#held", held)
    return held  # type: ignore[no-any-return]
