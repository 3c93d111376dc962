"""Data sets: how many examples they hold where that is known, and whether their order means anything.

Facts: torchvision 0.20 (sizes of the standard sets, train=True by default); torch 2.13, `torch.utils.data`.
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, iteration, objects
from bnlint.story.joining import flow_of
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Cls, Data, Func, Lib, Obj, Tuple, Value, number, truth

STANDARD = {
    "MNIST": (60_000, 10_000), "FashionMNIST": (60_000, 10_000), "KMNIST": (60_000, 10_000), "CIFAR10": (50_000, 10_000),
    "CIFAR100": (50_000, 10_000),
}  # fmt: skip
"""training and test examples"""
ROOT = "torch.utils.data."
MADE = frozenset({
    f"{ROOT}TensorDataset", f"{ROOT}Subset", f"{ROOT}ConcatDataset", f"{ROOT}dataset.TensorDataset", f"{ROOT}dataset.Subset",
    f"{ROOT}dataset.ConcatDataset",
})  # fmt: skip
SPLIT = frozenset({f"{ROOT}random_split", f"{ROOT}dataset.random_split"})
DRAWING = frozenset({"random", "randint", "choice", "sample", "randrange", "shuffle", "permutation", "randperm", "uniform"})
"""functions with which an example may be drawn whatever the index"""


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A data set of the libraries; None for anything else."""
    last = name.rpartition(".")[2]
    if name.startswith("torchvision.datasets.") and last[:1].isupper():
        made = run.allocate(Lib(name), node)
        if last in STANDARD:
            flag = args.get(1, "train")
            side = True if flag is None else truth(flag)
            if side is not None and args.double_star is None:
                made.slots["#length"] = STANDARD[last][0 if side else 1]
        return made
    if name in SPLIT:
        return split(run, args, node)
    if name in MADE:
        made = run.allocate(Lib(name), node)
        describe(run, made, last, args, node)
        return made
    return None


def describe(run: Run, made: Obj, last: str, args: Args, node: ir.Call) -> None:
    first = args.get(0) or UNKNOWN
    made.slots["#of"] = first
    if last == "TensorDataset":
        kinds = {token.kind for token in flow_of(first)[0]}
        made.slots["#random"] = bool(kinds) and kinds <= {"noise", "constant"}
        if type(first) is Data and first.batch is not None and not first.assumed:
            made.slots["#length"] = first.batch
    elif last == "Subset":
        chosen = args.get(1, "indices")
        if isinstance(chosen, (Obj, Tuple)):
            items, rest = iteration.elements(run, chosen, node)
            if rest is None and items:
                made.slots["#length"] = len(items)


def split(run: Run, args: Args, node: ir.Call) -> Value:
    """`random_split(data, [a, b])`: its parts are in random order, of known sizes where these are numbers."""
    wanted = args.get(1, "lengths")
    items, rest = iteration.elements(run, wanted, node) if isinstance(wanted, (Obj, Tuple)) else ([], UNKNOWN)
    if rest is not None and not items:
        return UNKNOWN
    parts: list[Value] = []
    for item in items:
        made = run.allocate(Lib(f"{ROOT}Subset"), node)
        made.slots["#of"], made.slots["#random"] = args.get(0, "dataset") or UNKNOWN, True
        known = number(item)
        if known is not None and not known[1] and known[0] == int(known[0]) and known[0] > 1:
            made.slots["#length"] = int(known[0])
        parts.append(made)
    return Tuple(tuple(parts))


def length(run: Run, data: Value | None, node: ir.Call) -> int | None:
    """How many examples a data set holds, None where that is not known."""
    if not isinstance(data, Obj):
        return None
    known = data.slots.get("#length")
    if isinstance(known, int):
        return known
    if isinstance(data.cls, Cls):
        own = objects.find(run, data.cls.order, "__len__")
        if isinstance(own, Func) and isinstance(own.node, ir.Function) and len(own.node.body) == 1:
            answer = number(calls.call_function(run, own, Args((data,)), node))
            return int(answer[0]) if answer is not None and not answer[1] else None
    return None


def orderless(run: Run, data: Value | None) -> bool | None:
    """Whether the order of a data set means nothing: made at random, drawn at random, or a stream. None: nothing known of it."""
    if not isinstance(data, Obj):
        return None
    if data.slots.get("#random"):
        return True
    if isinstance(data.cls, Cls):
        bases = [base.name for base in data.cls.order if isinstance(base, Lib)]
        if any(name.endswith("IterableDataset") for name in bases):
            return True
        if not any(name.startswith("torch.utils.data") for name in bases):
            return None
        # an example may be drawn whatever the index, or the list may be shuffled when the set is built
        return any(draws(own) for own in data.cls.table.values())
    if data.lib == "list" or data.lib.endswith("IterableDataset"):
        return None
    inner = data.slots.get("#of")
    return orderless(run, inner) if isinstance(inner, Obj) else False


def draws(own: Value) -> bool:
    """Whether a method calls something random."""
    if not isinstance(own, Func) or not isinstance(own.node, ir.Function):
        return False
    stack: list[object] = list(own.node.body)
    while stack:
        node = stack.pop()
        if isinstance(node, (tuple, list)):
            stack.extend(node)
        elif isinstance(node, ir.Call) and isinstance(node.func, (ir.Name, ir.Attribute)):
            name = node.func.id if isinstance(node.func, ir.Name) else node.func.attr
            if name in DRAWING:
                return True
            stack.extend((node.func, node.args))
        elif isinstance(node, ir.Node):
            stack.extend(getattr(node, field) for field in node.__struct_fields__ if field not in ("start", "end", "at"))
    return False
