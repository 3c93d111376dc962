"""Classes derived from the library's batch norm that have a `forward` of their own: split, frozen, watched ones.

What such a norm does is read off its `forward`: it calls the library's (`super().forward`), or `functional.batch_norm`
with a flag, or other norms that it holds. Where it does neither, it is taken to be what its base is.

Facts: torch 2.13, `torch.nn.functional.batch_norm` (training=False by default).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Mode, NormUse
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import freezing
from bnlint.story.frameworks.torch.known import BATCH_NORMS
from bnlint.story.interpreter import calls, objects
from bnlint.story.machine import Run
from bnlint.story.values import Cls, Const, Func, Lib, Obj, Value, truth

FUNCTIONS = frozenset({"torch.nn.functional.batch_norm", "torch.batch_norm", "torch.functional.batch_norm"})
FIXED = {True: frozenset({Mode("train", -1)}), False: frozenset({Mode("eval", -1)})}


def own_forward(run: Run, obj: Obj) -> Func | None:
    """The `forward` that a class derived from a batch norm defines, unless it is being run already."""
    if not isinstance(obj.cls, Cls) or run.state.get("derived") is obj:
        return None
    if not any(isinstance(base, Lib) and base.name in BATCH_NORMS for base in obj.cls.order):
        return None
    own = objects.find(run, obj.cls.order, "forward")
    return own if isinstance(own, Func) else None


def forward(run: Run, obj: Obj, own: Func, args: Args, node: ir.Call) -> Value:
    """Run the `forward` of a derived norm, and note in which mode the norm itself works there."""
    outer = run.state.get("derived")
    run.memory.write(run.state, "derived", obj)
    met: dict[int, NormUse] = {}
    run.norms.append(met)
    try:
        result = calls.call_function(run, own, calls.with_self(obj, args), node)
    finally:
        run.norms.pop()
        run.memory.write(run.state, "derived", outer)
    if not met:
        met[id(obj)] = freezing.use(run, obj)
    if run.norms:
        run.norms[-1].update(met)
    return result


def function(run: Run, args: Args) -> None:
    """`functional.batch_norm` inside the `forward` of a derived norm: its flag says which statistics the norm uses."""
    obj = run.state.get("derived")
    if not isinstance(obj, Obj) or not run.norms:
        return
    flag = args.get(5, "training") or Const(False)
    fixed = truth(flag) if type(flag) is Const and flag.symbol is None else None
    use = freezing.use(run, obj)
    run.norms[-1][id(obj)] = replace(use, modes=FIXED[fixed]) if fixed is not None and args.star is None else use
