"""Estimators: they build the training graph by a model function, and run it on what an input function gives.

Facts: TensorFlow 1.15 (`Estimator.train(input_fn, hooks, steps, max_steps)`, `TrainSpec(input_fn, max_steps)`,
`train_and_evaluate(estimator, train_spec, eval_spec)`).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow.graph import Surroundings, collect, surround, surroundings
from bnlint.story.frameworks.tensorflow.networks import fetch, last_for
from bnlint.story.interpreter import calls
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, NONE, UNKNOWN, Const, Data, Func, Lib, Obj, Value

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
    if last == "TrainSpec":
        spec = run.allocate(Lib(name), node)
        spec.slots["#input"], spec.slots["#steps"] = args.get(0, "input_fn"), args.get(1, "max_steps")
        return spec
    if last == "train_and_evaluate":
        owner, given = args.get(0, "estimator"), args.get(1, "train_spec")
        if isinstance(owner, Obj) and isinstance(given, Obj) and given.slots.get("#input") is not None:
            train(run, owner, given.slots["#input"], given.slots.get("#steps"), node)
        return NONE
    return None


def made(run: Run, args: Args, node: ir.Call) -> Value:
    """An Estimator: its model function builds the training graph, a new one."""
    func = args.get(0, "model_fn")
    found = run.allocate(Lib("tensorflow.estimator.Estimator"), node)
    plain = getattr(func, "func", func)
    if func is None or not isinstance(plain, Func):
        return found
    names = [param.name for param in plain.node.params.items]
    given: dict[str, Value] = {}
    for name in names:
        if name == "mode":
            given[name] = Const("train")
        elif name == "params" and args.get(None, "params") is not None:
            given[name] = args.get(None, "params") or UNKNOWN
        elif name in ("features", "labels"):
            given[name] = Data(label=name)
    before = surroundings(run)
    surround(run, Surroundings(graph=run.allocate(Lib("tensorflow.Graph"), node)))
    try:
        found.slots["#spec"] = calls.call(run, func, Args((), given), node)
    finally:
        surround(run, before)
    return found


def train(run: Run, owner: Obj, given: Value, steps: Value | None, node: ir.Call) -> None:
    """The training graph runs on what the input function gives."""
    spec = owner.slots.get("#spec")
    flow = collect(spec)[0] if spec is not None else NO_TOKENS
    if not any(token.kind == "train" for token in flow):
        return
    before = surroundings(run)
    surround(run, Surroundings(graph=run.allocate(Lib("tensorflow.Graph"), node)))
    try:
        data = calls.call(run, given, Args(), node)
    finally:
        surround(run, before)
    batches = frozenset(token for token in collect(data)[0] if token.kind == "batch")
    start = len(run.story.events)
    fetch(run, Args((Data(flow | batches),)), node)
    last_for(run, start, steps)
