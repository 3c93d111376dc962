"""Networks written down as graphs: tracing, export, fusing. The mode they are in then is the mode they keep.

Facts, torch 2.13: `torch.jit.trace` and `torch.export.export` bake the mode in, `torch.jit.script` keeps the switch;
`torch.onnx.export` writes batch norm for inference whatever the mode, unless the exporter without dynamo (the default before
torch 2.9, release notes) is told `training=TRAINING` or `PRESERVE`; fusing, freezing and `prepare_fx` raise in train mode.
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story import versions
from bnlint.story.events import Exported, NormUse
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import networks
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Const, Lib, Obj, Value, options

BAKING = {
    "torch.jit.trace": ("func", False),
    "torch.jit.trace_module": ("mod", False),
    "torch.export.export": ("mod", False),
    "torch.jit.freeze": ("mod", True),
    "torch.quantization.fuse_modules": ("model", True),
    "torch.ao.quantization.fuse_modules": ("model", True),
    "torch.quantization.quantize_fx.prepare_fx": ("model", True),
    "torch.ao.quantization.quantize_fx.prepare_fx": ("model", True),
    "torch.quantization.quantize_fx.fuse_fx": ("model", True),
    "torch.ao.quantization.quantize_fx.fuse_fx": ("model", True),
}
"""functions that record the mode -> the name of their first parameter, and whether they refuse train mode"""
ONNX = "torch.onnx.export"
FIRST_WITH_DYNAMO = (2, 9, 0)
"""from here on `dynamo=True` is the default, and `training` is ignored"""
PRESERVING = ("TrainingMode.TRAINING", "TrainingMode.PRESERVE")


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """An export or a fusion; None for any other function."""
    known = BAKING.get(name)
    if known is not None:
        given = args.get(0, known[0]) or UNKNOWN
        noted(run, given, name.rpartition(".")[2] if "jit" not in name else name.removeprefix("torch."), known[1], node)
        if name.startswith("torch.jit.trace") and isinstance(given, Obj):
            traced = run.allocate(Lib("torch.jit.traced"), node)
            # a trace keeps its mode: eval() on it changes nothing
            traced.slots.update({"#mode": given.slots.get("#mode", networks.FRESH), "#norms": "no"})
            return traced
        return given
    if name == ONNX and keeps_mode(run, args):
        noted(run, args.get(0, "model") or UNKNOWN, "onnx.export", False, node)
    return None


def keeps_mode(run: Run, args: Args) -> bool:
    """Whether the exporter is told to write down the mode that the network is in, and is the one that listens."""
    training = args.get(None, "training")
    if not (isinstance(training, Lib) and training.name.endswith(PRESERVING)):
        return False
    dynamo = args.get(None, "dynamo")
    if dynamo is None and args.double_star is None:
        return versions.before(run, ("torch", "pytorch"), FIRST_WITH_DYNAMO) is True
    return isinstance(dynamo, Const) and dynamo.value is False


def noted(run: Run, given: Value, how: str, raises: bool, node: ir.Call) -> None:
    for net in options(given):
        if isinstance(net, Obj) and "#mode" in net.slots:
            norms = networks.norms_below(run, net)
            uses = tuple(NormUse(norm, run.memory.read(norm.slots, "#mode"), networks.sure(norm)) for norm in norms)
            if uses:
                run.emit(Exported, node, net=net, norms=uses, how=how, raises=raises)
