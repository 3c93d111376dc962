"""From a place in the text to the nodes that stand there.

Needs the program only: the text is not kept. Costs one walk down the tree, so it is meant for places that are reported.
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.program.inside import children, nodes
from bnlint.program.model import Program


def path_to(program: Program, start: int, end: int) -> tuple[ir.Node, ...]:
    """The nodes around a stretch of the text (offsets, the end exclusive), outermost first.

    The last ones are those that cover exactly that stretch; empty when nothing covers it.
    """
    found: list[ir.Node] = []
    level = nodes(program.body)
    while True:
        inner = next((node for node in level if covers(node, start, end)), None)
        if inner is None:
            return tuple(found)
        found.append(inner)
        level = children(inner)


def covers(node: ir.Node, start: int, end: int) -> bool:
    return node.start <= start and end <= node.end


def offset(program: Program, row: int, column: int) -> int:
    """The offset of a row and a column, both from 1."""
    return program.lines[min(row, len(program.lines)) - 1] + column - 1


def scope_name(path: tuple[ir.Node, ...]) -> str:
    """The dotted name of the function or class around a place: `Trainer.evaluate`, "" in the body of a module."""
    return ".".join(node.name for node in path if isinstance(node, ir.Function | ir.Class))
