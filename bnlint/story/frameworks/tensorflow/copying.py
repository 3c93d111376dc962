"""Variables of one network in a TensorFlow graph that are assigned those of another: target networks.

A layer stands for itself: what is copied is told batch norm by batch norm. Facts: TensorFlow 1.15, "tf.assign" and
`Variable.assign` (an op that writes one variable); "tf.trainable_variables" lacks the moving averages.
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Copied, GraphNorm, Holder
from bnlint.story.events.state import What
from bnlint.story.frameworks.tensorflow.graph import collect
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Obj, Token, Value

MIXED = "mixed"
"""kind of token of a variable that a sum or product was made from"""
ARITHMETIC = frozenset({"add", "add_n", "subtract", "multiply", "scalar_mul", "math.add", "math.subtract", "math.multiply"})
READING = frozenset({"value", "read_value", "initialized_value"})
MANY = 600
"""variables that a formula may be made from; by an unknown index any of a list is meant"""


def remembered(values: list[Value], made: Data) -> Data:
    """The result of an arithmetic operation, with the variables that it was made from."""
    tokens = {Token(MIXED, variable) for value in values for variable in variables(value)}
    return replace(made, flow=made.flow | tokens) if 0 < len(tokens) <= MANY else made


def variables(value: Value | None) -> list[Obj]:
    """The variables that a value is or was made from."""
    if value is None or type(value) is Const:
        return []
    return [token.ref for token in collect(value)[0] if token.kind in ("variable", MIXED)]


def assigned(run: Run, target: Value | None, value: Value | None, node: ir.Call) -> None:
    """Variables are assigned values: an event for each batch norm that gets those of others."""
    written, given = variables(target), variables(value)
    if not 0 < len(given) <= MANY or not written:
        return
    own = {norm.name for norm in layers(written)}
    sources = [norm for norm in layers(given) if norm.name not in own][:1]
    if not sources:
        return
    for made in sorted(written, key=lambda made: made.serial):
        norm = made.slots.get("#norm")
        if isinstance(norm, GraphNorm):
            what: What = "buffers" if made.slots.get("#average") else "parameters"
            known = tuple(map(of_layer, sources))
            run.emit(Copied, node, target=of_layer(norm), sources=known, what=what, how="assign")


def layers(given: list[Obj]) -> list[GraphNorm]:
    """The batch norms that variables belong to, in the order of the graph."""
    norms = {id(norm): norm for made in given if isinstance(norm := made.slots.get("#norm"), GraphNorm)}
    return sorted(norms.values(), key=lambda norm: norm.number)


def of_layer(norm: GraphNorm) -> Holder:
    """A batch norm of a graph, known by the scope of its network."""
    return Holder(norm.norm, (norm.norm,), "?" not in norm.name, frozenset({norm.name.partition("/")[0]} - {"?"}))
