"""Casts of modules to another floating-point type.

Facts: torch 2.13, "Module.half", "Module.to": all floating-point parameters and buffers are cast, running statistics
included; float16 ends at 65504.
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Cast
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import copying, networks
from bnlint.story.machine import Run
from bnlint.story.values import Lib, Obj, Value, options

HALF = frozenset({"torch.float16", "torch.half", "torch.HalfTensor", "torch.cuda.HalfTensor"})
WIDER = frozenset({
    "torch.float32", "torch.float", "torch.float64", "torch.double", "torch.bfloat16", "torch.FloatTensor",
    "torch.cuda.FloatTensor", "torch.DoubleTensor",
})  # fmt: skip
NAMED = {"half": True, "float": False, "double": False, "bfloat16": False}


def cast(run: Run, obj: Obj, name: str, args: Args, node: ir.Call) -> None:
    """Write down `module.half()`, `module.to(torch.float16)` and the casts that undo them."""
    if name in NAMED:
        tell(run, obj, NAMED[name], f"{name}()", node)
    elif name in ("to", "type"):
        for value in args.all():
            half = is_half(value)
            if half is not None:
                tell(run, obj, half, f"{name}({'torch.float16' if half else '...'})", node)


def is_half(value: Value) -> bool | None:
    """Whether a value is the type float16, or another one; None where it is none, or may be several."""
    kinds: set[bool | None] = set()
    for option in options(value):
        name = option.name if isinstance(option, Lib) else ""
        kinds.add(True if name in HALF else False if name in WIDER else None)
    return kinds.pop() if len(kinds) == 1 else None


def tell(run: Run, obj: Obj, half: bool, how: str, node: ir.Call) -> None:
    whole = obj.slots.get("#part_of")
    target = whole if isinstance(whole, Obj) and not half else obj
    if half or networks.norms_below(run, target):
        run.emit(Cast, node, net=copying.holder(run, target), half=half, how=how, contrary=bool(run.contrary))
