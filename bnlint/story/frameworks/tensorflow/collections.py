"""A graph's collections: reading them, adding to them, the lists of variables and losses."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import CollectionRead
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import averages, metagraphs
from bnlint.story.frameworks.tensorflow.graph import UPDATES, Graphs, collect, held, key_of, op, shown, within
from bnlint.story.interpreter import iteration, lists
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, NONE, UNKNOWN, Const, Data, Lib, Obj, Token, Tuple, Value

VARIABLES = {
    "tensorflow.trainable_variables": "trainable",
    "tensorflow.global_variables": "variables",
    "tensorflow.all_variables": "variables",
    "tensorflow.model_variables": "variables",
    "slim.get_variables": "variables",
    "slim.get_model_variables": "variables",
    "slim.get_trainable_variables": "trainable",
}
CHOOSING = frozenset({"slim.get_variables_to_restore"})
KEYS = {"trainable_variables": "trainable", "variables": "variables", "model_variables": "variables"}
LOSSES = frozenset({
    "absolute_difference", "cosine_distance", "hinge_loss", "huber_loss", "log_loss", "mean_pairwise_squared_error",
    "mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy", "add_loss",
    "compute_weighted_loss",
})  # fmt: skip


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    last = name.rpartition(".")[2]
    if last in ("get_collection", "get_collection_ref"):
        return read(run, graphs, args, node, last == "get_collection_ref")
    if last in ("add_to_collection", "add_to_collections"):
        key, value = key_of(args.get(0, "name")), args.get(1, "value")
        if value is not None:
            flow = collect(value)[0]
            graphs.add(run, f"own {key}", flow)
            averages.collected(key, flow)
        return NONE
    if name in CHOOSING:
        return chosen(run, graphs, args, node)
    slot = VARIABLES.get(name)
    if slot is not None:
        return variables(run, graphs, slot, args.get(0, "scope"), node)
    root = name.rpartition(".")[0]
    if root in ("tensorflow.losses", "slim.losses", "slim"):
        if last == "get_total_loss":
            tokens = graphs.everything(run, "losses")
            return op(run, [Data(tokens, graphs.everything(run, "losses gradient"), kind="tensor")])
        if last == "get_losses":
            flow, grad = graphs.everything(run, "losses"), graphs.everything(run, "losses gradient")
            return lists.make_list(run, [], Data(flow, grad, kind="tensor"), node)
        if last in LOSSES and root != "slim":
            made = op(run, args.all())
            graphs.add(run, "losses", made.flow)
            graphs.add(run, "losses gradient", made.grad)
            return made
    if name == "tensorflow.reset_default_graph":
        graph = graphs.current(run)
        for key in [key for key in graph.slots if not (isinstance(key, str) and key.startswith("#"))]:
            run.memory.write(graph.slots, key, NO_TOKENS if not isinstance(key, tuple) else 0)
        return NONE
    if name in ("tensorflow.get_default_graph",):
        return graphs.current(run)
    return None


def read(run: Run, graphs: Graphs, args: Args, node: ir.Call, live: bool) -> Value:
    key = key_of(args.get(0, "key"))
    slot = KEYS.get(key or "")
    if slot is not None:
        return variables(run, graphs, slot, args.get(1, "scope"), node)
    if key == "losses":
        flow, grad = graphs.everything(run, "losses"), graphs.everything(run, "losses gradient")
        return lists.make_list(run, [], Data(flow, grad, kind="tensor"), node)
    if key in ("summaries", "regularization_losses"):
        return lists.make_list(run, [], UNKNOWN, node)
    event = run.emit(CollectionRead, node, key=key or "?", held=held(run, graphs, key, args.get(1, "scope")))
    own = graphs.everything(run, f"own {key}")
    own |= metagraphs.tokens(run, graphs, key or "")
    if live:
        event.used.add("live")  # the list itself: what comes later is in it, too
    return lists.make_list(run, [], Data(event.held | own | {event.token}, kind="op"), node)


def kept(value: Obj) -> None:
    """A list was stored as an attribute: code that is not followed may run it."""
    for token in collect(value)[0]:
        if token.kind == "read":
            token.ref.used.add("kept")


def variables(run: Run, graphs: Graphs, slot: str, scope: Value | None, node: ir.Call) -> Value:
    """The variables of a graph, as a list; one stands for all of a layer's."""
    wanted = shown(scope) if scope is not None and not (type(scope) is Const and scope.value is None) else ""
    found = [made for made in graphs.everything(run, slot) if within(made.slots["#name"], wanted)]
    found.sort(key=lambda made: made.serial)
    return lists.make_list(run, list(found), None, node)


def chosen(run: Run, graphs: Graphs, args: Args, node: ir.Call) -> Value:
    """`get_variables_to_restore(include, exclude)`: by the scopes that they are in."""
    include, exclude = (scopes_of(run, args.get(place, key), node) for place, key in enumerate(("include", "exclude")))
    found = [
        made
        for made in graphs.everything(run, "variables")
        if (include is None or any(within(made.slots["#name"], scope) for scope in include))
        and not any(made.slots["#name"].startswith(f"{scope}/") for scope in exclude or ())
    ]
    found.sort(key=lambda made: made.serial)
    return lists.make_list(run, list(found), None, node)


def scopes_of(run: Run, given: Value | None, node: ir.Call) -> list[str] | None:
    """The scopes of a list, None where all are meant or it is not known to its end."""
    if not isinstance(given, (Obj, Tuple)):
        return None
    known, rest = iteration.elements(run, given, node)
    return None if rest is not None else [shown(scope) for scope in known]


__all__ = ["UPDATES", "CollectionRead", "Lib", "Token", "call", "kept"]
