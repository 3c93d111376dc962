"""What switches the mode of modules: `train()`, `eval()`, the flag `training`, and code that is not followed."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Mode, ModeSet
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import freezing, kinds
from bnlint.story.interpreter import calls, conditions, objects, raising
from bnlint.story.machine import Run
from bnlint.story.nesting import WALK_LIMIT, children, descendants
from bnlint.story.values import UNKNOWN, Cls, Const, Data, Func, Obj, Value, options, truth


def set_mode(run: Run, obj: Obj, modes: frozenset[str], node: ir.Expr, how: str) -> None:
    """Put a module and everything below it into one of these modes, as `Module.train(mode)` does."""
    raising.may_raise(run)
    event = run.emit(ModeSet, node, net=obj, modes=modes, how=how)
    if "eval" in modes:
        kinds.treated(run, obj, "eval", node)
    marks = frozenset(Mode(mode, event.number) for mode in modes)
    thaw = freezing.Thaw(run, event)
    seen: set[int] = set()
    stack = [obj]
    while stack and len(seen) < WALK_LIMIT:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        own = own_train(run, current) if current is not obj else None
        if own is not None:
            argument = Const(modes == {"train"}) if len(modes) == 1 else UNKNOWN
            calls.call_function(run, own, Args((current, argument)), node)
            continue
        thaw.before(current)
        run.memory.write(current.slots, "#mode", marks)
        run.memory.remove(current.slots, "training")  # a value that was assigned to the flag
        stack.extend(children(current))
    thaw.finish(seen, node)


UNKNOWN_MODE = frozenset({Mode("train", -1), Mode("eval", -1)})


def forget_mode(run: Run, obj: Obj) -> None:
    """Something may have switched a module, or parts of it, that is not known."""
    if obj.slots["#mode"] != UNKNOWN_MODE:
        for part in descendants(obj):
            run.memory.write(part.slots, "#mode", UNKNOWN_MODE)


def own_train(run: Run, obj: Obj) -> Func | None:
    """The `train` that a project class defines for itself."""
    if isinstance(obj.cls, Cls):
        found = objects.find(run, obj.cls.order, "train")
        if isinstance(found, Func) and len(found.node.params.items) in (1, 2):
            return found
    return None


def train(run: Run, obj: Obj, args: Args, node: ir.Expr) -> Value:
    argument = args.get(0, "mode")
    if argument is None:
        set_mode(run, obj, frozenset({"train"}), node, "train()")
    else:
        given_mode(run, obj, argument, node, "train({})")
    return obj


def given_mode(run: Run, obj: Obj, argument: Value, node: ir.Expr, how: str) -> None:
    """Put a module and everything below it into the mode that a value says; `how` has a place for the value."""
    decided, symbol, positive = conditions.decide(run, argument)
    if decided is not None:
        set_mode(run, obj, frozenset({"train" if decided else "eval"}), node, how.format(decided))
    elif symbol is not None:

        def side(mode: str) -> int:
            set_mode(run, obj, frozenset({mode}), node, how.format("..."))
            return 0

        first, second = ("train", "eval") if positive else ("eval", "train")
        run.fork([lambda: side(first), lambda: side(second)], symbol)
    else:
        set_mode(run, obj, argument_modes(argument), node, how.format("..."))


def argument_modes(argument: Value) -> frozenset[str]:
    answers = {truth(option) for option in options(argument)}
    found = {"train" if answer else "eval" for answer in answers if answer is not None}
    return frozenset({"train", "eval"}) if None in answers else frozenset(found)


def evaluate(run: Run, obj: Obj, args: Args, node: ir.Expr) -> Value:
    """`eval()` is `train(False)`, also through an override."""
    own = own_train(run, obj)
    if own is not None:
        calls.call_function(run, own, Args((obj, Const(False))), node)
    else:
        set_mode(run, obj, frozenset({"eval"}), node, "eval()")
    return obj


def training_flag(run: Run, obj: Obj) -> Value:
    """What `obj.training` reads."""
    marks: frozenset[Mode] = run.memory.read(obj.slots, "#mode")
    modes = {mark.name for mark in marks}
    if len(modes) == 1:
        return Const(modes == {"train"}, symbol=("mode", obj.serial, marks))
    return Data(symbol=("mode", obj.serial, marks))
