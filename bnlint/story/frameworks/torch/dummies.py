"""Forwards on made-up inputs that libraries run by themselves, and the shapes of tensors that are made up.

Facts: torchsummary 1.5 (`summary` runs the network as it is, on `torch.rand(2, *input_size)`).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events.dummies import Made
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import networks
from bnlint.story.interpreter import iteration
from bnlint.story.machine import Run
from bnlint.story.values import NONE, Const, Data, Obj, Token, Tuple, Value, options

SUMMARIES = frozenset({"torchsummary.summary", "torchsummary.torchsummary.summary"})


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """`torchsummary.summary(model, input_size)`"""
    if name not in SUMMARIES:
        return None
    run.serial += 1
    probe = Data(frozenset({Token("constant", Made(run.serial, "summary", (2, 1, 1, 1)))}), batch=2, kind="tensor")
    for option in options(args.get(0, "model") or NONE):
        if isinstance(option, Obj) and networks.is_module(option):
            networks.forward(run, option, Args((probe,)), node)
    return NONE


def sizes(run: Run, args: Args, node: ir.Call) -> tuple[int | None, ...]:
    """The axes that `zeros(n, c, h, w)` or `zeros((n, c, h, w))` is given."""
    given = list(args.positional) or [value for value in (args.get(None, "size"), args.get(None, "shape")) if value is not None]
    if len(given) == 1 and (isinstance(given[0], Tuple) or (isinstance(given[0], Obj) and given[0].lib == "list")):
        given, rest = iteration.elements(run, given[0], node)
        if rest is not None:
            return (*(number(value) for value in given), None)
    return tuple(number(value) for value in given)


def number(value: Value) -> int | None:
    return value.value if type(value) is Const and type(value.value) is int and not value.assumed else None
