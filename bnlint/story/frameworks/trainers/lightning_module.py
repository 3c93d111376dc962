"""LightningModule and LightningDataModule: what they give to the project's classes, besides the hooks that a Trainer runs.

Facts: Lightning 2.5, "LightningModule" (`save_hyperparameters`, `load_from_checkpoint`, `freeze`, `optimizers`): a module
that was loaded is in train mode, and its constructor's arguments are those that were saved, before any default.
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import freezing
from bnlint.story.frameworks.trainers import stages
from bnlint.story.interpreter import definitions, objects
from bnlint.story.machine import Run
from bnlint.story.values import NONE, Cls, Const, Data, Func, Lib, Obj, Tuple, Value


def is_module(value: Value | None) -> bool:
    """Whether a value is an instance of a project's LightningModule."""
    return isinstance(value, Obj) and isinstance(value.cls, Cls) and "#mode" in value.slots and is_kind(value.cls, "Module")


def is_data(value: Value | None) -> bool:
    return isinstance(value, Obj) and isinstance(value.cls, Cls) and is_kind(value.cls, "DataModule")


def is_kind(cls: Cls, kind: str) -> bool:
    return any(isinstance(base, Lib) and base.name == f"lightning.Lightning{kind}" for base in cls.order)


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    """What LightningModule and LightningDataModule give to their instances."""
    if name == "save_hyperparameters":
        hyperparameters(run, owner, args)
        return NONE
    if "#mode" not in owner.slots:
        return None
    if name == "freeze":
        freezing.freeze(run, owner, Const(False), "freeze()", node)
        stages.switch(run, owner, "eval", node, "freeze()")
        return NONE
    if name == "unfreeze":
        freezing.freeze(run, owner, Const(True), "unfreeze()", node)
        stages.switch(run, owner, "train", node, "unfreeze()")
        return NONE
    if name == "optimizers":
        found: tuple[Value, ...] = owner.slots.get("#optimizers", ())
        return None if not found else found[0] if len(found) == 1 else Tuple(found)
    return None


def hyperparameters(run: Run, owner: Obj, args: Args) -> None:
    """`save_hyperparameters()` in a constructor: its arguments become `self.hparams`."""
    frame = run.frame
    if frame.func is None or frame.self_value is not owner:
        return
    made = run.allocate(Lib("types.SimpleNamespace"), None)
    for param in frame.func.node.params.items[1:]:
        value = frame.scope.table.get(param.name)
        if value is not None and param.kind in ("plain", "positional", "keyword"):
            made.slots[param.name] = value
    first = args.get(0)
    if isinstance(first, Obj) and first.lib == "argparse.Namespace":
        made = first
    run.memory.write(owner.slots, "hparams", made)


def from_checkpoint(run: Run, cls: Cls, args: Args, node: ir.Call) -> Value:
    """`Net.load_from_checkpoint(path, **kwargs)`: a module with trained weights, in train mode like any new one."""
    init = objects.find(run, cls.order, "__init__")
    given = dict(args.keywords)
    if isinstance(init, Func):  # what was saved with the weights stands before the defaults
        for param in init.node.params.items[1:]:
            if param.kind in ("plain", "keyword") and param.name not in given:
                run.serial += 1
                given[param.name] = Data(symbol=("parameter", id(init.node), param.name, run.serial), label=param.name)
        known = {param.name for param in init.node.params.items}
        if not any(param.kind == "double_star" for param in init.node.params.items):
            given = {name: value for name, value in given.items() if name in known}
    made = definitions.instantiate(run, cls, Args((), given), node)
    if isinstance(made, Obj):
        made.slots["#loaded"] = True
    return made
