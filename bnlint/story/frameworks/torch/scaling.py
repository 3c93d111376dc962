"""Several devices and large networks: wrappers, synchronised batch norm, activation checkpointing.

Facts, torch 2.13: `DistributedDataParallel` (broadcast_buffers, by its new name forward_sync_buffers, is on by default),
`SyncBatchNorm.convert_sync_batchnorm` (containers in place; a bare batch norm is returned anew and stays as it was),
`torch.utils.checkpoint` (batch norm updates twice, in both variants).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story import lineage
from bnlint.story.events import Converted, Forward, NormUse, Recomputed, Synchronised, Wrapped
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import networks
from bnlint.story.frameworks.torch.known import BATCH_NORMS, WRAPPERS
from bnlint.story.interpreter import calls, iteration
from bnlint.story.joining import flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.nesting import descendants
from bnlint.story.recording import recorded
from bnlint.story.values import NONE, UNKNOWN, Data, Lib, Obj, Tuple, Value, options, truth

CONVERSIONS = frozenset({
    "torch.nn.SyncBatchNorm.convert_sync_batchnorm", "apex.parallel.convert_syncbn_model",
    "timm.layers.convert_sync_batchnorm", "timm.models.layers.convert_sync_batchnorm",
    "MinkowskiEngine.MinkowskiSyncBatchNorm.convert_sync_batchnorm",
})  # fmt: skip
ALIKE = frozenset({f"torch.distributed.{name}" for name in ("all_reduce", "broadcast", "reduce", "all_gather")})
STATE = ("buffers", "state_dict")
RECOMPUTING = frozenset({"torch.utils.checkpoint.checkpoint", "deepspeed.checkpointing.checkpoint"})
OWN_OPTIONS = ("use_reentrant", "preserve_rng_state", "function", "context_fn", "determinism_check", "debug")
SEQUENTIAL = "torch.utils.checkpoint.checkpoint_sequential"
DISTRIBUTED = ("DistributedDataParallel", "FullyShardedDataParallel")


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A function of these libraries; None for any other."""
    if name in WRAPPERS:
        made = networks.layer(run, name, args, node)
        wrapped(run, made, name, args, node)
        return made
    if name in CONVERSIONS:
        given = args.get(0, "module") or UNKNOWN
        for option in options(given):
            if isinstance(option, Obj) and "#mode" in option.slots:
                converted = convert(run, option, node)
                given = converted if option is given else given
        return given
    if name in ALIKE:
        nets = {token.ref for token in flow_of(args.get(0) or UNKNOWN)[0] if token.kind in STATE}
        if nets:
            run.emit(Synchronised, node, nets=frozenset(nets))
        return None
    if name in RECOMPUTING:
        return recomputed(run, args, node)
    if name == SEQUENTIAL:
        return recomputed_chain(run, args, node)
    return None


# --- wrappers --------------------------------------------------------------------------------


def wrapped(run: Run, made: Obj, name: str, args: Args, node: ir.Call) -> None:
    last = name.rpartition(".")[2]
    if not last.endswith("DataParallel"):
        return
    distributed = last in DISTRIBUTED
    given = args.get(None, "broadcast_buffers") or args.get(None, "forward_sync_buffers")
    if given is None and distributed and len(args.positional) > 4:
        given = args.positional[4]
    broadcasts = True if given is None and args.double_star is None else truth(given) if given is not None else None
    devices = args.get(1, "device_ids")
    for inner in options(made.slots.get("module", UNKNOWN)):
        if isinstance(inner, Obj) and "#mode" in inner.slots:
            plain = tuple(norm for norm in networks.norms_below(run, inner) if is_plain(norm))
            count = len(iteration.elements(run, devices, node)[0]) if isinstance(devices, (Obj, Tuple)) else None
            run.emit(
                Wrapped, node, net=inner, wrapper=made, plain=plain, distributed=distributed, broadcasts=broadcasts,
                devices=count or None, contrary=bool(run.contrary),
            )  # fmt: skip


def is_plain(norm: Obj) -> bool:
    """Whether a batch norm is there for certain and takes the statistics of its own device only."""
    return networks.sure(norm) and not lineage.synchronised(norm)


def convert(run: Run, net: Obj, node: ir.Call) -> Obj:
    """The network with synchronised batch norms: the same object, but for a bare batch norm."""
    bare = networks.is_norm(run, net) and net.lib in BATCH_NORMS
    run.emit(Converted, node, net=net, bare=bare, wrapped=net.lib.endswith(DISTRIBUTED))
    if bare:
        made = run.allocate(Lib("torch.nn.SyncBatchNorm"), node)
        made.slots["#mode"] = net.slots["#mode"]
        return made
    for norm in descendants(net):
        if networks.is_norm(run, norm) or norm.slots.get("#norms"):
            run.memory.write(norm.slots, "#synchronised", True)
    return net


# --- activation checkpointing ----------------------------------------------------------------


def recomputed(run: Run, args: Args, node: ir.Call) -> Value:
    """`checkpoint(function, *args)`: the function runs now, and once more in the backward pass."""
    func = args.get(0, "function")
    if func is None:
        return mix(args.all())
    keywords = {name: value for name, value in args.keywords.items() if name not in OWN_OPTIONS}
    given = Args(args.positional[1:], keywords, args.star, args.double_star)
    return noted(run, lambda: calls.call(run, func, given, node), node)


def recomputed_chain(run: Run, args: Args, node: ir.Call) -> Value:
    """`checkpoint_sequential(functions, segments, input)`: each function on what the one before gave."""
    functions, value = args.get(0, "functions"), args.get(2, "input") or UNKNOWN
    items, rest = iteration.elements(run, functions, node) if functions is not None else ([], None)

    def chain() -> Value:
        result = value
        for item in [*items, *([rest] if rest is not None else [])]:
            result = calls.call(run, item, Args((result,)), node)
        return result

    return noted(run, chain, node) if items else mix([value])


def noted(run: Run, body: object, node: ir.Call) -> Value:
    """Run what is recomputed, and write down the batch norms that it went through."""
    assert callable(body)
    before = len(run.story.events)
    inside = bool(run.norms)
    if inside:
        run.norms.append({})
    try:
        result = body()
    finally:
        met: dict[int, NormUse] = run.norms.pop() if inside else {}
    if inside:
        run.norms[-1].update(met)
    else:
        for event in run.story.events[before:]:
            if isinstance(event, Forward):
                met.update({id(use.norm): use for use in event.norms})
    if met:
        run.emit(Recomputed, node, norms=tuple(met.values()), recording=recorded(run))
    return result if isinstance(result, (Data, Tuple, Obj)) else (result or NONE)
