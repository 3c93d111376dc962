"""The nodes directly inside a node of a program."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from bnlint.program import model as ir


def children(node: ir.Node) -> Iterator[ir.Node]:
    """Every node that a node holds itself, also those in tuples of tuples, in the order of the fields."""
    for name in fields(type(node)):
        yield from nodes(getattr(node, name))


def nodes(value: object) -> Iterator[ir.Node]:
    if isinstance(value, ir.Node):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from nodes(part)


@cache
def fields(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node that may hold other nodes."""
    plain = ("start", "end", "at", "name", "attr", "op", "kind", "names", "module", "level", "star", "keyword", "from_")
    return tuple(name for name in kind.__struct_fields__ if name not in plain and kind is not ir.Const)  # type: ignore[attr-defined]
