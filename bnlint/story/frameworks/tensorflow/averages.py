"""Averages that a graph keeps by itself: moments of the batch, the ops that average them, and what makes these run.

Moments are followed through arithmetic only: what is normalised by them is no moment any more. An op that averages them runs
with whatever depends on it; one that is created outside a branch of `tf.cond` runs whatever the predicate is.

Facts: TensorFlow 1.15 (`ExponentialMovingAverage.apply` and `assign` put nothing into a collection; what a branch of `tf.cond`
uses from outside is computed for both branches).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import AverageUpdate, BatchMoments
from bnlint.story.events.averages import updates
from bnlint.story.framework import Args, library_base
from bnlint.story.frameworks.formulas.measuring import over
from bnlint.story.frameworks.tensorflow.graph import PASSING, Graphs, collect, of_kind, op, surroundings
from bnlint.story.machine import Run
from bnlint.story.values import (
    NO_TOKENS,
    Cls,
    Const,
    Data,
    Func,
    Obj,
    Partial,
    Token,
    Tuple,
    Value,
    options,
    truth,
)  # fmt: skip

MOMENTS = frozenset({"nn.moments", "nn.weighted_moments"})
FUSED = frozenset({"nn.fused_batch_norm"})
REDUCED = frozenset({"reduce_mean", "math.reduce_mean", "math.reduce_variance", "math.reduce_std"})
CARRYING = frozenset({
    "multiply", "mul", "divide", "div", "truediv", "add", "subtract", "sub", "sqrt", "rsqrt", "square", "pow", "reshape",
    "squeeze", "expand_dims", "cast", "to_float", "stop_gradient", "identity", "scalar_mul", "negative", "transpose", "tile",
    "with_dependencies", "all_reduce", "where", "where_v2",
})  # fmt: skip
"""functions, by their last name, whose result is still a moment or a mixture of some"""
SWITCHING = re.compile(r"train|test|infer|phase|learning", re.I)
EAGER = ("keras.", "tensorflow.Module", "tensorflow.layers.Layer")


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    """A function that gives moments of the batch; None if it is none."""
    short = name.removeprefix("tensorflow.")
    if short in MOMENTS:
        if over(run, args.get(1, "axes"), node) == "other":
            return None
        token = taken(run, graphs, node)
        return Tuple(tuple(with_token(op(run, args.all()), token) for _ in range(2)))
    if short in FUSED and truth(args.get(7, "is_training") or Const(True)) is not False:
        made = op(run, args.all(), like=args.get(0))
        event = run.emit(BatchMoments, node)
        event.normalising.add(branches(run))
        return Tuple((made, *(with_token(op(run, args.all()), event.token) for _ in range(2))))
    if short in REDUCED and over(run, args.get(1, "axis") or args.get(None, "reduction_indices"), node) == "batch":
        return with_token(op(run, args.all()), taken(run, graphs, node))
    return None


def taken(run: Run, graphs: Graphs, node: ir.Call) -> Token:
    made: BatchMoments = run.emit(BatchMoments, node)
    if not branches(run):
        first = 1 if run.story.bound else 2  # a function that is told by itself is called by nobody
        nodes = {id(frame.func.node) for frame in run.frames[first:] if isinstance(frame.func, Func)}
        graphs.applied |= nodes
        if not run.forks:
            graphs.always |= nodes
    return made.token


def with_token(made: Data, token: Token) -> Data:
    return replace(made, flow=made.flow | {token})


def branches(run: Run) -> tuple[tuple[Value, bool], ...]:
    """The predicates of `tf.cond` around, and in which of their branches the story is."""
    found: tuple[tuple[Value, bool], ...] = run.state.get("under", ())
    return found


# --- following moments -----------------------------------------------------------------------


def carried(name: str, args: Args, made: Value) -> Value:
    """The result of a library function, still known as a moment if it is one."""
    last = name.rpartition(".")[2]
    if last not in CARRYING or type(made) is not Data:
        return made
    passed = passing(args.all())
    if last in ("cast", "to_float") and not passed:
        flag = args.get(0, "x")
        if type(flag) is Data and SWITCHING.search(flag.label):
            passed = frozenset({Token("switch", flag.label)})
    return replace(made, flow=made.flow | passed) if passed else made


def passing(values: Iterable[Value]) -> frozenset[Token]:
    found: set[Token] = set()
    for value in values:
        found.update(token for token in collect(value)[0] if token.kind in PASSING and token.kind != "variable")
    return frozenset(found)


def combined(run: Run, op_: str, left: Value, right: Value, made: Data) -> Data:
    """What arithmetic gives: `x - mean` is normalised by the mean, all else is still a moment."""
    passed = passing((left, right))
    if not passed:
        return made
    if op_ == "-" and is_data(left):
        normalised(run, right)
    return replace(made, flow=made.flow | passed)


def is_data(value: Value) -> bool:
    """Whether something may be a layer's input: no number, no variable, no moment."""
    if type(value) is not Data:
        return False
    return not any(token.kind in PASSING for token in value.flow)


def normalised(run: Run, mean: Value | None) -> None:
    """Something is normalised by a mean."""
    flow = collect(mean)[0] if mean is not None else NO_TOKENS
    around = surroundings(run).deps
    for token in of_kind(flow, "moment"):
        token.ref.normalising.add(branches(run))
    for token in of_kind(flow, "choice"):  # the mean was chosen by a condition, the update is not
        moment, place = token.ref
        for update in updates(around):
            if moment in update.moments and not update.switched and not branches(run):
                update.unconditional = update.unconditional or place


# --- updates ---------------------------------------------------------------------------------


def assigned(run: Run, name: str, target: Value, args: Args, node: ir.Call, made: Data) -> Data:
    """`tf.assign(variable, value)`, `variable.assign_sub(delta)`, `assign_moving_average(variable, value, decay)`"""
    how = name.rpartition(".")[2]
    graph = name.startswith("tensorflow.assign") or any(isinstance(one, Obj) and "#graph" in one.slots for one in options(target))
    return updated(run, how, shown_name(target), args.all(), node, made, graph)


def applied(run: Run, owner: Obj, args: Args, node: ir.Call) -> Data:
    """`ema.apply([mean, variance])`"""
    own = owner.slots.get("#flow")
    made = op(run, args.all(), kind="op")
    return updated(run, "apply", "", [*args.all(), *([own] if isinstance(own, Data) else [])], node, made, False)


def updated(run: Run, how: str, name: str, values: list[Value], node: ir.Call, made: Data, graph: bool) -> Data:
    passed = passing(values)
    moments = of_kind(passed, "moment")
    if not moments:
        return made
    around = surroundings(run)
    fed = any(token.kind == "placeholder" for token in made.flow)
    event = run.emit(
        AverageUpdate, node, how=how, name=name, moments=moments, under=branches(run),
        switched=any(token.kind == "switch" for token in passed),
        graph=not eager(run) and bool(graph or fed or around.variables or branches(run)),
    )  # fmt: skip
    own = frozenset({event.token})
    flow = frozenset(token for token in made.flow if token.kind not in PASSING)
    return replace(made, flow=flow | own, grad=made.grad | own)


def shown_name(target: Value) -> str:
    for option in options(target):
        if isinstance(option, Obj):
            name = option.slots.get("#name")
            last = name.rpartition("/")[2].removesuffix(":0") if isinstance(name, str) else "?"
            if "?" not in last:
                return last
    return target.label if type(target) is Data else ""


def eager(run: Run) -> bool:
    """Whether the code may run at once, or be traced by something that runs every assignment: layers of Keras, `tf.function`."""
    for frame in run.frames:
        owner = frame.self_value
        if isinstance(owner, Obj) and isinstance(owner.cls, Cls):
            base = library_base(owner.cls, ("keras", "tensorflow"))
            if base is not None and base.name.startswith(EAGER):
                return True
        node = getattr(frame.func, "node", None)
        for decorator in getattr(node, "decorators", ()):
            inner = decorator.func if isinstance(decorator, ir.Call) else decorator
            if isinstance(inner, ir.Attribute) and inner.attr == "function":
                return True
    return False


def collected(key: str | None, flow: frozenset[Token]) -> None:
    """Ops were put into a collection of the graph."""
    for update in updates(flow):
        update.keys.add(key or "?")


def handed(value: Value) -> None:
    """A value went where it cannot be followed: also what a function carries with it."""
    for update in updates(collect(value)[0]):
        update.used = True
    for option in options(value):
        inner = option.func if isinstance(option, Partial) else option
        if isinstance(inner, Func):
            for held in inner.scope.table.values():
                if type(held) is Data:
                    for update in updates(held.flow):
                        update.used = True


def ended(run: Run) -> None:
    """The story is over: what objects and modules still hold may be run by others."""
    if not any(isinstance(event, AverageUpdate) for event in run.story.events):
        return
    modules = {id(module.table) for module in run.modules.values()}
    for table, key, _ in run.memory.trail:
        if (hasattr(table, "born") or id(table) in modules) and key in table:
            held = Tuple(table[key]) if type(table[key]) is tuple and key == "#items" else table[key]
            if isinstance(held, (Data, Obj, Tuple)):
                for update in updates(collect(held)[0]):
                    update.used = True


# --- conditions ------------------------------------------------------------------------------


def chosen(run: Run, pred: Value, sides: list[tuple[Value, bool]], result: Value, node: ir.Call) -> Value:
    """`tf.cond`: what only one of its branches is computed from, though it was created outside of it."""
    if truth(pred) is not None or len(sides) != 2:
        return result
    flows = [collect(value)[0] for value, _ in sides]
    place = run.place(node)
    around = branches(run)
    added: set[Token] = set()
    for (_, side), flow, other in zip(sides, flows, reversed(flows), strict=True):
        inside = (*around, (pred, side))
        for update in updates(flow - other):
            if within_call(run, update) and not update.switched and update.under == around:
                update.unconditional = update.unconditional or place
        mine = of_kind(flow, "moment") - of_kind(other, "moment")
        added.update(Token("choice", (token, place)) for token in mine)
        mine |= {token for update in updates(surroundings(run).deps) for token in update.moments if uses(token, inside)}
        against = (*around, (pred, not side))
        for update in updates(surroundings(run).deps):
            fixed = update.under == around and not update.switched
            if fixed and update.moments & mine and not any(uses(token, against) for token in update.moments):
                update.unconditional = update.unconditional or place
    if not added and is_switch([value for value, _ in sides]):
        added.add(Token("switch", place))
    return carrying(result, frozenset(added)) if added else result


def uses(token: Token, branch: tuple[tuple[Value, bool], ...]) -> bool:
    """Whether something is normalised by these moments within a branch."""
    return any(use[: len(branch)] == branch for use in token.ref.normalising)


def within_call(run: Run, update: AverageUpdate) -> bool:
    """Whether an update was created by the call that runs now, or by what it called."""
    return update.where.calls[: len(run.calls)] == tuple(run.calls)


def is_switch(values: list[Value]) -> bool:
    """Two numbers, one for each mode: a decay that is switched."""
    return all(
        type(value) is Const or (type(value) is Data and bool(value.flow) and all(part.kind == "constant" for part in value.flow))
        for value in values
    )


def carrying(value: Value, tokens: frozenset[Token]) -> Value:
    if isinstance(value, Tuple):
        return Tuple(tuple(carrying(item, tokens) for item in value.items), value.rest)
    return replace(value, flow=value.flow | tokens) if type(value) is Data else value


