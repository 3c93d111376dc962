"""Gradients with respect to inputs that become part of a loss, and gradients of single examples.

A gradient is followed by a token of the kind "penalty"; where it belongs to a loss whose own gradient is taken, it is a
penalty. A gradient that is only fetched, or cut off from the loss (`stop_gradient`, `sign`), is none.

Facts: TensorFlow 1.15 (`tf.gradients`), TensorFlow 2 (`GradientTape.gradient` inside another tape); TensorFlow Privacy 0.9
(its optimisers clip the gradient of each microbatch; batch norm in the model is neither refused nor replaced).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Penalised, PerSample
from bnlint.story.frameworks.tensorflow.graph import collect
from bnlint.story.machine import Run
from bnlint.story.values import Data, Obj, Token, Value

PENALTY = "penalty"
PRIVATE = "tensorflow_privacy"


def taken(run: Run, target: Value, sources: Value | None, gradient: Data, how: str, node: ir.Expr) -> Data:
    """The gradient of a target with respect to sources: what it needs, its own gradient needs as well."""
    wanted = collect(sources)[0] if sources is not None else frozenset()
    if not wanted or any(token.kind in ("variable", "parameters") for token in wanted):
        return gradient
    made_of = {token.ref for token in wanted if token.kind == "forward"}
    through = {token.ref for token in collect(target)[1] if token.kind == "forward"}
    if not through - made_of:
        return gradient
    event = run.emit(Penalised, node, forwards=frozenset(through - made_of), how=how, trained=False)
    token = frozenset({Token(PENALTY, event)})
    needed = frozenset(each for each in collect(target)[1] if each.kind in ("forward", "norm")) | token
    return replace(gradient, flow=gradient.flow | needed, grad=gradient.grad | needed)


def trained(grad: frozenset[Token]) -> None:
    """The gradient of a loss is taken: what penalties belong to it are trained with."""
    for token in grad:
        if token.kind == PENALTY:
            token.ref.trained = True


def private(optimizer: Value | None) -> str:
    """The name of an optimiser that clips the gradient of each example, "" for any other."""
    if isinstance(optimizer, Obj) and optimizer.lib.startswith(PRIVATE):
        return optimizer.lib.rpartition(".")[2]
    return ""


def unprotected(run: Run, net: Obj, norms: list[Obj], optimizer: Value | None, node: ir.Expr) -> None:
    """A network is trained by a private optimiser, which lets its batch norms mix the examples."""
    how = private(optimizer)
    if how and norms:
        run.emit(PerSample, node, net=net, refused=(), passed=tuple(norms), how=how)
