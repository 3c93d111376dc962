"""Ignite: engines run a function over batches, and functions attached to their events.

Facts: pytorch-ignite 0.5, "ignite.engine" (`create_supervised_trainer` calls `train()` before each step, and
`create_supervised_evaluator` calls `eval()` and switches gradients off; an `Engine` of one's own does neither).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.trainers import stages
from bnlint.story.interpreter import calls, iteration
from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Bound, Data, Lib, Obj, Partial, Tuple, Value

ENGINE = "ignite.Engine"


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    last = name.rpartition(".")[2]
    if ".Events." in name:
        return Lib(name)  # `Events.EPOCH_COMPLETED(every=5)`
    made = None
    if last in ("create_supervised_trainer", "create_supervised_evaluator"):
        made = run.allocate(Lib(ENGINE), node)
        made.slots["#net"] = args.get(0, "model") or UNKNOWN
        made.slots["#training"] = last.endswith("trainer")
        if made.slots["#training"]:
            made.slots["#optimizer"] = args.get(1, "optimizer") or UNKNOWN
    elif last == "Engine":
        made = run.allocate(Lib(ENGINE), node)
        made.slots["#process"] = args.get(0, "process_function") or UNKNOWN
    return made


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    if owner.lib != ENGINE:
        return None
    if name == "on":
        return Partial(Bound("add_event_handler", owner), (args.get(0) or UNKNOWN,), {})
    if name == "add_event_handler":
        event, handler = args.get(0) or UNKNOWN, args.get(1)
        if handler is not None:
            entry = Tuple((event, handler, *args.positional[2:]))
            run.memory.write(owner.slots, "#handlers", (*owner.slots.get("#handlers", ()), entry))
        return handler
    if name == "run":
        if not owner.slots.get("#running"):
            run.memory.write(owner.slots, "#running", True)
            run_engine(run, owner, args.get(0, "data"), node)
            run.memory.write(owner.slots, "#running", False)
        return UNKNOWN
    return None


def run_engine(run: Run, engine: Obj, data: Value | None, node: ir.Call) -> None:
    batch = stages.batch_of(run, data, node)
    run.memory.write(engine.slots, "state", Data(label="state"))

    def epoch() -> None:
        fire(run, engine, "EPOCH_STARTED", node)
        fire(run, engine, "ITERATION_STARTED", node)
        process(run, engine, batch, node)
        fire(run, engine, "ITERATION_COMPLETED", node)
        fire(run, engine, "EPOCH_COMPLETED", node)

    fire(run, engine, "STARTED", node)
    stages.epochs(run, node, epoch)
    fire(run, engine, "COMPLETED", node)


def fire(run: Run, engine: Obj, event: str, node: ir.Call) -> None:
    """Run what is attached to an event; what is attached to a combination of events runs with the epoch's end."""
    for entry in engine.slots.get("#handlers", ()):
        wanted, handler, *more = entry.items
        name = wanted.name.rpartition(".")[2] if isinstance(wanted, Lib) else "EPOCH_COMPLETED"
        if name == event:
            given = (engine, *more)
            result = stages.call_value(run, handler, given, node)
            assert result is not None


def process(run: Run, engine: Obj, batch: Value, node: ir.Call) -> None:
    own = engine.slots.get("#process")
    if own is not None:
        stages.call_value(run, own, (engine, batch), node)
        return
    items, rest = iteration.elements(run, batch, node)
    first = items[0] if items else rest if rest is not None else UNKNOWN
    for net in stages.networks_in(engine.slots.get("#net")):
        training = bool(engine.slots.get("#training"))
        stages.switch(run, net, "train" if training else "eval", node, "the supervised engine")
        with stages.gradients(run, training, node):
            result = calls.call(run, net, Args((choose([first]),)), node)
            if training:
                stages.learn(run, result, stages.optimizers_in(run, engine.slots.get("#optimizer")), node)
