"""What arithmetic gives for known and for unknown numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bnlint.story.interpreter import computed, conditions, lists, strings
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Const, Data, Tuple, Value, compound

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def apply(run: Run, op: str, left: Value, right: Value) -> Value:
    """`left op right`; numbers are computed while they stay small."""
    if type(left) is Const and type(right) is Const:
        a, b = left.value, right.value
        if isinstance(a, (int, float)) and isinstance(b, (int, float)) and op in OPERATORS and abs(a) < 1e9 and abs(b) < 1e9:
            try:
                return Const(OPERATORS[op](a, b), left.assumed or right.assumed)
            except (ZeroDivisionError, OverflowError, ValueError):
                return UNKNOWN
        if op == "+" and isinstance(a, str) and isinstance(b, str) and len(a) + len(b) < strings.LIMIT:
            return Const(a + b, left.assumed or right.assumed)
        if op == "%" and isinstance(a, str):
            return strings.formatted(left, [right])
        return UNKNOWN
    if op == "%" and type(left) is Const and isinstance(left.value, str) and (type(right) is Data or isinstance(right, Tuple)):
        values: tuple[Value, ...] = right.items if isinstance(right, Tuple) else (right,)
        return strings.formatted(left, list(values)) if not isinstance(right, Tuple) or right.rest is None else UNKNOWN
    if op == "+":
        joined = lists.concatenate(run, left, right)
        if joined is not None:
            return joined
    if op == "*":
        repeated = lists.repeated(run, left, right)
        if repeated is not None:
            return repeated
    result = mix([left, right])
    batches = [value for value in (left, right) if type(value) is Data and value.batch is not None]
    if batches:
        first = max(batches, key=lambda value: value.batch or 0)
        result = replace(result, batch=first.batch, assumed=first.assumed)
    a_symbol, b_symbol = conditions.symbol_of(left), conditions.symbol_of(right)
    if (a_symbol or b_symbol) and not result.flow:
        a_key = a_symbol or (left if type(left) is Const else None)
        b_key = b_symbol or (right if type(right) is Const else None)
        if a_key is not None and b_key is not None:
            return replace(result, symbol=compound(op, a_key, b_key))
    if op == "+" and not result.flow and any(type(value) is Const and isinstance(value.value, str) for value in (left, right)):
        return replace(result, symbol=compound("text", *computed.parts_of(left), *computed.parts_of(right)))
    return result
