"""Functions and classes around a batch norm that ask whether they train: what they do with the answer, where it was written.

Questions about the text of the frames that are running; used where a batch norm is built or called. Runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.program.inside import children
from bnlint.story.frames import Frame
from bnlint.story.interpreter import objects
from bnlint.story.machine import Run
from bnlint.story.values import Choice, Const, Data, Func, Obj, Value

FLAG = re.compile(
    r"^_?(is_?|bn_?|phase_?|in_?)?(train|training|phase|train_?phase|training_?phase|phase_?train|train_?mode|training_?mode)"
    r"(_?(flag|bn|ph|status))?$",
    re.I,
)
"""parameters that ask for the mode"""
AMBIGUOUS = frozenset({"train", "phase", "in_train"})
"""names that data sets and steps have as well: they ask for the mode where they are given a truth value"""
KEYWORDS = frozenset({"training", "is_training"})
"""arguments that tell a layer its mode: a parameter that is handed on as one of them asks for the mode, whatever its name"""
CONDITIONALS = frozenset({"cond", "smart_cond", "in_train_phase", "case"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Names by which one function knows the answer: its parameters, or attributes of `self`."""

    names: frozenset[str]
    attributes: frozenset[str]


# --- dropped ---------------------------------------------------------------------------------


def dropped(run: Run, node: ir.Call, given: ir.Expr | None) -> str:
    """The parameter around a call that asks for the mode and has no say in it, "" if there is none.

    given: the expression that the call hands on as its flag, None for none.
    """
    if given is not None and not isinstance(given, ir.Const):
        return ""
    frames = list(around(run))
    for frame in frames:
        names = asking(frame) or (model_function(frame) if given is not None else [])
        if names:
            asked = Asked(frozenset(names), frozenset())
            return "" if has_a_say(frame, node, asked) else names[0]
    if frames and isinstance(frames[0].self_value, Obj):
        names = kept(run, frames[0].self_value)
        asked = Asked(frozenset(), frozenset((*names, *(f"_{name}" for name in names))))
        if names and not has_a_say(frames[0], node, asked):
            return f"self.{names[0]}"
    return ""


def around(run: Run) -> Iterator[Frame]:
    """The running function, and those in whose text it is defined."""
    frame: Frame | None = run.frames[-1]
    while frame is not None and frame.func is not None:
        yield frame
        outer = frame.scope.outer
        frame = next((other for other in reversed(run.frames) if other.scope is outer), None)


def asking(frame: Frame) -> list[str]:
    assert frame.func is not None
    handed = handed_on(frame.func.node)
    return [
        param.name
        for param in frame.func.node.params.items
        if (FLAG.match(param.name) or param.name in handed)
        and answers(frame.scope.table.get(param.name), param, param.name in handed)
    ]


@lru_cache(maxsize=256)
def handed_on(function: ir.Function | ir.Lambda) -> frozenset[str]:
    """The names that a function hands on to layers as their mode."""
    found: set[str] = set()
    stack: list[ir.Node] = list(function.body) if isinstance(function.body, tuple) else [function.body]
    while stack:
        part = stack.pop()
        if isinstance(part, ir.Call):
            given = [arg.value for arg in part.args if arg.keyword in KEYWORDS]
            found.update(value.id for value in given if isinstance(value, ir.Name))
        stack.extend(children(part))
    return frozenset(found)


def model_function(frame: Frame) -> list[str]:
    """The `mode` of an Estimator's `model_fn(features, labels, mode)`."""
    assert frame.func is not None
    names = {param.name for param in frame.func.node.params.items}
    return ["mode"] if {"features", "labels", "mode"} <= names else []


def answers(value: Value | None, param: ir.Param, handed: bool = False) -> bool:
    """Whether what a parameter holds may be a truth value; None is one where it is `handed` on as one."""
    if isinstance(value, Const):
        if value.value is None:
            return handed
        return isinstance(value.value, bool) or (type(value.value) is int and param.name.lower() not in AMBIGUOUS)
    if isinstance(value, Choice):
        return any(isinstance(option, Const) and isinstance(option.value, bool) for option in value.options)
    if not isinstance(value, Data):
        return False
    default = isinstance(param.default, ir.Const) and isinstance(param.default.value, bool)
    return value.kind == "placeholder" or default or param.name.lower() not in AMBIGUOUS


def kept(run: Run, owner: Obj) -> list[str]:
    """The parameters of an object's constructor that ask for the mode and were stored under their own name."""
    order = getattr(owner.cls, "order", ())
    init = objects.find(run, order, "__init__") if order else None
    if not isinstance(init, Func):
        return []
    return [
        param.name
        for param in init.node.params.items
        if FLAG.match(param.name) and any(answers(owner.slots.get(key), param) for key in (param.name, f"_{param.name}"))
    ]


def has_a_say(frame: Frame, node: ir.Call, asked: Asked) -> bool:
    """Whether a call is handed the answer, or happens in a branch that the answer decides."""
    assert frame.func is not None
    if any(mentions(arg, asked) for arg in node.args):
        return True
    return any(start <= node.start and node.end <= end for start, end in decided(frame.func.node, asked))


@lru_cache(maxsize=256)
def decided(function: ir.Function | ir.Lambda, asked: Asked) -> tuple[tuple[int, int], ...]:
    """The stretches of a function's text that run, or do not, by a condition over the answer."""
    body = function.body if isinstance(function.body, tuple) else (function.body,)
    names = set(asked.names)
    found: list[tuple[int, int]] = []
    stack: list[ir.Node] = list(reversed(body))
    while stack:
        part = stack.pop()
        now = Asked(frozenset(names), asked.attributes)
        if isinstance(part, ir.Assign) and mentions(part.value, now):
            names.update(target.id for target in part.targets if isinstance(target, ir.Name))
        tested = part.test if isinstance(part, (ir.If, ir.IfExp, ir.While)) else condition(part)
        if tested is not None and mentions(tested, now):
            left = isinstance(part, ir.If) and leaves(part)
            found.append((part.start, function.end if left else part.end))
        stack.extend(reversed(list(children(part))))
    return tuple(found)


def condition(part: ir.Node) -> ir.Expr | None:
    """The predicate of `tf.cond(...)` and its like."""
    if not isinstance(part, ir.Call) or not part.args:
        return None
    func = part.func
    name = func.attr if isinstance(func, ir.Attribute) else func.id if isinstance(func, ir.Name) else ""
    return part.args[0].value if name in CONDITIONALS else None


def leaves(part: ir.If) -> bool:
    return any(isinstance(inner, (ir.Return, ir.Raise)) for branch in (part.body, part.orelse) for inner in branch)


def mentions(node: ir.Node, asked: Asked) -> bool:
    stack: list[ir.Node] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, ir.Name) and part.id in asked.names:
            return True
        if isinstance(part, ir.Attribute) and part.attr in asked.attributes:
            return True
        stack.extend(children(part))
    return False


# --- written ---------------------------------------------------------------------------------


def written(run: Run, given: ir.Expr | None, flag: Value) -> Place | None:
    """Where the constant stands in the text that is a flag: in the call, in a call around it, or as a default.

    A flag that comes by a scope, a dict or an attribute is taken to be what the nearest function was told that asks for one.
    """
    if not isinstance(flag, Const):
        return None
    if given is not None:
        found = traced(run, given, len(run.frames) - 1)
        if found is not None:
            return found
    for at in range(len(run.frames) - 1, 0, -1):
        frame = run.frames[at]
        told = [name for name in asking(frame) if frame.scope.table.get(name) == flag] if frame.func is not None else []
        if told:
            return traced(run, ir.Name(0, 0, told[0]), at)
    return None


def traced(run: Run, node: ir.Expr, at: int) -> Place | None:
    """The place of the constant that an expression in the frame `at` was given as, through the calls around."""
    while isinstance(node, ir.Name) and at > 0:
        frame = run.frames[at]
        found = parameter(frame, node.id)
        if found is None:
            outer = frame.scope.outer
            if node.id in frame.scope.table or outer is None or outer.outer is None:
                return None
            at = next((place for place in range(at - 1, 0, -1) if run.frames[place].scope is outer), 0)
            continue
        node, inside = found
        at -= not inside
    return run.place(node, run.frames[at].scope.module) if isinstance(node, ir.Const) else None


def parameter(frame: Frame, name: str) -> tuple[ir.Expr, bool] | None:
    """The expression that a parameter was given, and whether it is the function's own default."""
    if frame.func is None or frame.given is None:
        return None
    given = frame.given
    for place, param in enumerate(frame.func.node.params.items):
        if param.name == name:
            offset = len(given.positional) - len(given.nodes)  # `self` is no expression of the call
            node = given.keyword_nodes.get(name)
            if node is None and 0 <= place - offset < len(given.nodes):
                node = given.nodes[place - offset]
            if node is not None:
                return node, False
            if name in given.keywords or place < len(given.positional) or param.default is None:
                return None
            return param.default, True
    return None
