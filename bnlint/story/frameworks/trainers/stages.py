"""What trainers of all libraries do with a network: put it in a mode, record gradients or not, run the user's functions.

Knows no library: which function runs at which stage stands in the room of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bnlint.program import model as ir
from bnlint.story import recording
from bnlint.story.events import Mode, ModeSet, Stepped
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import switching, tensors
from bnlint.story.interpreter import calls, iteration, objects
from bnlint.story.joining import choose, flow_of
from bnlint.story.machine import Run
from bnlint.story.nesting import descendants
from bnlint.story.values import UNKNOWN, Bound, Cls, Const, Data, Func, Obj, Tuple, Value, options

NETWORKS = 3
"""how many alternatives of a network a trainer is followed with"""


def networks_in(value: Value | None) -> list[Obj]:
    """The modules that a value may be."""
    found = [option for option in options(value) if isinstance(option, Obj) and "#mode" in option.slots] if value else []
    return found[:NETWORKS]


# --- modes -----------------------------------------------------------------------------------


def switch(run: Run, net: Obj, mode: str, node: ir.Expr, how: str) -> None:
    """`net.train()` or `net.eval()`, also where the project overrides `train`."""
    own = switching.own_train(run, net)
    if own is not None:
        calls.call_function(run, own, Args((net, Const(mode == "train"))), node)
    else:
        switching.set_mode(run, net, frozenset({mode}), node, how)


def switch_unless_kept(run: Run, net: Obj, node: ir.Expr, how: str) -> None:
    """Train mode for what was in train mode; for what was in eval mode either: versions of the library differ there."""
    if switching.own_train(run, net) is not None:
        switch(run, net, "train", node, how)
        return
    parts = descendants(net)
    kept = [part for part in parts if any(mark.name == "eval" for mark in run.memory.read(part.slots, "#mode"))]
    modes = frozenset({"train", "eval"} if kept else {"train"})
    event = run.emit(ModeSet, node, net=net, modes=modes, how=how)
    both = frozenset({Mode("train", event.number), Mode("eval", event.number)})
    for part in kept:
        run.memory.write(part.slots, "#mode", both)


Modes = list[tuple[Obj, frozenset[Mode]]]


def modes_of(net: Obj) -> Modes:
    """The mode of a network and of everything below it, to be given back later."""
    return [(part, part.slots["#mode"]) for part in descendants(net)]


def give_back(run: Run, modes: Modes) -> None:
    for part, marks in modes:
        run.memory.write(part.slots, "#mode", marks)


@contextmanager
def gradients(run: Run, recorded: bool, node: ir.Expr) -> Iterator[None]:
    """Whether gradients are recorded while a stage runs."""
    before = recording.now(run)
    recording.switch(run, recorded, node)
    try:
        yield
    finally:
        recording.put_back(run, before)


# --- loops and data --------------------------------------------------------------------------


def epochs(run: Run, node: ir.Expr, body: Callable[[], object]) -> None:
    """Passes over the training data: two, so that the second sees what the first left behind."""
    place = run.place(node)
    for turn in range(1 if run.repeating() else 2):
        run.loops.append((place, turn))
        try:
            body()
        finally:
            run.loops.pop()


def batch_of(run: Run, loader: Value | None, node: ir.Expr) -> Value:
    """What a trainer hands on of a loader, or of several loaders in a list or dict."""
    if loader is None:
        return Data(kind="tensor")
    if isinstance(loader, Obj) and loader.lib == "dict":
        made = run.allocate(loader.cls, None)
        for key, part in loader.slots.items():
            known = not (isinstance(key, str) and key.startswith("#"))
            made.slots[key] = batch_of(run, part, node) if known else part
        return made
    items, rest = iteration.elements(run, loader, node)
    if items:  # several loaders, one after the other or side by side
        return choose([batch_of(run, item, node) for item in items])
    return rest if rest is not None else Data(kind="tensor")


# --- functions of the user -------------------------------------------------------------------


Named = dict[str, Value]


def own_method(run: Run, owner: Obj, name: str) -> Func | None:
    """The method of this name that the project defines for an object."""
    found = objects.find(run, owner.cls.order, name) if isinstance(owner.cls, Cls) else None
    return found if isinstance(found, Func) else None


def hook(run: Run, owner: Obj, name: str, given: tuple[Value, ...], node: ir.Expr, named: Named | None = None) -> Value:
    """Call a method that the user's class defines; unknown where it does not.

    given: arguments by position, as far as the method takes them; named: those that are handed over by name only if
    the method has a parameter of that name.
    """
    func = own_method(run, owner, name)
    return call_own(run, func, owner, given, node, named) if func is not None else UNKNOWN


def call_own(
    run: Run, func: Func, owner: Value | None, given: tuple[Value, ...], node: ir.Expr, named: Named | None = None
) -> Value:
    """Call a project function with those of the arguments that it takes."""
    params = [param for param in func.node.params.items if param.kind in ("plain", "positional")]
    starred = any(param.kind == "star" for param in func.node.params.items)
    bound = owner is not None and func.kind != "static"
    known = named or {}
    free = [param for param in params[bound:] if param.name not in known]
    keywords = {param.name: known[param.name] for param in params[bound:] if param.name in known}
    positional = given if starred else given[: len(free)]
    if keywords:  # by name, all of them: a named one may stand between the others
        keywords.update({param.name: value for param, value in zip(free, positional, strict=False)})
        positional = ()
    first: tuple[Value, ...] = (owner,) if bound and owner is not None else ()
    return calls.call_function(run, func, Args((*first, *positional), keywords), node)


def call_value(run: Run, value: Value, given: tuple[Value, ...], node: ir.Call) -> Value:
    """Call a function that was handed to a library, with those of the arguments that it takes."""
    if isinstance(value, Bound) and isinstance(value.func, Func):
        return call_own(run, value.func, value.self, given, node)
    if isinstance(value, Func):
        return call_own(run, value, None, given, node)
    return calls.call(run, value, Args(given), node)


# --- learning --------------------------------------------------------------------------------


def learn(run: Run, result: Value, optimizers: list[Obj], node: ir.Call) -> None:
    """What a training step returned is the loss, alone or under that name: its gradient reaches what made it."""
    flow, grad = flow_of(loss_of(result))
    if grad or flow:
        tensors.learn(run, flow, grad, node)
        for optimizer in optimizers:
            run.emit(Stepped, node, optimizer=optimizer)


def loss_of(result: Value) -> Value:
    if isinstance(result, Obj) and result.lib == "dict":
        found = result.slots.get("loss")
        return found if found is not None else result
    if isinstance(result, Tuple) and result.items:
        return result.items[0]
    if len(options(result)) > 1:
        return choose([loss_of(option) for option in options(result) if type(option) is not Const] or [UNKNOWN])
    return result


def optimizers_in(run: Run, value: Value | None, depth: int = 3) -> list[Obj]:
    """The optimisers in what a user's function returns: one, several, with or without schedulers."""
    found: list[Obj] = []
    for option in options(value) if value is not None else ():
        if isinstance(option, Obj) and option.lib.startswith("torch.optim.") and "lr_scheduler" not in option.lib:
            found.append(option)
        elif isinstance(option, Obj) and option.lib == "dict":
            found.extend(optimizers_in(run, option.slots.get("optimizer"), depth - 1) if depth else [])
        elif depth and (isinstance(option, Tuple) or (isinstance(option, Obj) and option.lib == "list")):
            items = option.items if isinstance(option, Tuple) else option.slots.get("#items", ())
            for item in items:
                found.extend(optimizers_in(run, item, depth - 1))
    return list(dict.fromkeys(found))
