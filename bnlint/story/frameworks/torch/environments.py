"""Reinforcement learning: which values are environments, and what acting in one tells about the networks that chose."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Acted
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch.tensors import mark
from bnlint.story.interpreter import objects
from bnlint.story.joining import flow_of
from bnlint.story.machine import Run
from bnlint.story.values import Cls, Data, Func, Obj, Token, Tuple, Value

WORDS = ("env", "game", "world", "simulator", "gym")


def is_environment(run: Run, obj: Obj) -> bool:
    """Whether an instance of a project class is an environment: it steps and resets, and holds no network or optimiser."""
    if not isinstance(obj.cls, Cls) or "#mode" in obj.slots:
        return False
    if not all(isinstance(objects.find(run, obj.cls.order, name), Func) for name in ("step", "reset")):
        return False
    return not any(
        isinstance(value, Obj) and ("#mode" in value.slots or "#params" in value.slots) for value in obj.slots.values()
    )


def method(run: Run, name: str, args: Args, node: ir.Call) -> Value:
    """`step(action)` or `reset()` of an environment: acting, and an observation."""
    action = args.get(0) or next(iter(args.keywords.values()), None)
    if name == "step" and action is not None:
        act(run, action, node)
    return observation(run)


def step(run: Run, owner: Value, args: Args, node: ir.Call) -> Value | None:
    """`env.step(action)` of something that is known as an environment by its library or its name."""
    action = args.get(0, "action") or args.get(0, "actions")
    if action is None:
        return None
    kind = owner.kind if type(owner) is Data else ""
    if kind != "environment" and not any(word in owner_label(owner, node).lower() for word in WORDS):
        return None
    act(run, action, node)
    return Tuple((), observation(run))


def act(run: Run, action: Value, node: ir.Call) -> None:
    flow = flow_of(action)[0]
    forwards = frozenset(token.ref for token in flow if token.kind == "forward")
    event = run.emit(Acted, node, forwards=forwards)
    for each in forwards:
        mark(run, each, "acting", event.where)


def observation(run: Run) -> Data:
    run.serial += 1
    return Data(frozenset({Token("observation", run.serial)}))


def owner_label(owner: Value, node: ir.Call) -> str:
    """The name under which the owner of a method is known in the text."""
    func = node.func
    if isinstance(func, ir.Attribute):
        if isinstance(func.value, ir.Name):
            return func.value.id
        if isinstance(func.value, ir.Attribute):
            return func.value.attr
    return owner.label if type(owner) is Data else ""
