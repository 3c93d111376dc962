"""The `match` statement: which constants a case compares with and which names it binds."""

from __future__ import annotations

from typing import Any, TypeAlias

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.blocks import lower_body
from bnlint.program.cursor import Cursor

Values: TypeAlias = "tuple[ir.Const, ...] | None"


def lower_match(cursor: Cursor, node: cst.Match) -> ir.Stmt:
    start = cursor.token("match")
    inner = node.subject
    subject = cursor.lower[type(inner)](cursor, inner)
    cases = tuple([_case(cursor, case) for case in node.cases])
    return ir.Match(start, cursor.pos, subject, cases)


def _case(cursor: Cursor, node: cst.MatchCase) -> ir.Case:
    start = cursor.token("case")
    binds: list[str] = []
    values = _pattern(cursor, node.pattern, binds)
    guard = None
    if node.guard is not None:
        cursor.token("if")
        inner = node.guard
        guard = cursor.lower[type(inner)](cursor, inner)
    body = lower_body(cursor, node.body)
    whole = isinstance(node.pattern, cst.MatchAs) and node.pattern.pattern is None
    return ir.Case(start, cursor.pos, values, tuple(binds), guard, body, whole)


def _pattern(cursor: Cursor, node: Any, binds: list[str]) -> Values:
    values: Values = _PATTERNS[type(node)](cursor, node, binds)
    return values


def _value(cursor: Cursor, node: Any, binds: list[str]) -> Values:
    inner = node.value
    value = cursor.lower[type(inner)](cursor, inner)
    if isinstance(value, ir.Const):
        return (value,)
    if isinstance(value, ir.Unary) and isinstance(value.operand, ir.Const):
        number = value.operand.value
        if value.op == "-" and isinstance(number, (int, float)):
            return (ir.Const(value.start, value.end, -number),)
    return None


def _capture(cursor: Cursor, node: cst.MatchAs, binds: list[str]) -> Values:
    cursor.open(node.lpar)
    values: Values = None
    if node.pattern is not None:
        values = _pattern(cursor, node.pattern, binds)
        cursor.token("as")
    if node.name is None:
        cursor.token("_")
    else:
        cursor.token(node.name.value)
        binds.append(node.name.value)
    cursor.close(node.rpar)
    return values


def _alternatives(cursor: Cursor, node: cst.MatchOr, binds: list[str]) -> Values:
    cursor.open(node.lpar)
    values: list[ir.Const] = []
    constant = True
    names: list[str] = []
    for element in node.patterns:
        found = _pattern(cursor, element.pattern, names)
        if found is None:
            constant = False
        else:
            values.extend(found)
    binds.extend(dict.fromkeys(names))  # each alternative binds the same names
    cursor.close(node.rpar)
    return tuple(values) if constant else None


def _sequence(cursor: Cursor, node: Any, binds: list[str]) -> Values:
    cursor.open(node.lpar)
    brackets = type(node) is cst.MatchList and node.lbracket is not None
    if brackets:
        cursor.token("[")
    _members(cursor, node.patterns, binds)
    if brackets:
        cursor.token("]")
    cursor.close(node.rpar)
    return None


def _members(cursor: Cursor, nodes: Any, binds: list[str]) -> None:
    for element in nodes:
        if type(element) is cst.MatchStar:
            cursor.token("*")
            name = "_" if element.name is None else element.name.value
            cursor.token(name)
            if element.name is not None:
                binds.append(name)
        else:
            _pattern(cursor, element.value, binds)


def _mapping(cursor: Cursor, node: cst.MatchMapping, binds: list[str]) -> Values:
    cursor.open(node.lpar)
    cursor.token("{")
    for element in node.elements:
        inner = element.key
        cursor.lower[type(inner)](cursor, inner)
        _pattern(cursor, element.pattern, binds)
    if node.rest is not None:
        cursor.token("**")
        cursor.token(node.rest.value)
        binds.append(node.rest.value)
    cursor.token("}")
    cursor.close(node.rpar)
    return None


def _class(cursor: Cursor, node: cst.MatchClass, binds: list[str]) -> Values:
    cursor.open(node.lpar)
    inner = node.cls
    cursor.lower[type(inner)](cursor, inner)
    cursor.token("(")
    _members(cursor, node.patterns, binds)
    for keyword in node.kwds:
        cursor.token(keyword.key.value)
        _pattern(cursor, keyword.pattern, binds)
    cursor.token(")")
    cursor.close(node.rpar)
    return None


_PATTERNS: dict[type, Any] = {
    cst.MatchValue: _value,
    cst.MatchSingleton: _value,
    cst.MatchAs: _capture,
    cst.MatchOr: _alternatives,
    cst.MatchList: _sequence,
    cst.MatchTuple: _sequence,
    cst.MatchMapping: _mapping,
    cst.MatchClass: _class,
}
