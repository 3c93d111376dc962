"""Short ways to lower a text and to look at what came of it, for the tests of this folder."""

from __future__ import annotations

from typing import Any

from bnlint.program import model as ir
from bnlint.program.lower import parse_program


def statement(text: str) -> Any:
    """The one statement of `text`."""
    (only,) = parse_program(text).body
    return only


def expression(text: str) -> Any:
    """The expression that `text` is."""
    only = statement(text)
    assert isinstance(only, ir.ExprStmt)
    return only.value


def shape(node: Any) -> Any:
    """A node without its places, as nested tuples that begin with the name of its class."""
    if isinstance(node, tuple):
        return tuple(shape(element) for element in node)
    if not isinstance(node, ir.Node):
        return node
    fields = [name for name in node.__struct_fields__ if name not in {"start", "end", "at"}]
    return (type(node).__name__, *(shape(getattr(node, name)) for name in fields))


def source(text: str, node: ir.Node) -> str:
    """What stands at the place of `node`."""
    return text[node.start : node.end]
