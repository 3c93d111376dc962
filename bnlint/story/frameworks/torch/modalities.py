"""Input modalities that are joined to one tensor, and what normalises them together.

What joins inputs of different quantities gives a tensor with a token that stands for the join and its axis. The token follows
the axis through transpositions, and is lost where the axis is taken apart, folded or summed up. Inputs are raw where they are
known as such: arguments, parts of batches, also moved to a device; whatever else was computed from them is not.

Facts: torch 2.13, `torch.cat` and `torch.stack` (dim=0), `torch.nn.BatchNorm1d` ((N, C) or (N, C, L): channels are axis 1),
`torch.nn.LayerNorm` (over the last axes); NumPy 2.1, `numpy.concatenate` (axis=0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story.events import Forward, StackedModalities
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import padding, quantities, shapes, tensors
from bnlint.story.frameworks.torch.known import BATCH_NORMS
from bnlint.story.interpreter import iteration
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Obj, Symbol, Token, Value, number

JOINED, MOMENT = "modalities", "scalar moment"
"""kinds of tokens: the first stands for a `Join`, the second for its place and which moment over all of it"""
ROOTS = frozenset({"torch", "numpy"})
AXES: dict[str, int | None] = {
    "cat": None, "concat": None, "concatenate": None, "stack": None, "vstack": 0, "hstack": 1, "column_stack": 1,
}  # fmt: skip
"""what joins tensors, and along which axis; None: an argument says it"""
MEANS, DEVIATIONS = frozenset({"mean"}), frozenset({"std", "var"})
SWAPPING = frozenset({"transpose", "swapaxes", "swapdims", "transpose_", "permute"})
FOLDING = frozenset({"view", "reshape", "unflatten", "chunk", "split", "unsqueeze", "T", "mT", "unfold"})
FEATURES, LENGTH = 1, 2


@dataclass(frozen=True, slots=True)
class Join:
    """Different quantities in one tensor. sourced: it is known where each came from, not only what a function calls it."""

    place: Place
    quantities: tuple[str, ...]
    axis: int
    sourced: bool


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A function of the library that joins raw inputs of different quantities, moves their axis or sums it up; else None."""
    root, _, last = name.rpartition(".")
    if last in AXES and root in ROOTS:
        return joined(run, last, args, node)
    first = args.get(0)
    if not run.state.get(JOINED) or type(first) is not Data or not name.startswith(("torch.", "numpy.")):
        return None
    if last == "layer_norm":
        layer_normalised(run, None, args, node)
        return None
    given = Args(args.positional[1:], args.keywords)
    known = moment(first, last, given) or swapped(first, last, given)
    if known is None and (kept := after(run, first, last, given)) is not first:
        return mix([kept, *given.all()])
    return known


def joined(run: Run, last: str, args: Args, node: ir.Call) -> Value | None:
    first = args.get(0, "tensors") or args.get(None, "arrays")
    axis = AXES[last]
    if axis is None:
        given = args.get(1, "dim") or args.get(None, "axis")
        known = number(given) if given is not None else (0, False)
        if known is None or known[1]:
            return None
        axis = int(known[0])
    if first is None or type(first) is Data:
        return None
    items, rest = iteration.elements(run, first, node)
    if rest is not None or len(items) < 2 or not all(raw(item) for item in items):
        return None
    names = known_by(items, args.node(0, "tensors"))
    found = quantities.different(names)
    if not found:
        return None
    run.state[JOINED] = True
    result = tensors.stacked(run, args, node) if last == "stack" else tensors.concatenated(run, args, node)
    if type(result) is not Data:
        return None
    sourced = all(type(item) is Data and bool(item.flow) for item in items)
    token = Token(JOINED, Join(run.place(node), found, axis, sourced))
    return replace(result, flow=result.flow | {token}, kind="tensor", symbol=None, shape=None)


def raw(value: Value) -> bool:
    """Whether a value is an input as it came: nothing has been computed from it.

    A batch of one is none, except from a loader that gives such: `unsqueeze(0)` of something unknown gives one, too.
    """
    if type(value) is not Data or any(token.kind in ("forward", JOINED) for token in value.flow):
        return False
    if value.kind == "tensor":
        return value.batch != 1 or any(token.kind == "batch" and gives_one(token.ref) for token in value.flow)
    symbol: Symbol | None = value.symbol
    while symbol and symbol[0] in (".", "[]") and type(symbol[1]) is tuple:
        symbol = symbol[1]
    return not value.kind and not value.flow and bool(symbol) and symbol is not None and symbol[0] in ("parameter", "pass")


def gives_one(loader: object) -> bool:
    return isinstance(loader, Obj) and loader.slots.get("#batch", (None, False))[0] == 1


def known_by(items: list[Value], node: ir.Expr | None) -> list[str]:
    """The name that each item is known by: as it is written there, else as it was first called. Names at odds tell nothing."""
    written: list[str] = [""] * len(items)
    if isinstance(node, ir.Sequence) and len(node.elements) == len(items):
        written = [spelled(element) for element in node.elements]
    names: list[str] = []
    for item, here in zip(items, written, strict=True):
        first = item.label if type(item) is Data else ""
        one, other = quantities.quantity(here), quantities.quantity(first)
        names.append("" if one and other and one != other else here if one else first)
        if here and not one and not quantities.MADE.isdisjoint(quantities.words(here)):
            names[-1] = ""
    return names


def spelled(node: ir.Expr) -> str:
    """A variable, an attribute, or the item of a batch, by its last name."""
    if isinstance(node, ir.Name):
        return node.id
    if isinstance(node, ir.Attribute):
        return node.attr
    if isinstance(node, ir.Subscript) and isinstance(node.index, ir.Const) and isinstance(node.index.value, str):
        return node.index.value
    return ""


# --- following the axis ------------------------------------------------------------------------


def joins(value: Value | None) -> list[Join]:
    if type(value) is not Data:
        return []
    found = [token.ref for token in value.flow if token.kind == JOINED]
    return sorted(found, key=lambda join: (join.place.row, join.place.column))


def follow(value: Data, where: Callable[[Join], int | None]) -> Data:
    """A tensor whose joined axes went elsewhere; None: lost."""
    flow = {token for token in value.flow if token.kind != JOINED}
    for join in joins(value):
        axis = where(join)
        if axis is not None:
            flow.add(Token(JOINED, replace(join, axis=axis)))
    return replace(value, flow=frozenset(flow))


def method(run: Run, owner: Data, name: str, args: Args) -> Data | None:
    """A method of a tensor that moves the joined axis, or takes a moment over all of it; None for any other."""
    if not run.state.get(JOINED):
        return None
    return moment(owner, name, args) or swapped(owner, name, args)


def after(run: Run, owner: Data, name: str, args: Args) -> Data:
    """A tensor whose method is called, without what the method takes apart."""
    if not run.state.get(JOINED) or not joins(owner):
        return owner
    if name in ("view", "reshape") and args.get(0) == Const(-1) and len(args.positional) > 1:
        return follow(owner, lambda join: 0 if join.axis == 0 else None)
    if name == "flatten":
        start, end = args.get(0, "start_dim"), args.get(1, "end_dim")
        if start == Const(0) and end == Const(1):
            return follow(owner, lambda join: 0 if join.axis in (0, 1) else None)
        return follow(owner, lambda join: join.axis if start == Const(1) and join.axis == 0 else None)
    if name in padding.REDUCING:
        axis = args.get(0, "dim") or args.get(None, "axis")
        kept = 0 if axis is not None and (known := number(axis)) is not None and known[0] != 0 else None
        return follow(owner, lambda join: kept if join.axis == 0 else None)
    if name in padding.CHOOSING or name in FOLDING:
        return follow(owner, lambda join: None)
    return owner


def indexed(run: Run, owner: Data) -> Data:
    """A tensor of which parts are taken: what was joined is taken apart."""
    return follow(owner, lambda join: None) if run.state.get(JOINED) and joins(owner) else owner


def swapped(owner: Data, name: str, args: Args) -> Data | None:
    """`x.transpose(1, 2)`, `x.permute(0, 2, 1)`: the joined axis is at another place; lost where that cannot be told."""
    if name not in SWAPPING or not joins(owner):
        return None
    known = [number(value) for value in args.positional]
    order = [int(each[0]) for each in known if each is not None and not each[1]]
    whole = len(order) == len(known) and not args.keywords and owner.kind == "tensor"

    def where(join: Join) -> int | None:
        if not whole:
            return None
        if name == "permute":
            return order.index(join.axis % len(order)) if sorted(order) == list(range(len(order))) else None
        if len(order) != 2 or len({axis < 0 for axis in (*order, join.axis)}) > 1:
            return None
        if join.axis not in order:
            return join.axis
        return order[1] if order[0] == join.axis else order[0]

    return replace(follow(owner, where), batch=None, symbol=None, shape=None, parts=())


def through(run: Run, layer: Obj, result: Value) -> Value:
    """What a layer of the library gives: along the batch, and the length of a convolution over it, what was joined stays so."""
    if not run.state.get(JOINED) or type(result) is not Data or not joins(result):
        return result
    last = layer.lib.rpartition(".")[2]
    kept: tuple[int, ...] = ()
    if last.startswith(("Conv1d", "LazyConv1d", *shapes.POOLED, *shapes.SIZED)):
        kept = (0, LENGTH)
    elif last.startswith(("Linear", "LazyLinear", "Conv", "LazyConv", "Flatten")) or layer.slots.get("#norms"):
        kept = (0,)
    if last.startswith(shapes.ALIKE) or last == "Identity":
        return replace(result, kind="tensor")
    return replace(follow(result, lambda join: join.axis if join.axis in kept else None), kind="tensor")


def entered(run: Run, args: Args) -> Args:
    """The arguments of a network without joins whose axis is not known any more, after something that cannot be followed."""
    if not run.state.get(JOINED):
        return args
    positional = tuple(
        follow(value, lambda join: None) if type(value) is Data and value.kind != "tensor" else value
        for value in args.positional
    )
    return replace(args, positional=positional)


# --- what normalises them ----------------------------------------------------------------------


def normalised(run: Run, norm: Obj, args: Args, node: ir.Call) -> None:
    """A batch norm, or a network that holds some, is given joined inputs: write down those that share its channels."""
    if not run.state.get(JOINED) or not any(mark.name == "train" for mark in norm.slots["#mode"]):
        return
    if norm.lib not in BATCH_NORMS and norm.slots.get("#norms") != "yes":
        return
    for join in joins(args.get(0)):
        if join.axis == 0 or (join.axis == LENGTH and norm.lib.endswith("BatchNorm1d")):
            tell(run, node, join, norm, "batch norm")


def layer_normalised(run: Run, norm: Obj | None, args: Args, node: ir.Call) -> None:
    """A layer norm is given joined features that no layer has seen. Arguments called like sensors may be features of them."""
    first = args.get(0)
    if type(first) is not Data or first.kind != "tensor":
        return
    for join in joins(first):
        measured = quantities.MEASURED.issuperset(join.quantities)
        if measured if join.axis == FEATURES else join.axis == -1 and (measured or join.sourced):
            tell(run, node, join, norm, "layer norm")


def layered(run: Run, layer: Obj, args: Args, node: ir.Call) -> None:
    if run.state.get(JOINED) and layer.lib == "torch.nn.LayerNorm":
        layer_normalised(run, layer, args, node)


def moment(owner: Data, name: str, args: Args) -> Data | None:
    """`x.mean()`, `x.std()`: one number over all quantities."""
    if (name not in MEANS and name not in DEVIATIONS) or owner.kind != "tensor" or args.positional or args.keywords:
        return None
    found = joins(owner)
    if not found:
        return None
    which = "mean" if name in MEANS else "deviation"
    tokens = frozenset(Token(MOMENT, (join.place, which)) for join in found)
    return Data(follow(owner, lambda join: None).flow | tokens, owner.grad)


def operator(run: Run, op: str, left: Value, right: Value, node: ir.Expr) -> Data | None:
    """`(x - x.mean()) / x.std()` with one mean and one deviation for all quantities; None for anything else."""
    if not run.state.get(JOINED) or op not in ("-", "/") or type(left) is not Data or type(right) is not Data:
        return None
    which = "mean" if op == "-" else "deviation"
    for join in joins(left):
        if left.kind != "tensor" or Token(MOMENT, (join.place, which)) not in right.flow:
            continue
        if op == "-":
            return replace(mix([left, right]), batch=left.batch, assumed=left.assumed, kind="tensor")
        if Token(MOMENT, (join.place, "mean")) in left.flow and not after_learning(run):
            tell(run, node, join, None, "scalar")
    return None


def after_learning(run: Run) -> bool:
    return bool(run.forwards) and run.memory.read(run.state, "learnt") is True


def tell(run: Run, node: ir.Expr, join: Join, norm: Obj | None, how: str) -> None:
    """Write it down, once for each forward: rules ask what that forward is for."""
    within: int | None = None
    if run.forwards:
        within = next((event.number for event in reversed(run.story.events) if isinstance(event, Forward)), None)
    told: set[object] = run.state.setdefault("stacked", set())
    if (within, join.place, how) not in told:
        told.add((within, join.place, how))
        run.emit(
            StackedModalities, node, quantities=join.quantities, joined=join.place, axis=join.axis, how=how, norm=norm,
            forward=within,
        )  # fmt: skip

