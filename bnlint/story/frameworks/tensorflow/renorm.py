"""Batch renorm in TensorFlow and Keras: which layers use it, and what limits their corrections.

Facts: TensorFlow 1.15, Keras 2.15 and 3.15 (`renorm=False`, `renorm_clipping=None` by default: no limits).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Renorm
from bnlint.story.machine import Run
from bnlint.story.values import Const, Obj, Value

FLAGS = ("training", "is_training", "trainable")


def noted(run: Run, norm: Obj, arguments: dict[str, tuple[Value, ir.Expr]], node: ir.Call) -> None:
    """Write down a batch norm that was told to use batch renorm."""
    given = arguments.get("renorm")
    if given is None or type(given[0]) is not Const or given[0].value is not True:
        return
    inference = any(constant_false(arguments[flag][0]) for flag in FLAGS if flag in arguments)
    clipping = arguments["renorm_clipping"][0] if "renorm_clipping" in arguments else Const(None)
    run.emit(Renorm, node, norm=norm, limits=limits(clipping), inference=inference, elsewhere=given[1] is node)


def constant_false(value: Value) -> bool:
    return type(value) is Const and value.value is False and not value.assumed


def limits(clipping: Value) -> dict[str, Value] | None:
    """The entries of `renorm_clipping`; None where they are not known."""
    if type(clipping) is Const and clipping.value is None:
        return {}
    if not (isinstance(clipping, Obj) and clipping.lib == "dict") or clipping.slots.get("#open") or "#rest" in clipping.slots:
        return None
    return {str(name): value for name, value in clipping.slots.items() if not str(name).startswith("#")} or None
