"""The room of Keras: layers, models, losses and optimisers, of tf.keras and of Keras itself."""

from __future__ import annotations

from pathlib import Path

from bnlint.program import model as ir
from bnlint.story.events import Stepped
from bnlint.story.framework import Args, Framework
from bnlint.story.frameworks.keras import backbones, building, contexts, copying, formats, generators, graphs, models
from bnlint.story.frameworks.tensorflow import datasets
from bnlint.story.frameworks.tensorflow.graph import collect, op
from bnlint.story.machine import Run
from bnlint.story.values import (
    NO_TOKENS,
    NONE,
    UNKNOWN,
    Cls,
    Const,
    Data,
    Lib,
    Obj,
    Token,
    Tuple,
    Value,
    options,
)


class Keras(Framework):
    roots = ("keras",)

    def __init__(self) -> None:
        self.formats: dict[Path, Value] = {}
        """the data format that a module's body sets"""

    def lasting(self) -> object:
        return dict(self.formats)

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        default = formats.configured(run, self.formats)
        built = building.build(run, name, args, node, default)
        if built is not None:
            return built
        if name == "keras.backend.set_image_data_format":
            formats.configure(run, self.formats, args)
            return NONE
        if name == "keras.backend.set_learning_phase":
            return contexts.set_phase(run, args, node)
        if name == "keras.backend.image_data_format" and default is not None:
            return default
        if name == "keras.models.clone_model":
            return copying.copied(run, args.get(0, "model"))
        if name == "keras.Model.from_config":
            return args.get(0)
        piped = datasets.call(run, name, args, node)
        if piped is not None:
            return piped
        last = name.rpartition(".")[2]
        if last[:1].isupper():
            return run.allocate(Lib(name), node)
        if name == "keras.backend.learning_phase":
            return Data(symbol=("learning phase",), kind="placeholder")
        return op(run, args.all(), like=args.get(0))

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        if type(owner) is Data:
            return copying.method(run, owner, name, args, node)
        if not isinstance(owner, Obj):
            return None
        if building.is_keras(owner):
            return models.method(run, owner, name, args, node)
        if owner.lib.startswith("keras.optimizers."):
            if name in ("apply_gradients", "minimize", "apply"):
                run.emit(Stepped, node, optimizer=owner)
                return NONE
            return UNKNOWN
        if owner.lib.endswith("ImageDataGenerator"):
            flowing = generators.images(run, name, args, node)
            if flowing is not None:
                return flowing
        if owner.lib.startswith("keras."):
            flow, grad = collect(Tuple(tuple(args.all())))
            return Data(flow, grad)
        return None

    def apply(self, run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
        if building.is_keras(obj):
            return models.apply(run, obj, args, node)
        if obj.lib.startswith("keras."):
            flow, grad = collect(Tuple(tuple(args.all())))
            return Data(flow, grad, kind="tensor")
        return None

    def elements(self, run: Run, value: Value, node: ir.Expr) -> tuple[list[Value], Value | None] | None:
        return copying.elements(value) if type(value) is Data else None

    def made(self, run: Run, obj: Obj, cls: Cls) -> None:
        if building.is_keras(obj) and "trainable" not in cls.table:
            obj.slots["trainable"] = Const(True)

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        if not building.is_keras(obj):
            return None
        if attr == "layers":
            return backbones.layers(obj, [part for part, _ in models.parts(obj)])
        if attr in copying.LISTS:
            return copying.listed(obj, attr)
        if attr == "updates":
            return graphs.updates(models.norms_within(run, obj))
        if attr == "losses":
            return Data(kind=attr)
        if attr in ("input", "inputs", "output", "outputs"):
            flow = obj.slots.get("#within", NO_TOKENS) if attr.startswith("output") else NO_TOKENS
            if isinstance(obj.slots.get("#norms"), str) and attr.startswith("output"):
                flow = frozenset({Token("layer", obj)})
            made = Data(flow, symbol=("keras", obj.serial, attr), kind=building.SYMBOLIC)
            return Tuple((made,)) if attr.endswith("s") else made
        if attr in ("trainable", "name"):
            return Const(True) if attr == "trainable" and "trainable" not in obj.slots else UNKNOWN
        return None

    def assigned(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        if attr == "trainable":
            for option in options(owner):
                held = models.norms_within(run, option) if isinstance(option, Obj) and building.is_keras(option) else []
                backbones.assigned(run, option, held, value, node)
