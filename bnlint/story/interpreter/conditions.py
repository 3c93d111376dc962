"""Conditions: what decides them, what they ask for while unknown, and what they tell about a variable.

A condition that cannot be decided has a symbol where it asks the same thing each time; two symbols that are equal get
the same answer on one path.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import lists
from bnlint.story.joining import choose, mix
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import (
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
    Symbol,
    Table,
    Tuple,
    Value,
    compound,
    options,
    truth,
)


def symbol_of(value: Value) -> Symbol | None:
    """What stands for an unknown value; None where two that are alike need not be equal, such as texts known in part."""
    if type(value) is Data or type(value) is Const:
        return None if value.symbol is not None and value.symbol[0] == "text" and None in value.symbol else value.symbol
    if isinstance(value, Bound) and type(value.self) is Data and value.self.symbol is not None and isinstance(value.func, str):
        return (".", value.self.symbol, value.func)
    return None


def decide(run: Run, value: Value) -> tuple[bool | None, Symbol | None, bool]:
    """Whether a condition holds if that is known; else the symbol it asks for, and whether directly or negated."""
    decided = truth(value)
    symbol = symbol_of(value)
    if decided is not None and not (type(value) is Const and value.assumed) and not isinstance(value, Bound):
        return decided, None, True
    if symbol is None:
        return (None, None, True) if type(value) in (Data, Const, Choice, Tuple, Obj, Bound) else (decided, None, True)
    positive = True
    while symbol[0] == "not":
        symbol, positive = symbol[1], not positive
    known = run.memory.read(run.known, symbol)  # what was supposed by a caller is something that a call depends on
    if known is not MISSING:
        return known is positive, None, True
    return None, symbol, positive


def default_of(value: Value, positive: bool) -> bool | None:
    """What the symbol of a condition is when options are left at their defaults, None if no option is asked."""
    if type(value) is Const and value.assumed:
        return bool(value.value) is positive
    return None


def narrow(run: Run, test: ir.Expr) -> tuple[Table, str, Value, Value] | None:
    """For `if x is None:`, `if x:` and their negations over a variable that may be None: its value on both sides."""
    flip = False
    while isinstance(test, ir.Unary) and test.op == "not":
        test, flip = test.operand, not flip
    target = test
    is_none = False
    if isinstance(test, ir.Compare) and len(test.rest) == 1:
        op, other = test.rest[0]
        if not (op in ("is", "is not", "==", "!=") and isinstance(other, ir.Const) and other.value is None):
            return None
        target, is_none = test.left, True
        if op in ("is not", "!="):
            flip = not flip
    if not isinstance(target, ir.Name) or target.id not in run.frame.scope.table:
        return None
    table = run.frame.scope.table
    value = table[target.id]
    if not isinstance(value, Choice):
        return None
    none = [option for option in value.options if type(option) is Const and option.value is None]
    some = [option for option in value.options if not (type(option) is Const and option.value is None)]
    if not none or not some:
        return None
    when_none, when_some = none[0], choose(some)
    first, second = (when_none, when_some) if is_none else (when_some, value)
    return (table, target.id, second, first) if flip else (table, target.id, first, second)


# --- comparisons -----------------------------------------------------------------------------

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

NEGATED = {"!=": "==", "is not": "is", "not in": "in", ">=": "<", "<=": ">"}
"""a comparison -> the one that it is the negation of (numbers that are no numbers aside)"""


def compare_two(run: Run, op: str, left: Value, right: Value) -> Value:
    if isinstance(left, Choice) or isinstance(right, Choice):
        if len(options(left)) * len(options(right)) <= 12:
            return choose([compare_two(run, op, a, b) for a in options(left) for b in options(right)])
        return UNKNOWN
    if op in ("is", "is not", "==", "!="):
        same = identical(left, right)
        if same is not None:
            return Const(same is (op in ("is", "==")))
    if type(left) is Const and type(right) is Const:
        if op in COMPARISONS:
            assumed = left.assumed or right.assumed
            try:
                answer = bool(COMPARISONS[op](left.value, right.value))
            except TypeError:
                return UNKNOWN
            return Const(answer, assumed, compared(op, left, right)) if assumed else Const(answer)
        known_texts = isinstance(left.value, str) and isinstance(right.value, str) and not (left.assumed or right.assumed)
        if op in ("in", "not in") and known_texts:
            return Const((str(left.value) in str(right.value)) is (op == "in"))
    if op in ("in", "not in") and type(left) is Const and not left.assumed:
        known = lists.known_constants(right)
        if known is not None:
            return Const((left.value in known) is (op == "in"))
    return Data(mix([left, right]).flow, symbol=compared(op, left, right))


def compared(op: str, left: Value, right: Value) -> Symbol | None:
    """The symbol of a comparison of something unknown."""
    symbol: Symbol | None = None
    a, b = symbol_of(left), symbol_of(right)
    if a is not None or b is not None:
        a_key = a or (left.value if type(left) is Const else None if type(left) is not Lib else left.name)
        b_key = b or (right.value if type(right) is Const else None if type(right) is not Lib else right.name)
        if op in NEGATED:
            asked = compound(NEGATED[op], a_key, b_key)
            symbol = ("not", asked) if asked is not None else None
        else:
            symbol = compound(op, a_key, b_key)
        if b_key is None and type(right) is not Const:
            symbol = None
    return symbol


CONTAINING = frozenset({"startswith", "endswith", "__contains__"})
ASKING = CONTAINING | {"get", "is_available", "lower", "upper", "strip", "exists", "is_file", "is_dir"}


def asked(owner: Value, name: str, args: Args) -> Value | None:
    """A question with known arguments to something unknown: the same answer every time."""
    if type(owner) is not Data or owner.symbol is None or name not in ASKING or (owner.flow and name not in CONTAINING):
        return None
    given = [value.value for value in args.positional if type(value) is Const]
    if len(given) < len(args.positional) or args.keywords:
        return None
    if name == "__contains__" and given:
        return Data(owner.flow, symbol=compound("in", given[0], owner.symbol))
    return Data(owner.flow, symbol=compound(name, owner.symbol, *given))


def layer_class(lib: Lib) -> bool:
    """Whether a library name has one spelling only: a class of layers."""
    root, _, last = lib.name.rpartition(".")
    return root in ("torch.nn", "keras.layers") and last[:1].isupper()


def identical(left: Value, right: Value) -> bool | None:
    """Whether two values are equal, where that can be told."""
    if type(left) is Const and type(right) is Const:
        if left.assumed or right.assumed:
            # no command line makes None of an option that has another default
            never = (left.value is None) is not (right.value is None) and (left if left.value is not None else right).assumed
            return False if never else None
        return (left.value == right.value and isinstance(left.value, bool) == isinstance(right.value, bool)) or (
            left.value == right.value
        )
    if isinstance(left, (Obj, Cls, Func)) and isinstance(right, (Obj, Cls, Func)):
        return True if left is right else False if isinstance(left, Cls) or isinstance(right, Cls) else None
    if isinstance(left, Lib) and isinstance(right, Lib):
        return left.name == right.name or (None if not (layer_class(left) and layer_class(right)) else False)
    for value, other in ((left, right), (right, left)):
        if type(value) is Const and value.value is None and isinstance(other, (Obj, Cls, Func, Tuple, Module, Bound)):
            if isinstance(other, Bound) and symbol_of(other) is not None:
                return None
            return False
    return None
