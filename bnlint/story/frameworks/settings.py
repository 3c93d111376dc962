"""Settings that a program writes down as objects: fields of dataclasses, dictionaries that are read by attribute.

What stands in a file (YAML, JSON) is unknown; what stands in the program is known as it stands there.
Sources: Python 3.14, "dataclasses.field"; omegaconf 2.3, "OmegaConf.create", "OmegaConf.structured"; easydict 1.13, munch 4.0,
addict 2.4, ml_collections 1.0 ("ConfigDict").
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, iteration, storing
from bnlint.story.machine import Run
from bnlint.story.values import NONE, UNKNOWN, Cls, Const, Func, Lib, Obj, Value

NAMESPACE = "types.SimpleNamespace"
PLAIN = frozenset({NAMESPACE, "argparse.Namespace"})
"""namespaces that take keywords only"""
BY_ATTRIBUTE = frozenset({
    "easydict.EasyDict", "omegaconf.OmegaConf.create", "munch.Munch", "munch.DefaultMunch", "munch.munchify", "addict.Dict",
    "ml_collections.ConfigDict", "ml_collections.config_dict.ConfigDict",
})  # fmt: skip
"""what makes of a dictionary one that is read by attribute, at every depth"""
STRUCTURED = "omegaconf.OmegaConf.structured"
BY_KEY = "update"
UPDATES = frozenset({BY_KEY, "merge_with", "merge_from_file", "merge_from_list", "merge_from_dict", "merge_from_other_cfg"})
"""methods that replace some of what is set; merging goes into depth"""
DEPTH = 6


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A settings object, or the default of a field; None for any other function."""
    if name == "dataclasses.field":
        return field(run, args, node)
    if name in PLAIN or name in BY_ATTRIBUTE:
        made = run.allocate(Lib(NAMESPACE), node)
        first = args.get(0) if name in BY_ATTRIBUTE else None
        if isinstance(first, Obj) and first.lib == "dict":
            entries(run, made, first, node, DEPTH)
        made.slots.update(args.keywords)
        return made
    if name == STRUCTURED:
        first = args.get(0)
        return calls.call(run, first, Args(), node) if isinstance(first, Cls) else first
    return None


def field(run: Run, args: Args, node: ir.Call) -> Value:
    """`field(default=2)`, `field(default_factory=Data)`: what an instance holds that is not told otherwise."""
    default, factory = args.get(None, "default"), args.get(None, "default_factory")
    if default is not None:
        return default
    if not isinstance(factory, (Cls, Func)):
        return UNKNOWN
    made = calls.call(run, factory, Args(), node)
    # one object stands for those of all instances: a list would gather what each of them adds
    return made if isinstance(made, Const) or (isinstance(made, Obj) and isinstance(made.cls, Cls)) else UNKNOWN


def entries(run: Run, made: Obj, given: Obj, node: ir.Call, depth: int) -> None:
    """Give a namespace what a dictionary holds, and make namespaces of the dictionaries in it."""
    for key, value in given.slots.items():
        if str(key).startswith("#"):
            continue
        if depth and isinstance(value, Obj) and value.lib == "dict":
            inner = run.allocate(Lib(NAMESPACE), node)
            entries(run, inner, value, node, depth - 1)
            made.slots[key] = inner
        else:
            made.slots[key] = value


def method(run: Run, owner: Obj, name: str, args: Args) -> Value | None:
    """`settings.update(more)`, `settings.merge_from_file(path)`"""
    if owner.lib != NAMESPACE or name not in UPDATES:
        return None
    first = args.get(0)
    if first is not None and name == BY_KEY:
        iteration.update(run, owner, first)
    elif first is not None:
        storing.unsettle(run, owner)
    for key, value in args.keywords.items():
        run.memory.write(owner.slots, key, value)
    return NONE


def item(run: Run, owner: Obj, key: str) -> Value | None:
    """`settings["train"]` is `settings.train`."""
    return run.memory.read(owner.slots, key) if owner.lib == NAMESPACE and key in owner.slots else None
