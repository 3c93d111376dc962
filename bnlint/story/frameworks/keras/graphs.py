"""Keras layers in a TensorFlow 1 graph: their updates belong to the layer and reach no collection.

Facts: TensorFlow 1.15 and tf_keras 2.15 in graph mode ("BatchNormalization": `layer.updates` holds two ops, UPDATE_OPS none;
`trainable = False` or `training=False` adds none).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Forward, GraphNorm
from bnlint.story.frameworks.tensorflow.graph import collect
from bnlint.story.frameworks.tensorflow.networks import BOTH
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Obj, Token, Tuple, Value

KEY = "layer.updates"
"""stands for the list that each layer keeps"""
GRAPH = frozenset({"placeholder", "norm", "variable", "read", "block"})


def in_graph(value: Value) -> bool:
    """Whether a layer is applied to something of a graph, not to a tensor of eager code."""
    return any(token.kind in GRAPH for token in collect(value)[0])


def noted(run: Run, event: Forward, result: Value, node: ir.Call) -> Value:
    """Write down the batch norms of a Keras call in a graph; what comes out went through them."""
    if not any(in_graph(value) for value in event.inputs):
        return result
    tokens: set[Token] = set()
    # nothing given is no constant here: the learning phase is a placeholder, and a feed decides
    event.norms = tuple(replace(use, modes=BOTH, by_default=False) if use.by_default else use for use in event.norms)
    for use in event.norms:
        modes = {mark.name for mark in use.modes}
        if not use.certain or modes == {"eval"}:
            continue
        flag: Value = Const(True) if modes == {"train"} else Data(kind="placeholder")
        made = run.emit(GraphNorm, node, norm=use.norm, name="?", path="?", key=KEY, maybe=False, flag=flag)
        run.memory.write(use.norm.slots, "#updates", (*use.norm.slots.get("#updates", ()), made.update))
        tokens.add(made.token)
    return through(result, frozenset(tokens)) if tokens else result


def through(value: Value, tokens: frozenset[Token]) -> Value:
    if type(value) is Data:
        return replace(value, flow=value.flow | tokens, grad=value.grad | tokens)
    if isinstance(value, Tuple):
        return Tuple(tuple(through(item, tokens) for item in value.items), value.rest)
    return value


def updates(parts: list[Obj]) -> Data:
    """What `layer.updates` or `model.updates` holds."""
    found = frozenset(token for part in parts for token in part.slots.get("#updates", ()))
    return Data(found, kind="updates")
