"""Gradient tapes of eager TensorFlow: the forwards that a gradient reaches are training."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import penalties
from bnlint.story.frameworks.tensorflow.graph import collect
from bnlint.story.frameworks.torch.tensors import learn
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, NONE, Data, Lib, Obj, Value

TAPE = "tensorflow.GradientTape"


def tape(run: Run, node: ir.Call) -> Obj:
    return run.allocate(Lib(TAPE), node)


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    if name not in ("gradient", "jacobian", "batch_jacobian"):
        return NONE
    target = args.get(0, "target")
    if target is None:
        return Data()
    flow, grad = collect(target)
    penalties.trained(grad)
    learn(run, flow, grad, node)
    gradient = Data(flow, NO_TOKENS, kind="tensor")
    return penalties.taken(run, target, args.get(1, "sources"), gradient, "GradientTape.gradient", node)
