"""Known strings: their methods and `%` formatting, as far as scopes, keys and names need them."""

from __future__ import annotations

import re

from bnlint.story.framework import Args
from bnlint.story.interpreter import computed
from bnlint.story.values import UNKNOWN, Const, Tuple, Value

LIMIT = 4096
WIDE = re.compile(r"\d{4}|\*|\{[^{}]*\{")
"""a width that could make a string of any size"""
SAME = frozenset({"lower", "upper", "strip", "lstrip", "rstrip", "replace", "title", "capitalize"})
ASKING = frozenset({"startswith", "endswith", "isdigit", "find", "rfind", "count"})


def formatted(pattern: Const, values: list[Value]) -> Value:
    """`pattern % values`"""
    known = [value for value in values if type(value) is Const]
    if not isinstance(pattern.value, str) or WIDE.search(pattern.value):
        return UNKNOWN
    if len(known) != len(values):
        return computed.formatted(pattern.value, values)
    try:
        result = pattern.value % tuple(value.value for value in known)
    except (TypeError, ValueError, OverflowError, MemoryError):
        return UNKNOWN
    return Const(result, any(value.assumed for value in known)) if len(result) < LIMIT else UNKNOWN


def method(owner: str, assumed: bool, name: str, args: Args) -> Value | None:
    """A method of a known string with known arguments; None where it cannot be told."""
    if args.star is not None or args.double_star is not None:
        return None
    given: list[object] = []
    for value in args.positional:
        if isinstance(value, Tuple) and value.rest is None and all(type(item) is Const for item in value.items):
            given.append(tuple(item.value for item in value.items if type(item) is Const))
        elif type(value) is Const:
            given.append(value.value)
            assumed = assumed or value.assumed
        else:
            return computed.formatted(owner, list(args.positional)) if name == "format" and not args.keywords else None
    named = {key: value.value for key, value in args.keywords.items() if type(value) is Const}
    if len(named) != len(args.keywords) or name not in SAME | ASKING | {"format"} or (name == "format" and WIDE.search(owner)):
        return None
    try:
        result = getattr(owner, name)(*given, **named)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError, MemoryError):
        return None
    return Const(result, assumed) if not isinstance(result, str) or len(result) < LIMIT else None
