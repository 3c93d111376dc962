"""The room of TensorFlow: graphs of TensorFlow 1 with tf.layers and slim, sessions and estimators, tf.data, eager helpers."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.program import model as ir
from bnlint.story.events import Story
from bnlint.story.framework import Args, Exit, Framework
from bnlint.story.frameworks.tensorflow import (
    averages,
    collections,
    copying,
    datasets,
    decay,
    eager,
    estimators,
    flags,
    functions,
    handmade,
    layers,
    metagraphs,
    queues,
    savers,
    scopes,
    statistics,
    training,
)
from bnlint.story.frameworks.tensorflow.graph import Graphs, collect, op
from bnlint.story.machine import Run
from bnlint.story.values import (
    UNKNOWN,
    Cls,
    Const,
    Data,
    Lib,
    Obj,
    Tuple,
    Value,
    options,
)

OPTIMIZER = "Optimizer"


class TensorFlow(Framework):
    roots = ("tensorflow", "slim", "absl", "tensorflow_addons", "tensorflow_datasets", "tensorflow_privacy")

    def __init__(self) -> None:
        self.graphs = Graphs({})
        self.options: dict[str, Value] = {}

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        if name in scopes.KINDS:
            return scopes.make(run, name, args, node)
        if ".flags." in name or name.startswith("absl.flags."):
            return flags.define(run, self.options, name, args)
        if name.endswith("app.run"):
            return flags.run_main(run, args, node)
        piped = datasets.call(run, name, args, node) or queues.call(run, name, args, node)
        if piped is not None:
            return piped
        moments = averages.call(run, self.graphs, name, args, node)
        if moments is not None:
            return moments
        for room in (layers, metagraphs, training, statistics, collections, decay, functions, savers):
            found: Value | None = room.call(run, self.graphs, name, args, node)
            if found is not None:
                return averages.carried(name, args, found)
        last = name.rpartition(".")[2]
        if last == "GradientTape":
            return eager.tape(run, node)
        if last[:1].isupper():
            made = run.allocate(Lib(name), node)
            made.slots["#flow"] = Data(*collect(Tuple(tuple(args.all()))))
            return made
        first = args.get(0)
        return averages.carried(name, args, op(run, args.all(), like=first))

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        for room in (training, metagraphs):
            found: Value | None = room.method(run, self.graphs, owner, name, args, node)
            if found is not None:
                return found
        if isinstance(owner, Obj):
            if owner.lib == datasets.DATASET:
                return datasets.method(run, owner, name, args, node)
            if owner.lib.startswith(("tensorflow.", "slim.", "absl.")):
                return self.object_method(run, owner, name, args, node)
            if isinstance(owner.cls, Cls) and name in ("assign", "assign_add", "assign_sub"):
                return UNKNOWN
            return None
        if type(owner) is Data and owner.flow and owner.kind in ("tensor", "placeholder", "op"):
            return functions.method(run, owner, name, args, node)
        return None

    def object_method(self, run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
        if owner.lib == "tensorflow.Variable" and name.startswith("assign"):
            statistics.assigned(owner)
            copying.assigned(run, owner, args.get(0, "value"), node)
            return averages.assigned(run, name, owner, args, node, op(run, args.all(), kind="op"))
        if owner.lib == "tensorflow.Variable" and name in copying.READING:
            return op(run, [owner], form="identity")
        savers.method(run, owner, name)
        if owner.lib == "tensorflow.GradientTape":
            return eager.method(run, owner, name, args, node)
        if name == "as_default" and owner.lib.endswith("Graph"):
            return scopes.graph_scope(run, owner)
        if name in ("as_default", "managed_session", "prepare_or_wait_for_session", "__enter__"):
            return owner
        if name in ("get_collection", "get_collection_ref", "add_to_collection", "control_dependencies"):
            return self.call(run, f"tensorflow.{name}", args, node)
        if owner.lib.endswith("ExponentialMovingAverage") and name == "average":
            return op(run, [], kind="tensor")
        if owner.lib.endswith("ExponentialMovingAverage") and name == "apply":
            return averages.applied(run, owner, args, node)
        if owner.lib.startswith("tensorflow.estimator") and name in ("train", "evaluate", "predict"):
            given = args.get(0, "input_fn")
            if name != "train" and given is not None:
                estimators.evaluate(run, owner, given, "eval" if name == "evaluate" else "infer", node)
            elif given is not None:
                estimators.train(run, owner, given, args.get(2, "steps") or args.get(3, "max_steps"), node)
            return UNKNOWN
        own = owner.slots.get("#flow")
        return op(run, [*([own] if isinstance(own, Data) else []), *args.all()])

    def apply(self, run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
        if not obj.lib.startswith("tensorflow."):
            return decay.apply(run, self.graphs, obj, args, node)
        found = layers.apply(run, self.graphs, obj, args, node)
        if found is not None:
            return found
        own = obj.slots.get("#flow")
        return op(run, [*([own] if isinstance(own, Data) else []), *args.all()], like=args.get(0))

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        if obj.lib == "tensorflow.Variable":
            if attr == "op":
                return obj
            return Data(kind="size") if attr == "shape" else None
        if "#scope" in obj.slots and attr in ("name", "original_name_scope"):
            return Const(obj.slots["#path"]) if "#path" in obj.slots and "?" not in obj.slots["#path"] else UNKNOWN
        if obj.lib.startswith("tensorflow.") and attr in ("graph", "sess", "session"):
            return obj
        return None

    def data_attribute(self, run: Run, data: Data, attr: str) -> Value | None:
        if attr in ("name", "op"):
            for token in data.flow:
                if token.kind == "read":
                    token.ref.named = True
        return None

    def library(self, run: Run, name: str) -> Value | None:
        """A name of the library that stands for a value."""
        if ".flags.FLAGS." in name:
            return flags.option(self.options, name.rpartition(".")[2])
        if ".ModeKeys." in name:
            return {"TRAIN": Const("train"), "EVAL": Const("eval"), "PREDICT": Const("infer"), "INFER": Const("infer")}.get(
                name.rpartition(".")[2]
            )
        return None

    def assigned(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        for option in options(value):
            if isinstance(option, Obj) and option.lib == "tensorflow.Variable":
                statistics.named(option, attr)
            elif isinstance(option, Obj) and option.lib == "list":
                collections.kept(option)

    def operator(self, run: Run, op_: str, left: Value, right: Value, node: ir.Expr) -> Value | None:
        if not any(graph_value(value) for value in (left, right)):
            return None
        if any(isinstance(value, Obj) and value.lib in ("list", "dict", "set") for value in (left, right)):
            return None
        likes = [value for value in (left, right) if type(value) is Data and value.batch is not None]
        form = "linear" if op_ in ("+", "-") else ""
        made = op(run, [left, right], like=likes[0] if likes else None, form=form)
        if op_ in ("+", "-", "*"):
            made = copying.remembered([left, right], made)
        return averages.combined(run, op_, left, right, made)

    def enter(self, run: Run, value: Value, node: ir.Expr) -> Exit | None:
        return scopes.enter(run, self.graphs, value, node)

    def elements(self, run: Run, value: Value, node: ir.Expr) -> tuple[list[Value], Value | None] | None:
        if isinstance(value, Obj) and value.lib == datasets.DATASET:
            return [], datasets.element(value)
        return None

    def item(self, run: Run, owner: Value, index: Value, node: ir.Expr) -> Value | None:
        if isinstance(owner, Obj) and isinstance(owner.slots.get("#flow"), Data):
            return op(run, [owner])
        return None

    def told(self, run: Run) -> Iterator[Story]:
        yield from handmade.stories(run, self.graphs)
        yield from metagraphs.told(run, self.graphs)

    def lasting(self) -> object:
        graphs = self.graphs
        sizes = (len(graphs.applied), len(graphs.always), len(graphs.imported_graphs), len(graphs.saved_graphs))
        return sizes, len(graphs.modules), dict(self.options)

    def ended(self, run: Run) -> None:
        averages.ended(run)

    def escaped(self, run: Run, value: Value) -> None:
        """A value went where it cannot be followed."""
        averages.handed(value)
        flow = collect(value)[0]
        if any(token.kind in ("train", "norm") for token in flow):
            return  # something that hangs on the updates, not the updates themselves
        for token in flow:
            if token.kind == "read":
                token.ref.used.add("escaped")


def graph_value(value: Value) -> bool:
    """Whether a value is certainly one of TensorFlow's."""
    if isinstance(value, Obj):
        return value.lib == "tensorflow.Variable"
    return type(value) is Data and any(token.kind in GRAPH for token in value.flow)


GRAPH = frozenset({"norm", "update", "read", "block", "train", "placeholder", "variable", "moment", "average"})
