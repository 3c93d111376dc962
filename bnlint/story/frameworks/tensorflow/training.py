"""Gradients and train ops: what a gradient needs, what a train op trains, and what runs with it.

Facts: TensorFlow 1.15 (create_train_op and optimize_loss run the update ops themselves unless they are given others; minimize and
apply_gradients run nothing but what they depend on).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Backward, TrainOp
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import estimators, penalties, scopes
from bnlint.story.frameworks.tensorflow.graph import (
    UPDATES,
    Graphs,
    collect,
    held,
    join_trains,
    note_made,
    of_kind,
    surroundings,
)
from bnlint.story.frameworks.tensorflow.networks import fetch, last_for
from bnlint.story.frameworks.torch.tensors import mark
from bnlint.story.interpreter import calls, iteration
from bnlint.story.machine import Run
from bnlint.story.values import (
    NO_TOKENS,
    NONE,
    UNKNOWN,
    Const,
    Data,
    Func,
    Lib,
    Obj,
    Token,
    Tuple,
    Value,
    options,
    truth,
)

CREATE = frozenset({"slim.learning.create_train_op", "slim.training.create_train_op", "slim.create_train_op"})
OPTIMIZE = frozenset({"slim.optimize_loss", "slim.optimizers.optimize_loss"})


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    if name == "tensorflow.gradients":
        return gradients(run, args, node)
    if name in CREATE:
        return helper(run, graphs, args, node, args.get(0, "total_loss"), args.get(3, "update_ops"),
                      args.get(4, "variables_to_train"), "create_train_op")  # fmt: skip
    if name in OPTIMIZE:
        return helper(run, graphs, args, node, args.get(0, "loss"), args.get(8, "update_ops"), args.get(9, "variables"),
                      "optimize_loss")  # fmt: skip
    if name in ("slim.learning.train", "slim.learning.train_loop"):
        hooks(run, args, node)
        before = len(run.story.events)
        fetch(run, Args(args.positional[:1], {"fetches": args.get(0, "train_op") or UNKNOWN}), node)
        last_for(run, before, args.get(9, "number_of_steps"))
        return NONE
    if name.endswith(("EstimatorSpec", "ModelFnOps")):
        return specification(run, args, node)
    estimated = estimators.call(run, name, args, node)
    if estimated is not None:
        return estimated
    if name in SESSIONS or name.endswith(("MonitoredSession", "MonitoredTrainingSession")):
        hooks(run, args, node)
        made = run.allocate(Lib("tensorflow.Session"), node)
        graph = args.get(1, "graph") if name in ("tensorflow.Session", "tensorflow.InteractiveSession") else None
        if isinstance(graph, Obj) and graph.lib.endswith("Graph"):
            made.slots.update({"#scope": "graph", scopes.GRAPH: graph})  # entered, its graph becomes the default one
        return made
    if name in ("tensorflow.train.SessionRunArgs", "tensorflow.estimator.SessionRunArgs"):
        fetch(run, args, node)
        return UNKNOWN
    return None


SESSIONS = frozenset({
    "tensorflow.Session", "tensorflow.InteractiveSession", "tensorflow.train.Supervisor", "keras.backend.get_session",
    "tensorflow.get_default_session", "tensorflow.train.SingularMonitoredSession",
})  # fmt: skip


def method(run: Run, graphs: Graphs, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method of an optimiser, of a session, or of something unknown that is used as one."""
    if name == "minimize":
        loss = args.get(0, "loss")
        if loss is None or isinstance(loss, Func):
            return None
        penalties.unprotected(run, *normalised(loss), owner, node)
        return minimize(run, loss, args.get(None, "var_list") or args.get(2, "var_list"), node)
    if name == "compute_gradients" or (name == "get_gradients" and args.positional):
        loss = args.get(0, "loss")
        if loss is None:
            return None
        return compute(run, loss, args.get(1, "var_list"))
    if name == "apply_gradients":
        pairs = args.get(0, "grads_and_vars")
        return None if pairs is None else train_op(run, node, collect(pairs)[0], pairs, "apply_gradients")
    if name == "run" and type(owner) is Data and of_interest(owner.flow) and not args.get(0, "fetches"):
        return fetch(run, Args((owner,), args.keywords), node)
    if name == "run" and (is_session(owner) or any(of_interest(collect(value)[0]) for value in args.positional[:1])):
        return fetch(run, args, node)
    if name == "eval" and type(owner) is Data and of_interest(owner.flow):
        given = {"feed_dict": value} if (value := args.get(0, "feed_dict")) is not None else {}
        return fetch(run, Args((owner,), given), node)
    if name in ("partial_run", "run_step_fn", "make_callable") and is_session(owner):
        return fetch(run, args, node)
    return None


def is_session(owner: Value) -> bool:
    return any(isinstance(option, Obj) and option.lib in SESSIONS for option in options(owner))


def of_interest(flow: frozenset[Token]) -> bool:
    return any(token.kind in FETCHED for token in flow)


FETCHED = frozenset({"norm", "train", "update", "average", "read", "block", "placeholder", "variable", "imported"})


# --- gradients -------------------------------------------------------------------------------


def needed(run: Run, loss: Value) -> frozenset[Token]:
    """What a gradient of this loss runs, created here."""
    around = surroundings(run)
    note_made(around.deps, "gradient")
    tokens = collect(loss)[1]
    penalties.trained(tokens)
    return frozenset(token for token in tokens if token.kind != "variable") | around.deps


def gradients(run: Run, args: Args, node: ir.Call) -> Value:
    """`tf.gradients(ys, xs)`"""
    run.loud += 1
    flow = needed(run, args.get(0, "ys") or UNKNOWN)
    wanted = args.get(1, "xs")
    more = collect(wanted)[0] if wanted is not None else NO_TOKENS
    gradient = Data(flow | frozenset(token for token in more if token.kind in ("norm", "forward")), kind="tensor")
    return Tuple((), penalties.taken(run, args.get(0, "ys") or UNKNOWN, wanted, gradient, "tf.gradients", node))


def compute(run: Run, loss: Value, wanted: Value | None) -> Value:
    run.loud += 1
    variables = trained(wanted)
    return Tuple((), Tuple((Data(needed(run, loss), kind="tensor"), Data(variables or NO_TOKENS, kind="tensor"))))


def trained(wanted: Value | None) -> frozenset[Token] | None:
    """The variables of a `var_list`, None where it is missing or unknown."""
    if wanted is None or (type(wanted) is Const and wanted.value is None):
        return None
    return of_kind(collect(wanted)[0], "variable") or None


def normalised(loss: Value) -> tuple[Obj, list[Obj]]:
    """The network whose gradient is taken, and its batch norms that are not for inference only."""
    found = [token.ref for token in of_kind(collect(loss)[1], "norm")]
    norms = [event.norm for event in sorted(found, key=lambda event: event.number) if truth(event.flag) is not False]
    return (norms[0].slots.get("#net", norms[0]) if norms else Obj(Lib(""), None)), norms


def minimize(run: Run, loss: Value, wanted: Value | None, node: ir.Call) -> Value:
    note_made(surroundings(run).deps, "gradient")
    return train_op(run, node, needed(run, loss), wanted, "minimize")


def train_op(run: Run, node: ir.Call, flow: frozenset[Token], wanted: Value | None, how: str) -> Data:
    """An op that applies gradients; `flow` is what they need."""
    around = surroundings(run)
    note_made(around.deps, "train")
    variables = trained(wanted)
    names = frozenset(token.ref.slots["#name"] for token in variables) if variables else None
    flow = frozenset(token for token in flow if token.kind != "variable") | around.deps
    event = run.emit(TrainOp, node, how=how, through=of_kind(flow, "norm"), variables=names, given=run.path(), built=flow)
    event.runs |= flow
    join_trains(flow)
    reached(run, flow, node)
    return Data(flow | {event.token}, NO_TOKENS, kind="op")


def reached(run: Run, flow: frozenset[Token], node: ir.Call) -> None:
    """The forwards that the gradient flows through are training."""
    forwards = frozenset(token.ref for token in flow if token.kind == "forward")
    if forwards:
        event = run.emit(Backward, node, forwards=forwards, flow=flow)
        for number in forwards:
            mark(run, number, "training", event.where)


def helper(
    run: Run,
    graphs: Graphs,
    args: Args,
    node: ir.Call,
    loss: Value | None,
    given: Value | None,
    wanted: Value | None,
    how: str,
) -> Value:
    """`create_train_op`, `optimize_loss`: they run the update ops that they are given, else all that are there."""
    if given is None or (type(given) is Const and given.value is None):
        extra = held(run, graphs, UPDATES, None) | graphs.everything(run, f"own {UPDATES}")
    else:
        extra = collect(given)[0]
    return train_op(run, node, needed(run, loss or UNKNOWN) | extra, wanted, how)


# --- estimators and hooks --------------------------------------------------------------------


def specification(run: Run, args: Args, node: ir.Call) -> Value:
    """`EstimatorSpec(mode, loss=, train_op=)`: the loss is fetched with the train op in every step."""
    values = [*args.positional[1:], *(value for name, value in args.keywords.items() if name != "mode")]
    flow = NO_TOKENS
    for value in values:
        flow |= collect(value)[0]
    join_trains(flow)
    for token in flow:
        if token.kind == "train":
            token.ref.fetched = True
        elif token.kind == "average":
            token.ref.used = True
    hooks(run, args, node)
    return Data(flow, kind="tensor")


def hooks(run: Run, args: Args, node: ir.Call) -> None:
    """Session hooks that the project defines run with every step."""
    for value in args.all():
        for hook in iteration.elements(run, value, node)[0] if isinstance(value, (Obj, Tuple)) else []:
            if isinstance(hook, Obj) and not isinstance(hook.cls, Lib):
                for name in ("begin", "after_create_session", "before_run", "after_run"):
                    from bnlint.story.interpreter import objects

                    own = objects.find(run, hook.cls.order, name)
                    if isinstance(own, Func):
                        returned = calls.call_function(run, own, Args((hook,)), node)
                        join_run(run, returned)


def join_run(run: Run, returned: Value) -> None:
    """What a hook asks for is fetched."""
    join_trains(collect(returned)[0])
