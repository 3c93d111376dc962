"""What stands before a batch norm in Keras, and whether one batch norm stands at two positions.

Facts: Keras 2.15 and 3.15 (a layer may be called any number of times; each call of a batch norm updates its one pair of
averages; `Dropout(rate)`).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Chained, Shared
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import biases
from bnlint.story.frameworks.torch import repeated
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Data, Func, Obj, Shape, Value, truth

APPLIED = "#applied"
"""slot of a batch norm: where it was applied to symbolic tensors, and which layers gave them"""
DROPOUTS = ("Dropout", "AlphaDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
PASSING = ("Flatten", "Reshape", "Permute", "ZeroPadding", "Cropping", "UpSampling", "AveragePooling", "MaxPool")
"""layers after which values still have the variance that a dropout before them gave them"""
TAIL = "#last"
"""slot of a Sequential model: the layer that stands last"""


def settle(run: Run, made: Obj, last: str, args: Args) -> None:
    """Keep the rate of a dropout, and whether a layer adds a bias."""
    biases.built(run, made, last, args)
    if last in DROPOUTS:
        made.slots["#rate"] = args.get(0, "rate") or UNKNOWN


def maker(value: Value | None) -> Obj | None:
    """The layer that gave a tensor."""
    return value.shape.made if type(value) is Data and value.shape is not None else None


def behind(layer: Obj, before: Obj | None) -> Obj:
    """Which layer counts as the one that gave what comes out of `layer`."""
    last = layer.lib.rpartition(".")[2]
    return before if before is not None and last.startswith(PASSING) and before.lib.endswith(DROPOUTS) else layer


def shows(norm: Obj, before: Obj) -> bool:
    """Whether it matters that a batch norm comes after this layer."""
    given = norm.slots.get("trainable")
    return (given is None or truth(given) is not False) and (before.lib.endswith(DROPOUTS) or biases.BIAS in before.slots)


def given(result: Data, layer: Obj, first: Value | None) -> Data:
    """What comes out of a layer is known to come from it."""
    return replace(result, shape=Shape(None, None, None, behind(layer, maker(first))))


def applied(run: Run, norm: Obj, first: Value | None, node: ir.Expr) -> None:
    """A batch norm is built into a functional model."""
    before = maker(first)
    if before is not None and shows(norm, before):
        run.emit(Chained, node, norm=norm, shape=Shape(None, None, None, before))
    earlier = norm.slots.get(APPLIED)
    if earlier is None:
        run.memory.write(norm.slots, APPLIED, (run.place(node), before))
    elif before is not None and earlier[1] is not None and earlier[1] is not before:
        run.emit(Shared, node, norm=norm, owner=norm, how="calls", first=earlier[0])


def appended(run: Run, model: Obj, layer: Obj, norm: bool, node: ir.Expr) -> None:
    """A layer was put at the end of a Sequential model."""
    before: Obj | None = model.slots.get(TAIL)
    if norm:
        if before is not None and shows(layer, before):
            run.emit(Chained, node, norm=layer, shape=Shape(None, None, None, before))
        if any(item is layer for item in model.slots.get("#items", ())) and layer.site is not None:
            run.emit(Shared, node, norm=layer, owner=model, how="positions", first=layer.site)
    run.memory.write(model.slots, TAIL, behind(layer, before))


def called(run: Run, owner: Obj, own: Func, norms: list[tuple[str, Obj]]) -> None:
    """The batch norms that the `call` of a project's layer or model calls twice on one path."""
    if norms:
        repeated.called(run, owner, own, norms)
