"""Number literals and `...`. The same rules as in `expressions`."""

from __future__ import annotations

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.cursor import Cursor


def lower_integer(cursor: Cursor, node: cst.Integer) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    value = node.value
    start = cursor.find(value, cursor.pos)
    if not -1 < start < cursor.hash:
        start = cursor.seek(value)
    cursor.pos = end = start + len(value)
    if lpar:
        cursor.close(lpar)
    if len(value) < 19 and value.isdecimal():
        return ir.Const(start, end, int(value))
    return ir.Const(start, end, _number(value))


def _number(text: str) -> int | float:
    """An integer literal's value; as a float when it needs more than 64 bits."""
    try:
        number = int(text, 0)
    except ValueError:  # more digits than the interpreter likes to convert
        return float(text.replace("_", ""))
    if number < 1 << 63:
        return number
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def lower_float(cursor: Cursor, node: cst.Float) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    value = node.value
    start = cursor.token(value)
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Const(start, end, float(value.replace("_", "")))


def lower_imaginary(cursor: Cursor, node: cst.Imaginary) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token(node.value)
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Opaque(start, end)


def lower_ellipsis(cursor: Cursor, node: cst.Ellipsis) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token("...")
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Opaque(start, end)
