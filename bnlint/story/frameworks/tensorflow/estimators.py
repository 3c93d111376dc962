"""Estimators: they build a graph for each mode by a model function, and run it on what an input function gives.

Facts: TensorFlow 1.15 (`Estimator.train(input_fn, hooks, steps, max_steps)`, `evaluate(input_fn, ...)`,
`predict(input_fn, ...)`, `TrainSpec(input_fn, max_steps)`, `EvalSpec(input_fn, ...)`, `train_and_evaluate(estimator,
train_spec, eval_spec)`; the model function is called with `features=`, `labels=`, `mode=`, `params=`).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Forward
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow.graph import Surroundings, collect, surround, surroundings
from bnlint.story.frameworks.tensorflow.networks import fetch, last_for
from bnlint.story.interpreter import calls
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, NONE, Const, Data, Func, Lib, Obj, Token, Value

ESTIMATORS = frozenset({
    "tensorflow.estimator", "tensorflow.contrib.learn", "tensorflow.contrib.tpu", "tensorflow.estimator.tpu",
    "tensorflow.contrib.estimator",
})  # fmt: skip


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """An Estimator, what it is trained with, or the training; None for anything else."""
    root, _, last = name.rpartition(".")
    if root not in ESTIMATORS:
        return None
    if last.endswith("Estimator"):
        return made(run, args, node)
    if last in ("TrainSpec", "EvalSpec"):
        spec = run.allocate(Lib(name), node)
        spec.slots["#input"], spec.slots["#steps"] = args.get(0, "input_fn"), args.get(1, "max_steps")
        return spec
    if last == "train_and_evaluate":
        owner, given = args.get(0, "estimator"), args.get(1, "train_spec")
        if isinstance(owner, Obj) and isinstance(given, Obj) and given.slots.get("#input") is not None:
            train(run, owner, given.slots["#input"], given.slots.get("#steps"), node)
        held_out = args.get(2, "eval_spec")
        if isinstance(owner, Obj) and isinstance(held_out, Obj) and held_out.slots.get("#input") is not None:
            evaluate(run, owner, held_out.slots["#input"], "eval", node)
        return NONE
    return None


def made(run: Run, args: Args, node: ir.Call) -> Value:
    """An Estimator: its model function builds the training graph, a new one."""
    func = args.get(0, "model_fn")
    found = run.allocate(Lib("tensorflow.estimator.Estimator"), node)
    if func is None or not isinstance(getattr(func, "func", func), Func):
        return found
    found.slots["#model"] = func, args.get(None, "params")
    found.slots["#spec"] = built(run, found, "train", node)
    return found


def built(run: Run, owner: Obj, mode: str, node: ir.Call) -> Value | None:
    """What the model function gives for a mode, in a graph of its own."""
    func, params = owner.slots["#model"]
    given: dict[str, Value] = {}
    for param in getattr(func, "func", func).node.params.items:
        if param.name == "mode":
            given[param.name] = Const(mode)
        elif param.name == "params" and params is not None:
            given[param.name] = params
        elif param.name in ("features", "labels"):
            given[param.name] = Data(label=param.name)
    return in_graph(run, func, Args((), given), node)


def in_graph(run: Run, func: Value, args: Args, node: ir.Call) -> Value:
    """Call a function that fills a new graph."""
    before = surroundings(run)
    surround(run, Surroundings(graph=run.allocate(Lib("tensorflow.Graph"), node)))
    try:
        return calls.call(run, func, args, node)
    finally:
        surround(run, before)


def train(run: Run, owner: Obj, given: Value, steps: Value | None, node: ir.Call) -> None:
    """The training graph runs on what the input function gives."""
    spec = owner.slots.get("#spec")
    flow = collect(spec)[0] if spec is not None else NO_TOKENS
    if not any(token.kind == "train" for token in flow):
        return
    start = len(run.story.events)
    fetch(run, Args((Data(flow | batches(run, given, node)),)), node)
    last_for(run, start, steps)


def batches(run: Run, given: Value, node: ir.Call) -> frozenset[Token]:
    """What an input function gives."""
    data = in_graph(run, given, Args(), node)
    return frozenset(token for token in collect(data)[0] if token.kind == "batch")


def evaluate(run: Run, owner: Obj, given: Value, mode: str, node: ir.Call) -> None:
    """The graph for evaluation or prediction runs on what the input function gives; it is built once for each mode."""
    if "#model" not in owner.slots:
        return
    spec = owner.slots.get(f"#{mode}")
    if spec is None:
        spec = built(run, owner, mode, node) or NONE
        run.memory.write(owner.slots, f"#{mode}", spec)
    flow = frozenset(token for token in collect(spec)[0] if token.kind != "train")  # a train op is not looked at
    if not any(token.kind == "norm" for token in flow):
        return
    start = len(run.story.events)
    fetch(run, Args((Data(flow | batches(run, given, node)),)), node)
    for event in run.story.events[start:]:
        if isinstance(event, Forward):
            event.purposes.add("evaluation")
