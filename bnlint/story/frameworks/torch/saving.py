"""What goes into files: which part of a module's state a checkpoint holds, and what optimisers are built over.

Facts: torch 2.13, "torch.save" (a module is saved with its buffers, a list of its parameters without them).
"""

from __future__ import annotations

from itertools import islice

from bnlint.program import model as ir
from bnlint.story.events import OptimizerBuilt, Saved
from bnlint.story.events.state import What
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import copying, kinds, networks
from bnlint.story.interpreter import iteration
from bnlint.story.machine import Run
from bnlint.story.values import Choice, Data, Obj, Tuple, Value, in_order

SAVING: dict[str, int] = {
    "torch.save": 0, "pickle.dump": 0, "dill.dump": 0, "joblib.dump": 0, "numpy.save": 1, "numpy.savez": 1,
    "numpy.savez_compressed": 1, "safetensors.torch.save_file": 0, "torch.distributed.checkpoint.save": 0,
}  # fmt: skip
"""function -> the position of the first argument that is saved"""
DEPTH = 4
WIDTH = 64


def saved(run: Run, name: str, args: Args, node: ir.Call) -> None:
    """Write down which networks' state a call puts into a file."""
    first = SAVING.get(name)
    if first is None:
        return
    given = [*args.positional[first : None if first else 1], *args.keywords.values(), *([args.star] if args.star else [])]
    kinds: dict[Obj, set[str]] = {}
    for value in given:
        collect(value, kinds, DEPTH)
    for net, held in kinds.items():
        what: What = "both" if len(held) > 1 or "state_dict" in held else "buffers" if "buffers" in held else "parameters"
        run.emit(Saved, node, net=copying.holder(run, net), what=what, how=name)


def collect(value: Value | None, kinds: dict[Obj, set[str]], depth: int) -> None:
    """The networks whose tensors lie in a value, and which of them."""
    if type(value) is Data:
        plain = value.kind in (copying.STATE, copying.SNAPSHOT) or value.kind in copying.ITERATED
        for token in in_order(value.flow):
            if token.kind in copying.TENSORS and (plain or token.kind != "parameters"):
                kinds.setdefault(token.ref, set()).add(token.kind)
    elif isinstance(value, Obj) and networks.is_module(value):
        kinds.setdefault(value, set()).add("state_dict")
    elif depth and isinstance(value, (Obj, Tuple, Choice)):
        for part in parts(value):
            collect(part, kinds, depth - 1)


def parts(value: Obj | Tuple | Choice) -> list[Value]:
    if isinstance(value, Choice):
        return list(value.options)
    if isinstance(value, Tuple):
        return [*value.items[:WIDTH], *([value.rest] if value.rest is not None else [])]
    if value.lib == "dict":
        return list(islice(iteration.dict_values(value), WIDTH))
    if value.lib in ("list", "set"):
        rest = value.slots.get("#rest")
        return [*value.slots.get("#items", ())[:WIDTH], *([rest] if rest is not None else [])]
    return []


def optimizer(run: Run, name: str, made: Obj, args: Args, node: ir.Call) -> None:
    """Write down an optimiser with the networks that it is given as a whole, and their weight decay."""
    given = args.get(0, "params")
    decay = args.get(None, "weight_decay")
    groups: list[tuple[Value | None, Value | None]] = [(given, decay)]
    if isinstance(given, Obj) and given.lib == "list":
        groups = []
        for group in islice(parts(given), WIDTH):
            if isinstance(group, Obj) and group.lib == "dict" and "params" in group.slots:
                groups.append((group.slots["params"], group.slots.get("weight_decay", decay)))
    kinds.grouped(run, groups, node)
    whole = []
    for params, own in groups:
        if type(params) is Data and params.kind == "parameters":
            for token in in_order(params.flow):
                if token.kind == "parameters":
                    whole.append((copying.holder(run, token.ref), own))
    run.emit(OptimizerBuilt, node, lib=name, optimizer=made, whole=tuple(whole))
