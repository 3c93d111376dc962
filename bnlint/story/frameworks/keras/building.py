"""Keras layers and models as they are built: what is one, what holds a batch norm, what an input is.

Facts: Keras 2.15 and 3.15 ("keras.layers", "keras.applications", "keras.Input").
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Built, Recurring
from bnlint.story.framework import Args, library_base
from bnlint.story.frameworks.keras import formats, neighbours
from bnlint.story.frameworks.tensorflow import renorm
from bnlint.story.frameworks.tensorflow.graph import collect
from bnlint.story.frameworks.torch.families import holds_norm
from bnlint.story.frameworks.torch.tensors import size
from bnlint.story.interpreter import iteration, objects
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Cls, Const, Data, Lib, Obj, Tuple, Value

NORMS = frozenset({
    "keras.layers.BatchNormalization", "keras.layers.BatchNormalizationV1", "keras.layers.BatchNormalizationV2",
    "keras.layers.SyncBatchNormalization", "keras.layers.experimental.SyncBatchNormalization",
    "keras.layers.normalization.BatchNormalization",
})  # fmt: skip
SEQUENTIAL = frozenset({"keras.Sequential", "keras.models.Sequential"})
FUNCTIONAL = frozenset({"keras.Model", "keras.models.Model", "keras.Functional", "keras.training.Model"})
INPUTS = frozenset({
    "keras.Input", "keras.layers.Input", "keras.layers.InputLayer", "keras.engine.Input", "keras.topology.Input",
    "keras.input_layer.Input",
})  # fmt: skip
SYMBOLIC = "keras"
PRETRAINED = "#pretrained"


def is_keras(value: Value) -> bool:
    """Whether a value is a layer or model: of the library, or of a project class derived from one."""
    if not isinstance(value, Obj):
        return False
    if isinstance(value.cls, Cls):
        base = library_base(value.cls, ("keras",))
        return base is not None and (base.name in FUNCTIONAL | SEQUENTIAL or base.name.startswith("keras.layers."))
    return value.lib.startswith(("keras.layers.", "keras.applications.")) or value.lib in SEQUENTIAL | FUNCTIONAL


def is_norm(run: Run, obj: Obj) -> bool:
    names = run.project.options.batch_norm_classes
    if isinstance(obj.cls, Cls):
        return obj.cls.name in names or any(isinstance(base, Lib) and base.name in NORMS for base in obj.cls.order)
    return obj.lib in NORMS or obj.lib in names


# --- building --------------------------------------------------------------------------------


def build(run: Run, name: str, args: Args, node: ir.Call, default_format: Value | None = None) -> Value | None:
    """A layer, a model, or an input of the library; None if the name is none of them."""
    if name in INPUTS:
        return symbolic_input(run, name, args, node)
    if name in SEQUENTIAL:
        made = trainable(run, name, node)
        first = args.get(0, "layers")
        items, rest = iteration.elements(run, first, node) if isinstance(first, (Obj, Tuple)) else ([], None)
        if rest is not None:
            made.slots["#rest"] = rest
        for item in items:
            append(run, made, item, node)
        return made
    if name in FUNCTIONAL:
        made = trainable(run, name, node)
        outputs = args.get(1, "outputs") or UNKNOWN
        made.slots["#within"] = frozenset(token for token in collect(outputs)[0] if token.kind in ("layer", "fixed layer"))
        return made
    root, _, last = name.rpartition(".")
    if root.startswith("keras.layers") and last[:1].isupper():
        made = trainable(run, f"keras.layers.{last}" if f"keras.layers.{last}" in NORMS else name, node)
        given = args.get(None, "trainable")
        if given is not None:
            made.slots["trainable"] = given
        formats.settle(made, last, args, default_format)
        neighbours.settle(run, made, last, args)
        if made.lib in NORMS:
            told = given_arguments(args)
            run.emit(Built, node, lib=made.lib, obj=made, call=node, arguments=told, positional=len(args.nodes))
            renorm.noted(run, made, told, node)
        if last == "RNN":
            recurrent(run, args.get(0, "cell"), node)
        inner = args.get(0, "layer")
        if isinstance(inner, Obj) and is_keras(inner):
            made.slots["#items"] = (inner,)
        return made
    if root.startswith("keras.applications") and last[:1].isupper():
        made = trainable(run, name, node)
        made.slots["#norms"] = holds_norm(last)
        weights = args.get(1, "weights")
        made.slots[PRETRAINED] = not (type(weights) is Const and weights.value is None)
        return made
    return None


def trainable(run: Run, name: str, node: ir.Call) -> Obj:
    """A new layer or model: trainable, so that one that only some path freezes is known to be either afterwards."""
    made = run.allocate(Lib(name), node)
    made.slots["trainable"] = Const(True)
    return made


def append(run: Run, model: Obj, layer: Value, node: ir.Expr) -> None:
    """Put a layer at the end of a Sequential model."""
    if isinstance(layer, Obj):
        formats.appended(run, model, layer, node)
        neighbours.appended(run, model, layer, is_norm(run, layer), node)
    run.memory.write(model.slots, "#items", (*model.slots.get("#items", ()), layer))


def recurrent(run: Run, cell: Value | None, node: ir.Call) -> None:
    """`keras.layers.RNN(cell)` calls the cell at every step, and what the cell holds with it."""
    if isinstance(cell, Obj) and isinstance(cell.cls, Cls) and objects.find(run, cell.cls.order, "call") is not None:
        for part in cell.slots.values():
            if isinstance(part, Obj) and part.lib in NORMS:
                run.emit(Recurring, node, norm=part, loop=run.place(node))


def given_arguments(args: Args) -> dict[str, tuple[Value, ir.Expr]]:
    """The arguments of a batch norm by name: of the positional ones only the first is in common use, the axis."""
    found = {name: (value, args.keyword_nodes[name]) for name, value in args.keywords.items() if name in args.keyword_nodes}
    if args.positional and args.nodes:
        found["axis"] = (args.positional[0], args.nodes[0])
    return found


def symbolic_input(run: Run, name: str, args: Args, node: ir.Call) -> Value:
    if name.endswith("InputLayer"):
        return run.allocate(Lib(name), node)
    run.serial += 1
    batch, assumed = size(args.get(None, "batch_size"))
    given = args.get(None, "batch_shape")
    if isinstance(given, (Tuple, Obj)):
        items = iteration.elements(run, given, node)[0]
        batch, assumed = size(items[0]) if items else (None, False)
    return Data(batch=batch, assumed=assumed, symbol=("keras input", run.serial), kind=SYMBOLIC)
