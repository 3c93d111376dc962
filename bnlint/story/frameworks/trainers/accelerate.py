"""Launchers that prepare a network for other devices and give it back: accelerate, Fabric, DeepSpeed.

They never switch modes: training and evaluation loops around them are judged like any other.

Facts: accelerate 1.x, "Accelerator" (`prepare` returns its arguments in their order, `unwrap_model` the network inside);
DeepSpeed, "initialize" (returns engine, optimiser, loader, scheduler; the engine is called like the network).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import accumulation, tensors
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Const, Lib, Obj, Tuple, Value

ACCUMULATING = "#accumulating"
"""slot of a launcher: how many batches it adds up for one step of the optimiser"""

PREPARING = frozenset({
    "prepare", "prepare_model", "prepare_data_loader", "prepare_optimizer", "prepare_scheduler", "unwrap_model", "gather",
    "gather_for_metrics", "reduce", "pad_across_processes", "skip_first_batches",
})  # fmt: skip


def handed_back(args: Args) -> Value:
    """What was given, in its order: one thing alone, several as a tuple."""
    given = (*args.positional, *args.keywords.values())
    if len(given) == 1 and args.star is None:
        return given[0]
    return Tuple(given, args.star) if given or args.star is not None else UNKNOWN


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    if name == "deepspeed.initialize":
        net = args.get(None, "model") or args.get(1, "model") or UNKNOWN
        optimizer = args.get(None, "optimizer") or args.get(2, "optimizer") or UNKNOWN
        return Tuple((net, optimizer, UNKNOWN, UNKNOWN))
    if name.startswith("accelerate.") and name.endswith("Accelerator"):
        made = run.allocate(Lib("accelerate.Accelerator"), node)
        made.slots[ACCUMULATING] = args.get(4, "gradient_accumulation_steps") or Const(1)
        return made
    return None


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    if name == "backward":
        result = tensors.backward(run, UNKNOWN, args, node)
        accumulation.counted(run, owner.slots.get(ACCUMULATING), node)
        return result
    if name == "unwrap_model":
        return args.get(0, "model")
    if name in PREPARING:
        return handed_back(Args(args.positional, {}, args.star))
    return None
