"""Which branches only one of several processes takes: `if rank == 0:`, `if is_main_process():`."""

from __future__ import annotations

import re

from bnlint.program import model as ir

RANK = re.compile(r"^(get_)?(global_|local_|node_|world_|my_)?rank$|^gpu_?(id|idx)?$|^proc(ess)?_?(id|idx|index|rank)$", re.I)
MAIN = re.compile(r"^_?(is|am)_(main|master|local_main|local_master|global_zero|rank_?(zero|0)|primary|first|chief)", re.I)
"""names by which training code calls the number of a process, and the question whether it is the first"""
FIRST = (0, -1)


def one_takes(test: ir.Expr) -> bool:
    """Whether a condition holds in one process only, by what it asks for."""
    if isinstance(test, ir.Boolean):
        left, right = one_takes(test.left), one_takes(test.right)
        return left or right if test.op == "and" else left and right
    if isinstance(test, ir.Unary):
        return test.op == "not" and bool(RANK.match(called(test.operand)))
    if isinstance(test, ir.Compare):
        if len(test.rest) != 1 or not RANK.match(called(test.left)):
            return False
        op, other = test.rest[0]
        if op == "in" and isinstance(other, ir.Sequence):
            return all(number(item) in FIRST for item in other.elements)
        return (op in ("==", "is") and number(other) in FIRST) or (op in ("<", "<=") and number(other) in (1, *FIRST))
    return bool(MAIN.match(called(test)))


def called(node: ir.Expr) -> str:
    """The last name of what is asked: of a variable, an attribute or a call."""
    if isinstance(node, ir.Call):
        node = node.func
    return node.attr if isinstance(node, ir.Attribute) else node.id if isinstance(node, ir.Name) else ""


def number(node: ir.Expr) -> object:
    if isinstance(node, ir.Unary) and node.op == "-" and isinstance(node.operand, ir.Const):
        return -node.operand.value if isinstance(node.operand.value, int) else None
    return node.value if isinstance(node, ir.Const) and type(node.value) is int else None
