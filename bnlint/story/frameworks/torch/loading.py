"""Data loaders: the batch size, order and source of what they give.

Facts: torch 2.13, "torch.utils.data" (batch_size=1, shuffle=None, drop_last=False by default; batch_size=None gives examples).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import LoaderBuilt
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import datasets, padding
from bnlint.story.frameworks.torch.tensors import size
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, Const, Data, Lib, Obj, Token, Value, truth

LOADERS = frozenset({
    "torch.utils.data.DataLoader", "torch_geometric.loader.DataLoader", "torch_geometric.data.DataLoader",
    "torchdata.stateful_dataloader.StatefulDataLoader",
})  # fmt: skip


def loader(run: Run, name: str, args: Args, node: ir.Call) -> Obj:
    made = run.allocate(Lib(name), node)
    given = args.get(1, "batch_size")
    sampler = args.get(None, "batch_sampler") or args.get(4, "batch_sampler")
    unknown = args.double_star is not None or args.star is not None
    if sampler is not None and not (type(sampler) is Const and sampler.value is None):
        batch, assumed = None, False
    elif given is None:
        batch, assumed = (None, False) if unknown else (1, False)
    else:
        batch, assumed = size(given)
    data = args.get(0, "dataset")
    grouped = is_given(sampler) is not False
    ordering = is_given(args.get(3, "sampler"))
    sampled = True if grouped or ordering else None if ordering is None or unknown else False
    event = run.emit(
        LoaderBuilt, node, loader=made, batch=batch, assumed=assumed,
        shuffle=flag(args.get(2, "shuffle"), unknown), drop_last=flag(args.get(8, "drop_last"), unknown),
        sampled=sampled, grouped=grouped, length=datasets.length(run, data, node), orderless=datasets.orderless(run, data),
    )  # fmt: skip
    made.slots["#whole"] = event.drop_last is True
    made.slots["#event"] = event.number
    made.slots["#batch"] = (batch, assumed)
    sample = padding.collated(run, args.get(6, "collate_fn"), node)
    if sample is not None:
        made.slots["#sample"] = sample
    if data is not None:
        made.slots["dataset"] = data
    return made


def is_given(value: Value | None) -> bool | None:
    """Whether an argument that is None by default is something else."""
    if value is None or (type(value) is Const and value.value is None):
        return False
    return True if isinstance(value, Obj) else None


def flag(value: Value | None, unknown: bool) -> bool | None:
    """A boolean argument that is False by default; None where it cannot be told."""
    if value is None:
        return None if unknown else False
    return truth(value)


def batches(run: Run, loader_: Obj) -> Value:
    """What iterating over a loader gives: batches of one source."""
    batch, assumed = loader_.slots.get("#batch", (None, False))
    whole = Data(frozenset({Token("batch", loader_)}), NO_TOKENS, batch, assumed, kind="tensor")
    sample = loader_.slots.get("#sample")
    return padding.parted(run, whole, sample) if sample is not None else whole


def is_loader(value: Value) -> bool:
    return isinstance(value, Obj) and value.lib in LOADERS
