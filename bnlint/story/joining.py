"""Values of several paths or parts made into one: choices, joins, and what influenced a value."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

from bnlint.story.values import (
    FIELDS,
    NO_TOKENS,
    UNKNOWN,
    Bound,
    Choice,
    Cls,
    Const,
    Data,
    Func,
    Lib,
    Module,
    Obj,
    Partial,
    Token,
    Tuple,
    Value,
    options,
)

FLOW_DEPTH = 3
FLOW_WIDTH = 64
FLOW_PARTS = 512
"""how deep containers are searched for what influenced them, and how many parts of one and of all are looked at"""
MAX_OPTIONS = 6
NETWORKS = 3
"""how many networks stand for more than that many options"""
MAX_CALLABLES = 100
"""a factory may know many classes by name"""


def choose(values: list[Value]) -> Value:
    """One value for several possible ones; more than a few different ones are unknown data."""
    if len(values) == 1:
        return values[0]
    found: list[Value] = []
    constants: set[Const] = set()
    data: Data | None = None
    for value in values:
        for option in options(value):
            if type(option) is Data:
                data = option if data is None or data is option else join_data(data, option)
            elif len(found) > (MAX_OPTIONS if type(option) is Tuple else MAX_CALLABLES):
                data = join_data(data, mix([option])) if data is not None else mix([option])
            elif type(option) is Const:
                if option not in constants:
                    constants.add(option)
                    found.append(option)
            elif not any(option is seen or (type(option) is type(seen) and option == seen) for seen in found):
                found.append(option)
    if data is not None:
        found.append(data)
    if len(found) == 1:
        return found[0]
    if len(found) > MAX_OPTIONS or not found:
        callables = all(isinstance(option, (Cls, Func, Lib, Module, Partial)) for option in found)
        if not callables or len(found) > MAX_CALLABLES or not found:
            found = few_networks(found)
            if not 0 < len(found) <= MAX_OPTIONS:
                return mix(found)
    contrary = [option for value in values if isinstance(value, Choice) for option in value.contrary]
    weak = any(isinstance(value, Choice) and value.weak for value in values)
    return Choice(tuple(found), tuple(option for option in found if any(option is other for other in contrary)), weak)


def few_networks(found: list[Value]) -> list[Value]:
    """Of many networks that may be meant a few stand for all: first those that the defaults of options choose."""
    networks = [value for value in found if isinstance(value, Obj) and "#mode" in value.slots]
    networks.sort(key=lambda network: bool(network.slots.get("#contrary")))
    return [value for value in found if not any(value is network for network in networks[NETWORKS:])]


def join_data(a: Data, b: Data) -> Data:
    if a is b or a == b:
        return a
    same = a.batch == b.batch
    return Data(
        a.flow | b.flow,
        a.grad | b.grad,
        a.batch if same else None,
        a.assumed or b.assumed,
        a.parts if a.parts == b.parts else (),
        a.symbol if a.symbol == b.symbol else None,
        a.label if a.label == b.label else "",
        a.kind if a.kind == b.kind else "",
        a.form if b.form is None or a.form == b.form else b.form if a.form is None else None,
        a.shape if a.shape == b.shape else None,
    )


def join(a: Any, b: Any) -> Any:
    """The value of a location after two paths met: also for sets of modes and for what is only bookkeeping."""
    if a is b:
        return a
    if isinstance(a, frozenset) and isinstance(b, frozenset):
        return a | b
    if isinstance(a, (bool, int, str)) or isinstance(b, (bool, int, str)) or a is None or b is None:
        return a if b is None else b
    if isinstance(a, tuple) and isinstance(b, tuple):
        return join_items(a, b)
    return choose([a, b])


def join_items(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """Element lists of two paths: those of the longer one, joined where both have one."""
    if len(a) < len(b):
        a, b = b, a
    return tuple(x if x is y else join(x, y) for x, y in zip(a, b, strict=False)) + a[len(b) :]


def flow_of(value: Value, depth: int = FLOW_DEPTH) -> tuple[frozenset[Token], frozenset[Token]]:
    """Everything that influenced a value, and what of it a gradient reaches; looks into containers."""
    kind = type(value)
    if kind is Data:
        return value.flow, value.grad  # type: ignore[union-attr]
    if kind is Const or kind is Lib or kind is Func or kind is Cls:
        return NO_TOKENS, NO_TOKENS
    flow, grad = NO_TOKENS, NO_TOKENS
    level = parts_of(value)
    left = FLOW_PARTS
    for _ in range(depth):
        deeper: list[Value] = []
        for part in level[:left]:
            if type(part) is Data:
                flow = flow | part.flow if flow else part.flow
                grad = grad | part.grad if grad else part.grad
            else:
                deeper.extend(parts_of(part))
        left -= len(level)
        if not deeper or left <= 0:
            break
        level = deeper
    return flow, grad


def parts_of(value: Value) -> list[Value]:
    """What a container, a choice or a bound method holds, as far as its influence on others goes."""
    kind = type(value)
    if kind is Const or kind is Lib:
        return []
    if isinstance(value, Tuple):
        return [*value.items[:FLOW_WIDTH], *([value.rest] if value.rest is not None else [])]
    if isinstance(value, Choice):
        return list(value.options)
    if isinstance(value, Bound):
        return [value.self]
    if not isinstance(value, Obj):
        return []
    if FIELDS in value.slots:
        return [value.slots.get(name, UNKNOWN) for name in value.slots[FIELDS]]
    if not isinstance(value.cls, Lib):
        return []
    slots = value.slots
    found: list[Value] = [slots["#flow"]] if isinstance(slots.get("#flow"), Data) else []
    if value.lib in ("list", "set", "dict"):
        if "#rest" in slots and not slots.get("#closed"):
            found.append(slots["#rest"])
        found.extend(slots.get("#items", ())[:FLOW_WIDTH])
        if value.lib == "dict":
            known = (part for key, part in slots.items() if not (isinstance(key, str) and key.startswith("#")))
            found.extend(islice(known, FLOW_WIDTH))
    return found


def mix(values: list[Value] | tuple[Value, ...]) -> Data:
    """Unknown data made of these values."""
    flow, grad = NO_TOKENS, NO_TOKENS
    for value in values:
        more = flow_of(value)
        flow, grad = flow | more[0], grad | more[1]
    if not flow and not grad:
        return UNKNOWN
    return Data(flow, grad)


def detached(value: Data) -> Data:
    return replace(value, grad=NO_TOKENS) if value.grad else value
