"""State of modules as tensors: iterating over parameters and buffers, state dicts, and what is written into them.

A tensor of a module is data of the kind `STATE` whose flow names the module. Writing into it is an event where the
values come from another module, or where it is a statistic. Gradient steps are no copies: whatever a gradient or a
forward influenced is left out.

Facts: torch 2.13, "Module" (`parameters` gives no buffers; `state_dict` both), "torch.optim.swa_utils" (AveragedModel
averages parameters and takes over the buffers of the last model, unless `use_buffers=True`).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Copied, Estimated, Holder
from bnlint.story.events.state import What
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import contrast, networks
from bnlint.story.frameworks.torch.names import NAME
from bnlint.story.interpreter import iteration
from bnlint.story.joining import flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.nesting import clone, descendants
from bnlint.story.values import (
    NONE,
    UNKNOWN,
    Choice,
    Cls,
    Const,
    Data,
    Lib,
    Obj,
    Symbol,
    Token,
    Tuple,
    Value,
    compound,
    in_order,
    options,
    truth,
)

STATE = "state"
"""kind of a tensor that belongs to a module: writing into it changes the module"""
SNAPSHOT = "snapshot"
"""kind of a copy of such a tensor"""
CHECKPOINT = "checkpoint"
"""kind of what was read from a file"""
GRADIENT = "parameter gradient"
"""kind of token of what was computed from a parameter's gradient"""

ITERATED = {
    "parameters": "parameters", "named_parameters": "parameters", "buffers": "buffers", "named_buffers": "buffers",
}  # fmt: skip
UNKNOWN_MODULE = "unknown "
"""before the kind of a token: the module is unknown data, and the token's reference is its symbol"""
TENSORS = frozenset({"parameters", "buffers", "state_dict"})
PARTS = frozenset({*TENSORS, *(UNKNOWN_MODULE + kind for kind in TENSORS)})

SHARING = frozenset({"data", "detach", "detach_", "view", "view_as", "reshape", "flatten", "squeeze", "requires_grad_"})
COPYING = frozenset({
    "clone", "cpu", "cuda", "to", "numpy", "float", "double", "contiguous", "tolist", "copy", "astype", "type", "half",
})  # fmt: skip
WRITING = frozenset({
    "copy_", "lerp_", "add_", "sub_", "mul_", "div_", "set_", "addcmul_", "addcdiv_", "fill_", "zero_", "swap_", "ema_",
})  # fmt: skip
STATISTICS = frozenset({"running_mean", "running_var", "num_batches_tracked"})
AVERAGED = "torch.optim.swa_utils.AveragedModel"
EMA_MODELS = ("ModelEma", "ModelEmaV2", "ModelEmaV3")


# --- reading ---------------------------------------------------------------------------------


def of_module(run: Run, obj: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    """Methods of a module that read or write its state."""
    if name in ITERATED:
        return Data(frozenset({Token(ITERATED[name], obj)}), kind=name)
    if name == "state_dict":
        return state_dict(run, Token("state_dict", obj))
    if name == "load_state_dict":
        load(run, obj, args, node)
        return None
    if name == "reset_running_stats":
        run.emit(Copied, node, target=holder(run, obj), sources=(), what="buffers", how=name)
        return NONE
    if name == "__init__" and averages(obj) and not isinstance(obj.cls, Lib):
        wrap(run, obj, args)
        return NONE
    if name == "update_parameters" and averages(obj):
        flag = obj.slots.get("#use_buffers", UNKNOWN)
        what: What = "parameters" if truth(flag) is False else "both"
        sources = [holder(run, option) for option in options(args.get(0, "model") or UNKNOWN) if isinstance(option, Obj)]
        run.emit(Copied, node, target=holder(run, obj), sources=tuple(sources), what=what, how=name)
        return NONE
    if name in ("update", "set") and obj.lib.endswith(EMA_MODELS):
        run.emit(Copied, node, target=holder(run, obj), sources=(), what="both", how=name)
        return NONE
    return None


def averages(obj: Obj) -> bool:
    """Whether a module is an `AveragedModel`, or of a class derived from it."""
    names = [base.name for base in obj.cls.order if isinstance(base, Lib)] if isinstance(obj.cls, Cls) else [obj.lib]
    return AVERAGED in names


def wrap(run: Run, obj: Obj, args: Args) -> None:
    """What `AveragedModel(model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False)` keeps."""
    run.memory.write(obj.slots, "module", clone(run, args.get(0, "model") or UNKNOWN))
    default = UNKNOWN if args.double_star is not None or args.star is not None else Const(False)
    run.memory.write(obj.slots, "#use_buffers", args.get(4, "use_buffers") or default)


def state_dict(run: Run, token: Token) -> Obj:
    """A dict of all tensors of a module, under names that are not known."""
    made = run.allocate(Lib("dict"), None)
    made.slots["#rest"] = Data(frozenset({token}), kind=STATE)
    return made


def of_unknown(run: Run, owner: Data, name: str, args: Args) -> Value | None:
    """The same methods of something unknown: only a module has them."""
    if owner.symbol is None or owner.flow or owner.kind not in ("", CHECKPOINT) or args.positional:
        return None
    if name in ITERATED:
        return Data(frozenset({Token(UNKNOWN_MODULE + ITERATED[name], owner.symbol)}), kind=name)
    if name == "state_dict" and owner.kind == "":
        return state_dict(run, Token(UNKNOWN_MODULE + name, owner.symbol))
    return None


def elements(value: Data) -> tuple[list[Value], Value | None] | None:
    """What iterating over parameters or buffers gives; also over what was read from a file."""
    if value.kind in ITERATED:
        tensor = Data(value.flow, kind=STATE)
        owners = sorted(token.ref.serial for token in value.flow if isinstance(token.ref, Obj))
        name = Data(frozenset(Token("name", token.ref) for token in value.flow), symbol=(NAME, *owners[:1]))
        return [], Tuple((name, tensor)) if value.kind.startswith("named_") else tensor
    if value.kind == CHECKPOINT:
        return [], part_of(value, "iterated")
    return None


def part_of(value: Data, key: object) -> Data:
    """A part of what was read from a file: the same each time it is asked for."""
    symbol = compound("[]", value.symbol, key) if value.symbol is not None else None
    return Data(value.flow, symbol=symbol, kind=CHECKPOINT)


def item(value: Data, index: Value) -> Data | None:
    """`checkpoint[key]`"""
    if value.kind != CHECKPOINT or isinstance(index, Tuple) or (type(index) is Const and index.value is None):
        return None  # `loaded[None]`: a tensor was loaded
    return part_of(value, index.value if type(index) is Const else "any")


def attribute(value: Data, attr: str) -> Data | None:
    """`parameter.data`, `parameter.grad`"""
    if value.kind not in (STATE, SNAPSHOT):
        return None
    if attr == "data":
        return value
    if attr == "grad":
        return Data(frozenset(Token(GRADIENT, token.ref) for token in value.flow), kind="tensor")
    return None


def statistic(obj: Obj, attr: str) -> Data | None:
    """`norm.running_mean`: a tensor of the module itself."""
    return Data(frozenset({Token("buffers", obj)}), kind=STATE, label=attr) if attr in STATISTICS else None


def loaded(run: Run) -> Data:
    """`torch.load(...)`"""
    run.serial += 1
    return Data(symbol=("loaded", run.serial), kind=CHECKPOINT)


# --- methods and functions of such tensors ---------------------------------------------------


def method(run: Run, owner: Data, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method of a tensor of a module, of a copy of one, or of what was read from a file."""
    if owner.kind == CHECKPOINT:
        return of_checkpoint(owner, name, args)
    if owner.kind not in (STATE, SNAPSHOT):
        return of_unknown(run, owner, name, args)
    if name in WRITING:
        if owner.kind == STATE:
            write(run, owner, args.all(), name, node)
        return owner
    if name in SHARING:
        return owner
    if name in COPYING:
        return replace(owner, kind=SNAPSHOT, symbol=None)
    if name in ("size", "backward", "register_hook"):
        return None
    return replace(mix([owner, *args.all()]), kind="tensor")


def of_checkpoint(owner: Data, name: str, args: Args) -> Value | None:
    if name in ("items", "values"):
        tensor = part_of(owner, "any")
        return Tuple((), Tuple((UNKNOWN, tensor)) if name == "items" else tensor)
    if name in ("get", "pop") and args.positional:
        return item(owner, args.positional[0])
    if name in ("state_dict", "copy", *SHARING, *COPYING):
        return owner
    return None


def function(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """Functions of the library that write into tensors of modules, or compute with them."""
    last = name.rpartition(".")[2]
    if name == "torch.load":
        return loaded(run)
    if name.startswith("torch.optim.swa_utils.update_bn"):
        for option in options(args.get(1, "model") or UNKNOWN):
            if isinstance(option, Obj) and networks.is_module(option):
                run.emit(Estimated, node, target=holder(run, option))
        return NONE
    if last == "vector_to_parameters":
        write_all(run, args.get(1, "parameters"), [args.get(0, "vec") or UNKNOWN], last, node)
        return NONE
    if last.startswith("_foreach_"):
        if last.endswith("_"):
            write_all(run, args.get(0, "self"), list(args.all()[1:]), last, node)
            return NONE
        return mix(args.all())
    if not name.startswith("torch."):
        return None
    target = args.keywords.get("out")
    if type(target) is Data and target.kind == STATE:
        write(run, target, list(args.positional), last, node)
        return target
    first = args.get(0)
    if type(first) is Data and first.kind in (STATE, SNAPSHOT) and name.count(".") == 1:
        return replace(first, kind=SNAPSHOT) if last in COPYING else replace(mix(args.all()), kind="tensor")
    return None


def assigned(run: Run, owner: Value, attr: str, value: Value, node: ir.Expr) -> None:
    """`parameter.data = value`, `norm.running_mean = value`"""
    for option in options(owner):
        if type(option) is Data and option.kind == STATE and attr == "data":
            write(run, option, [value], "data =", node)
        elif isinstance(option, Obj) and attr in STATISTICS and networks.is_module(option):
            sources = others(run, option, flow_of(value)[0])
            run.emit(Copied, node, target=holder(run, option), sources=sources, what="buffers", how=f"{attr} =")


def augmented(run: Run, owner: Value, more: Value, node: ir.Expr) -> Value | None:
    """`parameter.data += value` changes the tensor in place."""
    if type(owner) is not Data or owner.kind not in (STATE, SNAPSHOT):
        return None
    if owner.kind == STATE:
        write(run, owner, [more], "augmented assignment", node)
        return owner
    return replace(mix([owner, more]), kind="tensor")


# --- writing ---------------------------------------------------------------------------------


def write_all(run: Run, targets: Value | None, values: list[Value], how: str, node: ir.Expr) -> None:
    """Write into each tensor of a sequence."""
    known, rest = iteration.elements(run, targets or UNKNOWN, node)
    for target in [*known[:1], *([rest] if rest is not None else [])]:
        if type(target) is Data and target.kind == STATE:
            write(run, target, values, how, node)


def write(run: Run, tensor: Data, values: list[Value], how: str, node: ir.Expr) -> None:
    """Write down that a tensor of a module takes over values, where these come from elsewhere."""
    flow = mix(values).flow
    if any(token.kind in (GRADIENT, "forward") for token in flow):
        return  # a step of an optimiser written out by hand
    from_file = any(type(value) is Data and value.kind == CHECKPOINT for value in values)
    for token in sorted((token for token in tensor.flow if token.kind in PARTS), key=lambda token: token.kind):
        part = token.kind.removeprefix(UNKNOWN_MODULE)
        sources = others(run, token.ref, flow)
        if part == "parameters" and not sources and not from_file:
            continue  # its own values: initialised, clipped, averaged with itself, given back
        given = {other.kind.removeprefix(UNKNOWN_MODULE) for other in flow if other.kind in PARTS}
        what: What = "buffers" if part == "buffers" else "parameters"
        if part == "state_dict" and given != {"parameters"}:
            what = "both"
        target = holder(run, token.ref)
        contrast.copied(run, target, sources)
        run.emit(
            Copied, node, target=target, sources=sources, what=what, how=how, loaded=from_file and not sources,
        )  # fmt: skip


def load(run: Run, obj: Obj, args: Args, node: ir.Expr) -> None:
    """`module.load_state_dict(values)`: everything, unless the values are known to be parameters only."""
    given = options(args.get(0, "state_dict") or UNKNOWN)
    values = [value for value in given if value != NONE]
    flow = {token for value in values for token in flow_of(value)[0] if token.kind in PARTS}
    only = bool(flow) and all(token.kind.endswith("parameters") for token in flow) and all(map(tensors_only, values))
    sources = others(run, obj, frozenset(flow))
    own = holder(run, obj)
    if only and not sources:
        sources = (own,)
    run.emit(Copied, node, target=own, sources=sources, what="parameters" if only else "both", how="load_state_dict")


def tensors_only(values: Value) -> bool:
    """Whether a dict holds nothing but tensors of modules, or what was computed from them."""
    if not (isinstance(values, Obj) and values.lib == "dict"):
        return False
    known = iteration.dict_values(values)
    return all(type(value) is Data and any(token.kind in PARTS for token in value.flow) for value in known)


def others(run: Run, target: Obj | Symbol, flow: frozenset[Token]) -> tuple[Holder, ...]:
    """The modules other than the target, its parts and its owners that values come from."""
    found: list[Obj | Symbol] = []
    for token in in_order(flow):
        if token.kind in PARTS and token.ref not in found and not same_tree(token.ref, target):
            found.append(token.ref)
    return tuple(holder(run, each) for each in found)


def same_tree(a: Obj | Symbol, b: Obj | Symbol) -> bool:
    if not (isinstance(a, Obj) and isinstance(b, Obj)):
        return a == b
    return a is b or any(part is b for part in descendants(a)) or any(part is a for part in descendants(b))


# --- who holds the tensors -------------------------------------------------------------------


def holder(run: Run, net: Obj | Symbol) -> Holder:
    """A module with the batch norms it holds now, and the names by which it is known here."""
    if not isinstance(net, Obj):
        return Holder(net, names=names_of(run, net))
    norms = tuple(networks.norms_below(run, net))
    # what holds only of a network that an option asks for is as sure as the network
    optional = bool(net.slots.get("#contrary"))
    certain = any(networks.sure(norm) or (optional and norm.slots.get("#norms") != "maybe") for norm in norms)
    return Holder(net, norms, certain, names_of(run, net))


def names_of(run: Run, net: Obj | Symbol) -> frozenset[str]:
    """Variables of the functions being run, and attributes of the objects whose methods they are, that hold a module."""
    found: set[str] = set()

    def holds(value: object) -> bool:
        if type(value) is Data:
            return value.symbol is not None and value.symbol == net
        return value is net or (isinstance(value, Choice) and net in value.options)

    for frame in run.frames:
        tables = [frame.scope.table]
        if isinstance(frame.self_value, Obj) and frame.self_value is not net:
            tables.append(frame.self_value.slots)
        for table in tables:
            found.update(name for name, value in table.items() if isinstance(name, str) and holds(value))
    return frozenset(name for name in found if not name.startswith("#") and name != "self")

