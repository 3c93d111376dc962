"""Sequences that are filled up to one length: which tensors hold positions that are none, and what takes those out again.

A padded tensor carries a token that stands for the place where it was filled up. It is lost where the time axis is summed up,
searched for its largest value or indexed, and where the sequences are packed.

Facts: torch 2.13, "torch.nn.utils.rnn" (`pad_sequence` gives a tensor, `pad_packed_sequence` one and the lengths;
`pack_padded_sequence` leaves the padding out), "LSTM" (gives the outputs and the state after each sequence's last step).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story import entries
from bnlint.story.events import Padded
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch.known import BATCH_NORMS
from bnlint.story.interpreter import calls, objects
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import (
    UNKNOWN,
    Bound,
    Cls,
    Const,
    Data,
    Func,
    Obj,
    Partial,
    Token,
    Tuple,
    Value,
    number,
    options,
)

PADDED = "padded"
"""kind of token of a tensor with positions that are only filled up; it stands for the place where they were"""
FILLING = frozenset({"pad_sequence", "pad_packed_sequence"})
RNN = "torch.nn.utils.rnn."
RECURRENT = frozenset({"torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNN"})

REDUCING = frozenset({
    "mean", "sum", "max", "min", "amax", "amin", "logsumexp", "prod", "median", "norm", "argmax", "argmin", "nanmean", "std",
    "var",
})  # fmt: skip
CHOOSING = frozenset({
    "gather", "index_select", "masked_select", "take_along_dim", "select", "narrow", "unbind", "topk", "matmul", "bmm", "mm",
    "einsum", "nonzero", "baddbmm", "max_pool1d", "avg_pool1d", "adaptive_max_pool1d", "adaptive_avg_pool1d",
    "scaled_dot_product_attention", "new", "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor",
})  # fmt: skip
"""functions and methods that take positions out, mix them by weights, or make a tensor of its own"""
TIME_AXES = (0, 1, -2)


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A function of the library that fills up, packs, or takes positions out; None for any other."""
    last = name.rpartition(".")[2]
    if name.startswith(RNN):
        if last == "pad_sequence":
            return filled(run, mix(args.all()), node)
        if last == "pad_packed_sequence":
            given = mix(args.all())
            return Tuple((filled(run, given, node), replace(given, batch=None)))
        return stripped(mix(args.all()))
    first = args.get(0)
    if not run.state.get("padding") or type(first) is not Data or not name.startswith("torch."):
        return None
    if last in CHOOSING or (last in REDUCING and over_time(args, 1)):
        return stripped(mix(args.all()))
    return None


def filled(run: Run, value: Data, node: ir.Call) -> Data:
    run.state["padding"] = True
    return replace(value, flow=value.flow | {Token(PADDED, run.place(node))}, kind="tensor", symbol=None, shape=None)


def stripped(value: Data) -> Data:
    """What is left when the positions that are none were taken out."""
    if not any(token.kind == PADDED for token in value.flow):
        return value
    return replace(value, flow=frozenset(token for token in value.flow if token.kind != PADDED), symbol=None)


def over_time(args: Args, place: int) -> bool:
    """Whether a reduction may be over the time axis: only one that names other axes is not."""
    axes = args.get(place, "dim") or args.get(None, "axis")
    if axes is None:
        return True
    for axis in axes.items if isinstance(axes, Tuple) else (axes,):
        known = number(axis)
        if known is None or known[0] in TIME_AXES:
            return True
    return False


def after(run: Run, owner: Data, name: str, args: Args) -> Data:
    """A tensor whose method is called, without what the method takes out."""
    if not run.state.get("padding"):
        return owner
    if name in CHOOSING or (name in REDUCING and over_time(args, 0)):
        return stripped(owner)
    if name == "flatten" and args.get(0, "start_dim") == Const(1):
        return stripped(owner)
    if name in ("view", "reshape") and len(args.positional) == 2:
        first = args.positional[0]
        if (type(first) is Data and first.kind == "size") or (type(first) is Const and first.value != -1):
            return stripped(owner)
    return owner


def indexed(run: Run, owner: Data, index: Value) -> Data:
    """A tensor without what an index takes out: anything but slices, None and names of a batch's parts."""
    if not run.state.get("padding"):
        return owner
    items = index.items if isinstance(index, Tuple) else (index,)
    if isinstance(index, Const) and isinstance(index.value, str):
        return owner
    whole = all(
        (isinstance(item, Obj) and item.lib == "slice") or (type(item) is Const and item.value is None) for item in items
    )
    return owner if whole else stripped(owner)


def recurrent(result: Data) -> Tuple:
    """What a recurrent layer gives: its outputs, and the state after the last step."""
    return Tuple((result, replace(stripped(result), batch=None, symbol=None)))


def normalised(run: Run, norm: Obj, args: Args, node: ir.Call) -> None:
    """A batch norm is given a tensor: write down that it counts positions that are none."""
    first = args.get(0)
    if not run.state.get("padding") or type(first) is not Data or norm.lib not in BATCH_NORMS:
        return
    if not any(mark.name == "train" for mark in norm.slots["#mode"]):
        return
    places = [token.ref for token in first.flow if token.kind == PADDED]
    told: set[object] = run.state.setdefault("padded", set())
    if places and norm.site not in told:
        told.add(norm.site)
        run.emit(Padded, node, norm=norm, filled=min(places, key=lambda place: (place.path, place.row, place.column)))


# --- loaders ---------------------------------------------------------------------------------


def collated(run: Run, collate: Value | None, node: ir.Call) -> Value | None:
    """What a loader's own collate function gives for a batch, if it fills sequences up; None otherwise."""
    for option in options(collate) if collate is not None else ():
        func = function_of(run, option)
        if func is None or not isinstance(func.node, ir.Function):
            continue
        if not FILLING.isdisjoint(entries.used(func.node.body)[0]):
            return calls.call(run, option, Args((UNKNOWN,)), node)
    return None


def function_of(run: Run, value: Value) -> Func | None:
    if isinstance(value, Partial):
        return function_of(run, value.func)
    if isinstance(value, Bound):
        return value.func if isinstance(value.func, Func) else None
    if isinstance(value, Obj) and isinstance(value.cls, Cls):
        found = objects.find(run, value.cls.order, "__call__")
        return found if isinstance(found, Func) else None
    return value if isinstance(value, Func) else None


def parted(run: Run, batch: Data, sample: Value) -> Value:
    """A batch in the parts that the collate function gives, each with the padding that it has there."""
    if isinstance(sample, Tuple) and sample.items and sample.rest is None:
        return Tuple(tuple(parted(run, batch, item) for item in sample.items))
    if isinstance(sample, Obj) and sample.lib == "list" and sample.slots.get("#items") and "#rest" not in sample.slots:
        return Tuple(tuple(parted(run, batch, item) for item in sample.slots["#items"]))
    if isinstance(sample, Obj) and sample.lib == "dict":
        made = run.allocate(sample.cls, None)
        for key, item in sample.slots.items():
            if not str(key).startswith("#"):
                made.slots[key] = parted(run, batch, item)
        return made
    padding = frozenset(token for token in mix([sample]).flow if token.kind == PADDED)
    return replace(batch, flow=batch.flow | padding)
