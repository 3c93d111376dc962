"""The room of PyTorch: answers the machine's questions about torch, torchvision, timm and the libraries around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bnlint.program import model as ir
from bnlint.story import mixing, recording
from bnlint.story.events import ModeMisused, StateParameter, Story
from bnlint.story.framework import Args, Exit, Framework
from bnlint.story.frameworks.torch import (
    accumulation,
    batch_sizes,
    building,
    casting,
    contrast,
    copying,
    dummies,
    environments,
    freezing,
    gradients,
    handmade,
    kinds,
    loading,
    modalities,
    networks,
    padding,
    saving,
    shapes,
    statistics,
    switching,
    tensors,
)
from bnlint.story.frameworks.torch.known import CONTAINERS, WRAPPERS
from bnlint.story.interpreter import raising
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.nesting import children
from bnlint.story.values import (
    NO_TOKENS,
    NONE,
    UNKNOWN,
    Bound,
    Cls,
    Const,
    Data,
    Func,
    Lib,
    Obj,
    Partial,
    Tuple,
    Value,
    options,
    text,
    truth,
)

ROOTS = (
    "torch", "torchvision", "timm", "apex", "segmentation_models_pytorch", "pretrainedmodels", "pytorchcv",
    "facenet_pytorch", "open_clip", "clip", "monai", "mmcv", "detectron2",
    "efficientnet_pytorch", "torchreid", "inplace_abn", "encoding", "fairscale", "torch_geometric", "torchdata", "numpy",
    "gym", "gymnasium", "gym3", "stable_baselines3", "opacus", "functorch", "deepspeed",
    "MinkowskiEngine", "torchsparse", "spconv", "e3nn",
)  # fmt: skip

STATISTICS = frozenset({
    "running_mean", "running_var", "running_std", "moving_mean", "moving_var", "moving_variance", "moving_std",
    "running_variance", "pop_mean", "pop_var", "population_mean", "population_var", "global_mean", "global_var",
})  # fmt: skip

MODULES = ("lightning.LightningModule", "torch.jit.ScriptModule")
NOT_RECORDING = frozenset({"torch.no_grad", "torch.inference_mode", "torch.autograd.inference_mode"})


class Torch(Framework):
    roots = ROOTS

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        return building.call(run, name, args, node)

    def unowned(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        saving.saved(run, name, args, node)
        mixing.noted(run, name)
        probed = dummies.call(run, name, args, node)
        if probed is not None:
            return probed
        return building.named_in_settings(run, name, args, node)

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        if name == "zero_grad":
            accumulation.cleared(run)
        if isinstance(owner, Cls) and args.positional and networks.is_module(args.positional[0]):
            return self.method(run, args.positional[0], name, replace(args, positional=args.positional[1:]), node)
        if isinstance(owner, Obj):
            if name == "backward" or name == "manual_backward":
                return tensors.backward(run, UNKNOWN, args, node)
            if "#mode" in owner.slots:
                casting.cast(run, owner, name, args, node)
                state = copying.of_module(run, owner, name, args, node)
                return state if state is not None else networks.method(run, owner, name, args, node)
            if owner.lib == "torch.nn.Parameter":
                if name == "requires_grad_":
                    require(owner, args.get(0, "requires_grad"))
                    return owner
                return mix(args.all())
            if owner.lib.startswith("torch.optim.") and name == "step":
                return building.optimizer_step(run, owner, args, node)
            if owner.lib in building.RECORDING:
                return None
            if owner.lib.startswith("opacus."):
                return gradients.method(run, owner, name, args, node)
        if type(owner) is Data:
            mixing.noted(run, name)
            freezing.tensor_method(run, owner, name, args, node)
            tensor = copying.method(run, owner, name, args, node)
            if tensor is not None:
                return tensor
        if name == "step" and building.steps(args):
            return building.optimizer_step(run, args.positional[0], Args(), node)
        if name == "step":
            return environments.step(run, owner, args, node)
        if type(owner) is Data:
            moved = modalities.method(run, owner, name, args)
            if moved is not None:
                return moved
            kept = modalities.after(run, padding.after(run, owner, name, args), name, args)
            result = tensors.method(run, kept, name, args, node)
            return result if result is not None or kept is owner else mix([kept, *args.all()])
        return tensors.method(run, owner, name, args, node)

    def apply(self, run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
        if "#mode" in obj.slots:
            return networks.forward(run, obj, args, node)
        if obj.lib in building.RECORDING and args.positional and not isinstance(args.positional[0], (Const, Data)):
            return Partial(Lib(building.WITHIN), (obj, args.positional[0]), {})  # `torch.no_grad()(function)`
        if obj.lib.startswith("torch.func."):
            return gradients.apply(run, obj, args, node)
        if obj.lib.endswith("Scaler") and args.positional:
            tensors.backward(run, UNKNOWN, Args(args.positional[:1]), node)
            return NONE
        return None

    def follow(self, run: Run, func: Func, owner: Obj, args: Args, node: ir.Call) -> Value | None:
        if func.name == "forward" and not run.forwards and "#mode" in owner.slots:
            return networks.forward(run, owner, args, node)
        if func.name in ("step", "reset") and environments.is_environment(run, owner):
            return environments.method(run, func.name, args, node)
        return None

    def representatives(self, run: Run, results: list[Value], count: int) -> list[Value] | None:
        modules = [result for result in results if networks.is_module(result)]
        if len(modules) <= count:
            return None
        holding = [result for result in modules if isinstance(result, Obj) and networks.norms_below(run, result)]
        usual = [result for result in holding if not result.slots.get("#contrary")]
        kept = (usual or holding or modules)[:count]
        return [*(result for result in results if not networks.is_module(result)), *kept]

    def made(self, run: Run, obj: Obj, cls: Cls) -> None:
        if module_class(run, cls):
            obj.slots["#mode"] = networks.FRESH

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        if "#mode" not in obj.slots:
            return Data(kind="size") if attr == "shape" else None
        if attr == "training":
            return switching.training_flag(run, obj)
        if attr in obj.slots.get("#names", ()):
            return building.child_at(run, obj, Const(obj.slots["#names"].index(attr)))
        statistic = copying.statistic(obj, attr)
        if statistic is not None:
            return statistic
        picked = kinds.weight(run, obj, attr)
        if picked is not None:
            return picked
        if attr in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked", "in_features", "out_features"):
            return Data(label=attr)
        if attr == "_modules":
            return networks.registered(run, obj)
        if obj.slots.get("#norms") in ("yes", "maybe") and not attr.startswith("_") and attr not in METHODS:
            return building.part(run, obj, attr)
        return None

    def data_attribute(self, run: Run, data: Data, attr: str) -> Value | None:
        tensor = copying.attribute(data, attr)
        if tensor is not None:
            return tensor
        if attr == "shape":
            asked = batch_sizes.asked_size(data)
            return asked or Data(kind="size", batch=data.batch, assumed=data.assumed)
        if attr == "data":
            return replace(data, grad=NO_TOKENS, symbol=None)
        if attr in ("T", "grad", "real"):
            return replace(data, batch=None, symbol=None)
        return None

    def assigned(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        if run.catches and isinstance(owner, Obj) and attr in owner.slots and isinstance(value, Obj) and "#mode" in value.slots:
            raising.may_raise(run)  # a part of a network is replaced: what raised before met the old one
        copying.assigned(run, owner, attr, value, node)
        freezing.assigned(run, owner, attr, value, node)
        freezing.hides(run, owner, attr, value, node)
        statistics.assigned(run, owner, attr, value, node)
        if attr == "bias" and value == NONE and isinstance(owner, Obj):
            shapes.without_bias(run, owner)
        if isinstance(owner, Obj) and owner.lib == "torch.nn.Parameter" and attr == "requires_grad":
            require(owner, value)
        if attr in ("training", "train", "eval"):
            for option in options(owner):
                self.misused(run, option, attr, value, node)
        if attr in STATISTICS and isinstance(value, Obj) and value.lib == "torch.nn.Parameter":
            for option in options(owner):
                if isinstance(option, Obj) and "#mode" in option.slots and not value.slots.get("#frozen"):
                    event = run.emit(
                        StateParameter, node, kind="parameter", name=attr, certain=True, detail="nn.Parameter",
                    )  # fmt: skip
                    value.slots["#event"] = event

    def misused(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        """`training`, `train` or `eval` of a network is assigned; the flag is kept here, where it is not read from the mode."""
        if not (isinstance(owner, Obj) and "#mode" in owner.slots):
            return
        method = isinstance(value, (Func, Bound, Partial))
        own = isinstance(node.value, ir.Name) and node.value.id == "self"
        given = attr == "training" and not own and not method
        some_part = "#part_of" in owner.slots  # of a library's network, as `modules()` gives it
        if given and (some_part or networks.is_norm(run, owner) or not any(True for _ in children(owner))):
            switching.given_mode(run, owner, value, node, "training = {}")  # the flag is read from the mode
            for event in run.story.of(ModeMisused):
                event.withdrawn |= event.where.place == run.place(node)
            return
        if attr == "training":
            run.memory.write(owner.slots, "training", run.named(value, attr))
        if method or (attr == "training" and own):
            return  # a module that keeps a flag of its own: what it means is its author's business
        kind = "training assigned" if attr == "training" else "method replaced"
        if kind == "method replaced" and truth(value) is None:
            return
        run.emit(ModeMisused, node, net=owner, kind=kind, attribute=attr, known=bool(networks.norms_below(run, owner)))

    def skipped(self, run: Run, value: Value, node: ir.Expr) -> None:
        for option in options(value):
            if isinstance(option, Obj) and "#mode" in option.slots:
                if run.forwards:
                    networks.passed_over(run, option)
                else:
                    switching.forget_mode(run, option)

    def stated(self, run: Run, node: ir.Attribute, value: Value) -> None:
        if node.attr not in ("eval", "train"):
            return
        for option in options(value):
            if isinstance(option, Bound):
                owner = option.self
                if isinstance(owner, Obj) and "#mode" in owner.slots:
                    known = bool(networks.norms_below(run, owner))
                    run.emit(ModeMisused, node, net=owner, kind="not called", attribute=node.attr, known=known)

    def operator(self, run: Run, op: str, left: Value, right: Value, node: ir.Expr) -> Value | None:
        if op == "@" and run.state.get("padding"):
            return padding.stripped(mix([left, right]))
        return modalities.operator(run, op, left, right, node) or accumulation.remainder(op, left, right)

    def augmented(self, run: Run, owner: Value, more: Value, node: ir.Expr) -> Value | None:
        return copying.augmented(run, owner, more, node)

    def stored(self, run: Run, owner: Data, value: Value, node: ir.Expr) -> None:
        copying.assigned(run, owner, "data", value, node)

    def loaded(self, run: Run) -> None:
        handmade.loaded(run)

    def notes(self, run: Run) -> object:
        return handmade.notes(run)

    def noted(self, run: Run, notes: Any) -> None:
        handmade.noted(run, notes)

    def told(self, run: Run) -> Iterator[Story]:
        return handmade.stories(run)

    def enter(self, run: Run, value: Value, node: ir.Expr) -> Exit | None:
        name = value.name if isinstance(value, Lib) else value.lib if isinstance(value, Obj) else ""
        if name not in building.RECORDING:
            return None
        before = recording.now(run)
        if isinstance(value, Obj) and "#before" in value.slots:
            before = value.slots["#before"]
        if isinstance(value, Obj) and "#recording" in value.slots:
            answer = value.slots["#recording"]
        else:
            answer = name not in NOT_RECORDING
        recording.switch(run, answer, node)
        return lambda: recording.put_back(run, before)

    def asked(self, run: Run, value: Value, classes: list[Value], answer: bool | None, node: ir.Expr) -> None:
        kinds.asked(run, value, classes, answer, node)

    def decorator(self, run: Run, value: Value) -> bool:
        name = value.name if isinstance(value, Lib) else value.lib if isinstance(value, Obj) else ""
        return name in building.RECORDING

    def elements(self, run: Run, value: Value, node: ir.Expr) -> tuple[list[Value], Value | None] | None:
        if not isinstance(value, Obj):
            return copying.elements(value) if type(value) is Data else None
        if loading.is_loader(value):
            return [], loading.batches(run, value)
        if value.lib == "torch.nn.ModuleDict":
            keys = networks.method(run, value, "keys", Args(), ir.Call(node.start, node.end, node, ()))
            return list(keys.items) if isinstance(keys, Tuple) else [], None
        if "#mode" in value.slots and ("#items" in value.slots or value.lib in CONTAINERS):
            items, rest = run.memory.read(value.slots, "#items"), value.slots.get("#rest")
            return list(items) if items is not MISSING else [], rest
        return None

    def item(self, run: Run, owner: Value, index: Value, node: ir.Expr) -> Value | None:
        if type(owner) is Data:
            if owner.kind == "size":
                if index == Const(0) and owner.symbol is not None:
                    return owner
                return Const(owner.batch, owner.assumed) if index == Const(0) and owner.batch else Data(kind="size")
            part = copying.item(owner, index)
            if part is not None:
                return part
            kept = modalities.indexed(run, padding.indexed(run, owner, index))
            found = tensors.indexed(kept, index) or (None if kept is owner else kept)
            return contrast.reordered(run, found or owner, index) or found
        if isinstance(owner, Obj) and "#mode" in owner.slots:
            return building.child_at(run, owner, index)
        if isinstance(owner, Lib) and owner.name.endswith(".__dict__"):
            known = text(index)
            return Lib(f"{owner.name.removesuffix('.__dict__')}.{known or '*'}")
        return None


METHODS = frozenset({
    "train", "eval", "to", "cuda", "cpu", "parameters", "named_parameters", "state_dict", "load_state_dict", "modules", "apply",
    "children", "named_modules", "named_children", "zero_grad", "requires_grad_", "half", "float", "double", "forward", "buffers",
    "named_buffers", "register_forward_hook", "register_buffer", "add_module", "share_memory", "compile", "__call__", "type",
})  # fmt: skip


def require(parameter: Obj, value: Value | None) -> None:
    """`requires_grad = False` on a parameter takes it from the solver."""
    if value is not None and truth(value) is not True:
        event = parameter.slots.get("#event")
        if isinstance(event, StateParameter):
            event.withdrawn = True


def module_class(run: Run, cls: Cls) -> bool:
    """Whether a project class is an `nn.Module`: by a library base that is one, or an unknown base and a `forward`."""
    for base in cls.order:
        if isinstance(base, Lib):
            root = base.name.partition(".")[0]
            if base.name.startswith("torch.nn.") or base.name in MODULES or base.name in WRAPPERS:
                return True
            if root not in ("builtins", "abc", "keras", "tensorflow", "typing", "torch", "flax", "jax", "slim", "paddle"):
                own = cls.table.get("forward")
                if isinstance(own, Func) and root not in ("mindspore", "mxnet", "jittor", "megengine", "chainer", "tensorlayer"):
                    return True
    return False

