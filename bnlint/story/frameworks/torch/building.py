"""Calls of PyTorch's and its neighbours' functions and constructors, by name."""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story import mixing, recording
from bnlint.story.events import Built, Mode, StateParameter, Stepped
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import (
    accumulation,
    contrast,
    copying,
    datasets,
    derived,
    exporting,
    gradients,
    known,
    library_networks,
    loading,
    modalities,
    networks,
    padding,
    parts,
    passing,
    saving,
    scaling,
    shapes,
    statistics,
    tensors,
)
from bnlint.story.frameworks.torch.families import Holds
from bnlint.story.interpreter import calls, conditions, iteration
from bnlint.story.joining import choose, detached, flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.nesting import children
from bnlint.story.values import NONE, UNKNOWN, Const, Data, Lib, Obj, Token, Tuple, Value, truth

RECORDING = frozenset({
    "torch.no_grad", "torch.inference_mode", "torch.enable_grad", "torch.set_grad_enabled", "torch.autograd.inference_mode",
    "torch.autograd.set_grad_enabled", "torch.autograd.enable_grad",
})  # fmt: skip

SIGNATURES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        [f"torch.nn.{kind}" for kind in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")],
        ("num_features", "eps", "momentum", "affine", "track_running_stats"),
    ),
    **dict.fromkeys(
        [f"torch.nn.LazyBatchNorm{n}d" for n in (1, 2, 3)], ("eps", "momentum", "affine", "track_running_stats")
    ),
    **dict.fromkeys(
        [f"torch.nn.InstanceNorm{n}d" for n in (1, 2, 3)],
        ("num_features", "eps", "momentum", "affine", "track_running_stats"),
    ),
}  # torch 2.13, the constructors' signatures

PASSED_ON = frozenset({
    "torch.compile", "torch.jit.script", "torch.nn.SyncBatchNorm.convert_sync_batchnorm", "torch.nn.utils.spectral_norm",
    "torch.nn.utils.weight_norm", "torch.nn.utils.parametrizations.spectral_norm", "torch.jit.optimize_for_inference",
    "apex.parallel.convert_syncbn_model", "MinkowskiEngine.MinkowskiSyncBatchNorm.convert_sync_batchnorm",
    "torch.nn.utils.parametrizations.weight_norm",
})  # fmt: skip
WITHIN = "torch.autograd.within"
"""what a function becomes that a context as a decorator is given: the context and the function are its first arguments"""
ENVIRONMENTS = ("gym.make", "gymnasium.make", "gym.vector.make", "gymnasium.make_vec", "gymnasium.vector.make")


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    root, _, last = name.rpartition(".")
    mixing.noted(run, name)
    saving.saved(run, name, args, node)
    contrast.compared(run, name, args, node)
    state = copying.function(run, name, args, node)
    if state is not None:
        return state
    for room in (scaling, exporting, gradients, datasets, padding, modalities):
        special: Value | None = room.call(run, name, args, node)
        if special is not None:
            return special
    if name == WITHIN:
        return within(run, args, node)
    if name in RECORDING:
        return switch_of_gradients(run, name, args, node)
    if name in loading.LOADERS:
        return loading.loader(run, name, args, node)
    if (root in known.LAYERS and last[:1].isupper() and last not in known.NOT_MODULES) or name in known.BATCH_NORMS:
        return build(run, name, args, node)
    if root.startswith("torch.nn.") and (last[:1].islower() or last == "__init__") and name not in PASSED_ON:
        found = on_module(run, last, args, node)  # `nn.Module.train(self, mode)`
        if found is not None:
            return found
    if name in ("torch.nn.Parameter", "torch.nn.parameter.Parameter"):
        return parameter(run, args, node)
    if name in PASSED_ON:
        return args.get(0) or UNKNOWN
    if name in derived.FUNCTIONS:
        derived.function(run, args)
    prepared = passing.given_back(name, args)
    if prepared is not None:
        return prepared
    if root in ("torch", "numpy", "numpy.random", "torch.Tensor"):
        made = tensors.created(run, last, args, node)
        if made is not None:
            return made
        found = function(run, last, args, node)
        if found is not None:
            return found
    if root == "torch.optim" and last[:1].isupper():
        return optimizer(run, name, args, node)
    if name in ENVIRONMENTS or (root.startswith(("gym", "gymnasium")) and last.endswith(("Env", "Wrapper"))):
        return Data(kind="environment", label="env")
    if name == "torch.autograd.functional.jacobian":
        return mix(args.all())
    if name == "torch.autograd.backward":
        return tensors.backward(run, UNKNOWN, Args(args.positional[:1]), node)
    if name in ("torch.autograd.Variable",):
        return args.get(0) or UNKNOWN
    if name.startswith("timm.utils.") and last.endswith("Scaler"):
        return run.allocate(Lib(name), node)
    return network(run, name, args, node)


def on_module(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method called through its class, with the module as first argument."""
    owner = args.get(0)
    if not isinstance(owner, Obj) or "#mode" not in owner.slots:
        return None
    given = Args(args.positional[1:], args.keywords)
    state = copying.of_module(run, owner, name, given, node)
    return state if state is not None else networks.method(run, owner, name, given, node)


def build(run: Run, name: str, args: Args, node: ir.Call) -> Obj:
    """A layer, written down with the arguments it was given."""
    made = networks.layer(run, name, args, node)
    shapes.given(run, made, args)
    statistics.given(made, args)
    signature = SIGNATURES.get(name)
    if signature is not None:
        given: dict[str, tuple[Value, ir.Expr]] = {}
        for place, (value, expr) in enumerate(zip(args.positional, args.nodes, strict=False)):
            if place < len(signature):
                given[signature[place]] = (value, expr)
        for keyword, value in args.keywords.items():
            given[keyword] = (value, args.keyword_nodes.get(keyword, node))  # the call itself: a partial or `**` says so
        run.emit(Built, node, lib=name, obj=made, call=node, arguments=given, positional=len(args.nodes))
    return made


def network(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A library's network, if the name is one's constructor."""
    described = library_networks.describe(name, args)
    if described is None:
        return named_in_settings(run, name, args, node)
    made = holding(run, name, described.holds, node, described.modes)
    parts.note_weights(made, args)
    if not described.row:
        return made
    others = [UNKNOWN] * (described.row - 1)
    return Tuple((*others[: described.place], made, *others[described.place :]))


def named_in_settings(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A class or constructor that the settings say is, or holds, batch norm: by its whole name or its last part."""
    spelled = {name, name.rpartition(".")[2]}
    if spelled & run.project.options.batch_norm_classes:
        return networks.layer(run, name, args, node)
    if spelled & run.project.options.models_with_batch_norm:
        return holding(run, name, "yes", node)
    return None


def holding(run: Run, name: str, holds: Holds, node: ir.Call, modes: frozenset[str] = library_networks.TRAIN) -> Obj:
    made = run.allocate(Lib(name), node)
    made.slots["#mode"] = networks.FRESH if modes == library_networks.TRAIN else frozenset(Mode(mode, -1) for mode in modes)
    made.slots["#norms"] = holds
    parts.give_norms(run, made)
    return made


def part(run: Run, obj: Obj, attr: str) -> Obj:
    """A sub-module of a library network: it may hold batch norm where the whole does."""
    made = run.allocate(Lib(f"{obj.lib}.{attr}"), None)
    made.slots["#mode"] = obj.slots["#mode"]
    made.slots["#norms"] = known.part_holds(obj.slots["#norms"], attr, obj.lib)
    parts.inherit(run, made, obj)
    run.memory.write(obj.slots, attr, made)
    return made


def piece(run: Run, obj: Obj) -> Obj:
    """A slice of a sequence inside a library network: it holds norms where the sequence does."""
    made = run.allocate(Lib(obj.lib), None)
    made.slots.update({"#mode": obj.slots["#mode"], "#norms": obj.slots["#norms"]})
    parts.inherit(run, made, obj)
    run.serial += 1
    run.memory.write(obj.slots, f"<slice {run.serial}>", made)
    return made


def child_at(run: Run, obj: Obj, index: Value) -> Value | None:
    """`container[index]`"""
    if type(index) is Const and isinstance(index.value, str):
        found = obj.slots.get(index.value)
        return found if isinstance(found, Obj) else None
    run.memory.read(obj.slots, "#items")  # what a memo of the call depends on
    items: tuple[Value, ...] = obj.slots.get("#items", ())
    if type(index) is Const and isinstance(index.value, int) and -len(items) <= index.value < len(items):
        return items[index.value]
    if isinstance(index, Obj) and index.lib == "slice" and parts.NORMS in obj.slots and not items:
        return piece(run, obj)
    if isinstance(index, Obj) and index.lib == "slice":
        made = run.allocate(Lib(obj.lib or "torch.nn.Sequential"), None)
        made.slots["#mode"] = obj.slots["#mode"]
        made.slots["#items"] = tuple(iteration.cut(list(items), index))
        return made
    below: list[Value] = list(children(obj))
    rest = obj.slots.get("#rest")
    named = not items and rest is None and type(index) is Const and isinstance(index.value, int)
    if named and type(index) is Const and -len(below) <= index.value < len(below):  # type: ignore[operator]
        return below[index.value]  # type: ignore[index]
    if isinstance(rest, Obj):
        rest.slots["#many"] = True
    return choose(below) if below else None


def parameter(run: Run, args: Args, node: ir.Call) -> Obj:
    made = run.allocate(Lib("torch.nn.Parameter"), node)
    flag = args.get(1, "requires_grad")
    made.slots["#frozen"] = flag is not None and truth(flag) is not True
    return made


# --- functions of tensors --------------------------------------------------------------------


def function(run: Run, last: str, args: Args, node: ir.Call) -> Value | None:
    if last in ("cat", "concat", "concatenate", "vstack"):
        return tensors.concatenated(run, args, node)
    if last in ("stack",):
        return tensors.stacked(run, args, node)
    if last in ("tensor", "array", "asarray", "as_tensor", "FloatTensor", "from_numpy", "Tensor", "LongTensor"):
        return tensors.from_list(run, args, node)
    if last in ("unsqueeze", "expand_dims"):
        return tensors.with_new_axis(args.get(0) or UNKNOWN, args.get(1, "dim") or args.get(None, "axis"))
    if last in ("reshape",):
        first = args.get(0)
        return tensors.reshaped(run, first, Args(args.positional[1:], args.keywords), node) if type(first) is Data else None
    if last in ("argmax", "argmin", "no_grad"):
        return detached(mix(args.all()))
    first = args.get(0)
    if type(first) is Data and last == "flatten":
        return shapes.flattened(first, first) if args.get(1, "start_dim") == Const(1) else replace(first, shape=None)
    if type(first) is Data and last in tensors.KEEPING:
        return shapes.touched(first, last)
    return None


# --- optimisers and gradients ----------------------------------------------------------------


def optimizer(run: Run, name: str, args: Args, node: ir.Call) -> Obj:
    made = run.allocate(Lib(name), node)
    given = args.get(0, "params")
    if given is None:
        return made
    made.slots["#params"] = given
    saving.optimizer(run, name, made, args, node)
    for token in sorted(collect(given), key=lambda token: token.kind):
        norms = networks.norms_below(run, token.ref) if token.kind in ("buffers", "state_dict") else []
        if norms:
            held = norms[0].site
            why = (("the network holds batch norm, built here", held),) if held is not None else ()
            run.emit(
                StateParameter, node, kind="group", name=token.kind, certain=True, detail=name.rpartition(".")[2], why=why,
            )  # fmt: skip
    return made


def collect(value: Value) -> set[Token]:
    """Tokens in an optimiser's argument, also inside groups."""
    found: set[Token] = set(flow_of(value)[0])
    return found


def steps(args: Args) -> bool:
    """Whether a `step` is given the optimiser that makes it: `scaler.step(optimizer)`."""
    first = args.get(0)
    return isinstance(first, Obj) and first.lib.startswith("torch.optim.") and "lr_scheduler" not in first.lib


def optimizer_step(run: Run, owner: Value, args: Args, node: ir.Call) -> Value:
    closure = args.get(0, "closure")
    if closure is not None and not isinstance(closure, (Const, Data)):
        calls.call(run, closure, Args(), node)
    run.emit(Stepped, node, optimizer=owner)
    accumulation.stepped(run, node)
    return NONE


def within(run: Run, args: Args, node: ir.Call) -> Value:
    """Call a function inside a context."""
    context, function = args.positional[:2]
    leave = run.hooks.enter(run, context, node)
    try:
        return calls.call(run, function, replace(args, positional=args.positional[2:], nodes=()), node)
    finally:
        if leave is not None:
            leave()


def switch_of_gradients(run: Run, name: str, args: Args, node: ir.Call) -> Value:
    """`torch.no_grad()` as a context or decorator, `torch.set_grad_enabled(flag)` also as a statement."""
    if name in ("torch.no_grad", "torch.enable_grad") and args.positional:
        return args.positional[0]  # used as a decorator without a call
    made = run.allocate(Lib(name), node)
    if name.endswith("set_grad_enabled"):
        flag = args.get(0, "mode")
        answer = conditions.decide(run, flag)[0] if flag is not None else None
        made.slots["#recording"] = answer
        made.slots["#before"] = recording.now(run)
        recording.switch(run, answer, node)
    elif name.endswith("inference_mode"):
        flag = args.get(0, "mode")
        made.slots["#recording"] = False if flag is None else (None if (answer := truth(flag)) is None else not answer)
    return made

