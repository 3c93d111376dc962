"""Networks in a TensorFlow 1 graph: a function that opens a variable scope is one, applied to its arguments where it is called.

A session that runs something through batch norm is a forward of that network too, in the mode that its feed gives it.
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Fetched, Forward, GraphNorm, Mode, NormUse, Where
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow.graph import Placeholder, collect, join_trains, of_kind, surroundings
from bnlint.story.frameworks.torch.tensors import mark, size
from bnlint.story.interpreter import lists
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, Const, Data, Func, Lib, Obj, Token, Tuple, Value, truth

BOTH = frozenset({Mode("train", -1), Mode("eval", -1)})


def opened(run: Run, path: str, node: ir.Expr) -> Forward:
    """Write down the network that is being built under a variable scope; its batch norms are added as they come."""
    frame = run.frame
    where = run.where(node)
    inputs: list[Value] = []
    if isinstance(frame.func, Func) and run.calls:
        where = Where(run.calls[-1], where.calls[:-1], where.loops, where.functions[:-1] or ("<module>",), where.forks)
        names = [param.name for param in frame.func.node.params.items]
        inputs = [frame.scope.table[name] for name in names if type(frame.scope.table.get(name)) is Data]
    event = run.emit(
        Forward, node, net=network(run, path, node), norms=(), inputs=tuple(inputs), batch=None, batch_assumed=False,
        grad=True, grad_off=None, framework="tensorflow",
    )  # fmt: skip
    event.where = where
    event.purposes.add("graph")
    return event


def network(run: Run, path: str, node: ir.Expr | Obj) -> Obj:
    """The network of a variable scope: the same one whenever the scope is opened again."""
    known: dict[str, Obj] = run.state.setdefault("networks", {})
    name = path.partition("/")[0]
    if name not in known:
        known[name] = run.allocate(Lib(f"tensorflow.network.{name if name != '?' else 'network'}"), None)
        known[name].site = node.site if isinstance(node, Obj) else run.place(node)
    return known[name]


def add_norm(run: Run, event: GraphNorm) -> None:
    """A batch norm was built within the networks around."""
    modes = modes_of(event.flag, {})
    if not surroundings(run).network:
        event.norm.slots["#net"] = network(run, "?", event.norm)
    for token in surroundings(run).network:
        forward = run.story.event(token.ref)
        if isinstance(forward, Forward):
            forward.norms = (*forward.norms, NormUse(event.norm, modes, True, by_default=event.by_default))
            event.norm.slots.setdefault("#net", forward.net)


# --- sessions --------------------------------------------------------------------------------


def modes_of(flag: Value, fed: dict[Placeholder, Value]) -> frozenset[Mode]:
    """In which mode a layer is, given what the placeholders are fed with."""
    answer = truth(flag)
    if answer is None and type(flag) is Data:
        holders = [token.ref for token in flag.flow if token.kind == "placeholder"]
        if len(holders) == 1 and flag.kind == "placeholder":
            given = fed.get(holders[0], holders[0].default)
            answer = truth(given) if given is not None and (type(given) is not Data) else None
            if isinstance(given, Const) and isinstance(given.value, int):
                answer = bool(given.value) if not given.assumed else None
    return BOTH if answer is None else frozenset({Mode("train" if answer else "eval", -1)})


def fetch(run: Run, args: Args, node: ir.Call) -> Value:
    """`session.run(fetches, feed_dict)`: what runs runs together; the result is influenced by what was fed."""
    wanted = args.get(0, "fetches") or args.get(None, "tensors")
    given = args.get(1, "feed_dict")
    if wanted is None:
        return Data()
    flow = collect(wanted)[0]
    fed = feeds(given)
    run.emit(Fetched, node, flow=flow)
    join_trains(flow)
    for token in flow:
        if token.kind == "train":
            token.ref.fetched = True
    tokens = forwards(run, flow, fed, given, node)
    influence = tokens | (collect(given)[0] if given is not None else NO_TOKENS)
    for value in fed.values():
        influence |= collect(value)[0]
    influence = frozenset(token for token in influence if token.kind not in ("placeholder", "variable"))
    return result(run, wanted, Data(influence, kind="tensor"), node)


def feeds(given: Value | None) -> dict[Placeholder, Value]:
    """Which placeholder is fed with what."""
    found: dict[Placeholder, Value] = {}
    if isinstance(given, Obj) and given.lib == "dict":
        for key, value in given.slots.get("#pairs", ()):
            for token in of_kind(collect(key)[0], "placeholder"):
                found[token.ref] = value
    return found


def forwards(
    run: Run, flow: frozenset[Token], fed: dict[Placeholder, Value], given: Value | None, node: ir.Call
) -> frozenset[Token]:
    """One forward for each network whose batch norms run."""
    by_net: dict[int, tuple[Obj, dict[int, NormUse]]] = {}
    for token in sorted(of_kind(flow, "norm"), key=lambda token: token.ref.norm.serial):
        event = token.ref
        assert isinstance(event, GraphNorm)
        if not all(runs(pred, side, fed) for pred, side in event.under):
            continue
        modes = modes_of(event.flag, fed)
        if given is not None and not fed and type(event.flag) is Data:
            modes = BOTH  # fed with something unknown
        net = event.norm.slots.get("#net", event.norm)
        by_net.setdefault(id(net), (net, {}))[1][id(event)] = NormUse(event.norm, modes, True, by_default=event.by_default)
    if not by_net:
        return NO_TOKENS
    holders = [token.ref for token in flow if token.kind == "placeholder"]
    loaders = sorted((token for token in flow if token.kind == "batch"), key=lambda token: getattr(token.ref, "serial", 0))
    piped = [Data(frozenset({token}), NO_TOKENS, *token.ref.slots.get("#batch", (None, False))) for token in loaders]
    batch, assumed = batch_of([*(value for holder, value in fed.items() if holder in holders), *piped], holders)
    training = any(token.kind == "train" for token in flow)
    found: set[Token] = set()
    for net, uses in by_net.values():
        forward = run.emit(
            Forward, node, net=net, norms=tuple(uses.values()), inputs=(*fed.values(), *piped), batch=batch,
            batch_assumed=assumed, grad=training, grad_off=None, framework="tensorflow",
        )  # fmt: skip
        if training:
            mark(run, forward.number, "training", forward.where)
        found.add(forward.token)
    return frozenset(found)


def last_for(run: Run, before: int, steps: Value | None) -> None:
    """The forwards since an event were one call that makes many steps."""
    known = size(steps)
    for event in run.story.events[before:]:
        if isinstance(event, Forward):
            event.steps = known[0] if not known[1] else None


def runs(pred: Value, side: bool, fed: dict[Placeholder, Value]) -> bool:
    """Whether a branch of `tf.cond` may run, given what the placeholders are fed with."""
    return Mode("train" if side else "eval", -1) in modes_of(pred, fed)


def batch_of(values: list[Value], holders: list[Placeholder]) -> tuple[int | None, bool]:
    """The batch size of a run: what all that has one agrees on."""
    sizes = {(holder.batch, False) for holder in holders if holder.batch is not None}
    for value in values:
        size = as_batch(value)
        if size is not None:
            sizes.add(size)
    return sizes.pop() if len(sizes) == 1 else (None, False)


def as_batch(value: Value) -> tuple[int, bool] | None:
    if type(value) is Data and value.batch is not None:
        return value.batch, value.assumed
    if isinstance(value, Obj) and value.lib == "list" and not value.slots.get("#open"):
        return len(value.slots.get("#items", ())), False
    return None


def result(run: Run, wanted: Value, data: Data, node: ir.Call, depth: int = 3) -> Value:
    """The fetched values, in the shape of the fetches."""
    if depth and isinstance(wanted, Tuple):
        return Tuple(tuple(result(run, item, data, node, depth - 1) for item in wanted.items), data if wanted.rest else None)
    if depth and isinstance(wanted, Obj) and wanted.lib == "list":
        items = [result(run, item, data, node, depth - 1) for item in wanted.slots.get("#items", ())]
        return lists.make_list(run, items, data if "#rest" in wanted.slots else None, node)
    if depth and isinstance(wanted, Obj) and wanted.lib == "dict":
        made = run.allocate(Lib("dict"), node)
        for key, value in wanted.slots.items():
            if not (isinstance(key, str) and key.startswith("#")):
                made.slots[key] = result(run, value, data, node, depth - 1)
        return made
    return replace(data)
