"""Expressions: one function per libcst node class, from the node to ours.

Each function takes the cursor at any place before the expression's first token (its own parentheses included) and
leaves it right after its last one. Written for speed: every leaf inlines the cursor's `token`, and nothing here may
call an isinstance chain, a visitor or a matcher. Functions must visit children in the order of the text.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.cursor import Cursor, Lower
from bnlint.program.numbers import lower_ellipsis, lower_float, lower_imaginary, lower_integer
from bnlint.program.strings import lower_concatenation, lower_formatted, lower_string, lower_template

_LONGEST = 512
_SHOWN = 64
"""A list, tuple, set or dict of more than `_LONGEST` constants is a table: only its first `_SHOWN` elements are kept."""

_NAMED = {"None": None, "True": True, "False": False}
_BINARY = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//", cst.Modulo: "%",
    cst.Power: "**", cst.MatrixMultiply: "@", cst.LeftShift: "<<", cst.RightShift: ">>", cst.BitAnd: "&",
    cst.BitOr: "|", cst.BitXor: "^",
}  # fmt: skip
_UNARY: dict[type, Any] = {cst.Not: "not", cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~"}
_COMPARE = {
    cst.Equal: "==", cst.NotEqual: "!=", cst.LessThan: "<", cst.GreaterThan: ">", cst.LessThanEqual: "<=",
    cst.GreaterThanEqual: ">=", cst.In: "in", cst.NotIn: "not in", cst.Is: "is", cst.IsNot: "is not",
}  # fmt: skip


# --- names -----------------------------------------------------------------------------------


def _name(cursor: Cursor, node: cst.Name) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    value = node.value
    start = cursor.find(value, cursor.pos)
    if not -1 < start < cursor.hash:
        start = cursor.seek(value)
    cursor.pos = end = start + len(value)
    if lpar:
        cursor.close(lpar)
    if value in _NAMED:
        return ir.Const(start, end, _NAMED[value])
    return ir.Name(start, end, value)


# --- attributes, calls, subscripts -----------------------------------------------------------


def _attribute(cursor: Cursor, node: cst.Attribute) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    inner = node.value
    start = cursor.seek("(") if inner.lpar else -1  # the parentheses of the first child are inside of this node
    value = cursor.lower[type(inner)](cursor, inner)
    attr = node.attr.value
    at = cursor.find(attr, cursor.pos)
    if not -1 < at < cursor.hash:
        at = cursor.seek(attr)
    cursor.pos = end = at + len(attr)
    if lpar:
        cursor.close(lpar)
    return ir.Attribute(value.start if start < 0 else start, end, value, attr, at)


def _call(cursor: Cursor, node: cst.Call) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    inner = node.func
    start = cursor.seek("(") if inner.lpar else -1
    func = cursor.lower[type(inner)](cursor, inner)
    pos = cursor.pos
    if cursor.text.startswith("()", pos):
        cursor.pos = end = pos + 2
        args: tuple[ir.Arg, ...] = ()
    else:
        cursor.token("(")
        args = lower_arguments(cursor, node.args)
        cursor.token(")")
        end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Call(func.start if start < 0 else start, end, func, args)


def lower_arguments(cursor: Cursor, nodes: Any) -> tuple[ir.Arg, ...]:
    """The arguments of a call, or the bases and keywords of a class."""
    args = []
    lower = cursor.lower
    for node in nodes:
        value_node = node.value
        star = node.star
        keyword = node.keyword
        if keyword is not None:
            keyword = keyword.value
            start = cursor.find(keyword, cursor.pos)
            if not -1 < start < cursor.hash:
                start = cursor.seek(keyword)
            cursor.pos = start + len(keyword)
            value = lower[type(value_node)](cursor, value_node)
        elif star:
            start = cursor.token(star)
            value = lower[type(value_node)](cursor, value_node)
        elif value_node.lpar:
            start = cursor.seek("(")
            value = lower[type(value_node)](cursor, value_node)
        else:
            value = lower[type(value_node)](cursor, value_node)
            start = value.start
        args.append(ir.Arg(start, cursor.pos, value, keyword, star))
    return tuple(args)


def _subscript(cursor: Cursor, node: cst.Subscript) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    inner = node.value
    start = cursor.seek("(") if inner.lpar else -1
    value = cursor.lower[type(inner)](cursor, inner)
    cursor.token("[")
    elements = node.slice
    if len(elements) == 1 and type(elements[0].comma) is not cst.Comma:
        index = _index(cursor, elements[0].slice)
    else:
        indices = tuple([_index(cursor, element.slice) for element in elements])
        index = ir.Sequence(indices[0].start, cursor.pos, "tuple", indices)
    cursor.token("]")
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Subscript(value.start if start < 0 else start, end, value, index)


def _index(cursor: Cursor, node: Any) -> ir.Expr:
    if type(node) is cst.Index:
        value_node = node.value
        if not node.star:
            return cursor.lower[type(value_node)](cursor, value_node)
        start = cursor.token("*")
        value = cursor.lower[type(value_node)](cursor, value_node)
        return ir.Starred(start, cursor.pos, value)
    start, lower = _optional(cursor, node.lower)
    colon = cursor.token(":")
    if start < 0:
        start = colon
    _, upper = _optional(cursor, node.upper)
    step = None
    if type(node.second_colon) is cst.Colon:
        cursor.token(":")
        _, step = _optional(cursor, node.step)
    return ir.Slice(start, cursor.pos, lower, upper, step)


def _optional(cursor: Cursor, node: Any) -> tuple[int, ir.Expr | None]:
    if node is None:
        return -1, None
    start = cursor.seek("(") if node.lpar else -1
    value = cursor.lower[type(node)](cursor, node)
    return (value.start if start < 0 else start), value


# --- displays --------------------------------------------------------------------------------


def _elements(cursor: Cursor, nodes: Any) -> tuple[ir.Expr, ...]:
    elements = []
    lower = cursor.lower
    for node in nodes:
        if type(node) is cst.Element:
            value_node = node.value
            elements.append(lower[type(value_node)](cursor, value_node))
        else:
            elements.append(_starred(cursor, node))
    if len(elements) > _LONGEST and all(type(element) is ir.Const for element in elements):
        del elements[_SHOWN:]
    return tuple(elements)


def _starred(cursor: Cursor, node: Any) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token("*")
    value_node = node.value
    value = cursor.lower[type(value_node)](cursor, value_node)
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Starred(start, end, value)


def _tuple(cursor: Cursor, node: cst.Tuple) -> ir.Expr:
    lpar = node.lpar
    nodes = node.elements
    if not nodes:  # the one pair of parentheses that is the node itself
        cursor.open(lpar[:-1])
        start = cursor.token("(")
        cursor.token(")")
        end = cursor.pos
        cursor.close(lpar[:-1])
        return ir.Sequence(start, end, "tuple", ())
    cursor.open(lpar)
    first = nodes[0]
    start = cursor.seek("(") if type(first) is cst.Element and first.value.lpar else -1
    elements = _elements(cursor, nodes)
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Sequence(elements[0].start if start < 0 else start, end, "tuple", elements)


def _list(cursor: Cursor, node: cst.List) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    start = cursor.token("[")
    elements = _elements(cursor, node.elements)
    cursor.token("]")
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Sequence(start, end, "list", elements)


def _set(cursor: Cursor, node: cst.Set) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token("{")
    elements = _elements(cursor, node.elements)
    cursor.token("}")
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Sequence(start, end, "set", elements)


def _dict(cursor: Cursor, node: cst.Dict) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token("{")
    lower = cursor.lower
    items: list[tuple[ir.Expr | None, ir.Expr]] = []
    for element in node.elements:
        value_node = element.value
        if type(element) is cst.DictElement:
            key_node = element.key
            key = lower[type(key_node)](cursor, key_node)
            items.append((key, lower[type(value_node)](cursor, value_node)))
        else:
            cursor.token("**")
            items.append((None, lower[type(value_node)](cursor, value_node)))
    if len(items) > _LONGEST and all(type(key) is ir.Const and type(value) is ir.Const for key, value in items):
        del items[_SHOWN:]
    cursor.token("}")
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Dict(start, end, tuple(items))


# --- operators -------------------------------------------------------------------------------


def _unary(cursor: Cursor, node: cst.UnaryOperation) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    op = _UNARY[type(node.operator)]
    start = cursor.token(op)
    inner = node.expression
    operand = cursor.lower[type(inner)](cursor, inner)
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Unary(start, end, op, operand)


def _binary(cursor: Cursor, node: cst.BinaryOperation) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    inner: Any = node.left
    start = cursor.seek("(") if inner.lpar else -1
    left = cursor.lower[type(inner)](cursor, inner)
    op = _BINARY[type(node.operator)]
    cursor.token(op)
    inner = node.right
    right = cursor.lower[type(inner)](cursor, inner)
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Binary(left.start if start < 0 else start, end, op, left, right)


def _boolean(cursor: Cursor, node: cst.BooleanOperation) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    inner: Any = node.left
    start = cursor.seek("(") if inner.lpar else -1
    left = cursor.lower[type(inner)](cursor, inner)
    both = type(node.operator) is cst.And
    cursor.token("and" if both else "or")
    inner = node.right
    right = cursor.lower[type(inner)](cursor, inner)
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Boolean(left.start if start < 0 else start, end, "and" if both else "or", left, right)


def _comparison(cursor: Cursor, node: cst.Comparison) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    inner: Any = node.left
    start = cursor.seek("(") if inner.lpar else -1
    left = cursor.lower[type(inner)](cursor, inner)
    rest = []
    for target in node.comparisons:
        op = _COMPARE[type(target.operator)]
        for word in op.split():
            cursor.token(word)
        inner = target.comparator
        rest.append((op, cursor.lower[type(inner)](cursor, inner)))
    end = cursor.pos
    if lpar:
        cursor.close(lpar)
    return ir.Compare(left.start if start < 0 else start, end, left, tuple(rest))


LEAVES_AND_OPERATORS: dict[type, Lower] = {
    cst.Name: _name,
    cst.Integer: lower_integer,
    cst.Float: lower_float,
    cst.Imaginary: lower_imaginary,
    cst.Ellipsis: lower_ellipsis,
    cst.SimpleString: lower_string,
    cst.ConcatenatedString: lower_concatenation,
    cst.FormattedString: lower_formatted,
    cst.Attribute: _attribute,
    cst.Call: _call,
    cst.Subscript: _subscript,
    cst.StarredElement: _starred,
    cst.Tuple: _tuple,
    cst.List: _list,
    cst.Set: _set,
    cst.Dict: _dict,
    cst.UnaryOperation: _unary,
    cst.BinaryOperation: _binary,
    cst.BooleanOperation: _boolean,
    cst.Comparison: _comparison,
}
if hasattr(cst, "TemplatedString"):  # newer than the oldest libcst we run with
    LEAVES_AND_OPERATORS[cst.TemplatedString] = lower_template
