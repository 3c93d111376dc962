"""Functions, classes and type aliases. The same rules as in `statements`."""

from __future__ import annotations

from typing import Any

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.blocks import lower_body
from bnlint.program.clauses import lower_parameters
from bnlint.program.cursor import Cursor
from bnlint.program.expressions import lower_arguments


def lower_function(cursor: Cursor, node: cst.FunctionDef) -> ir.Stmt:
    decorators = _decorators(cursor, node.decorators) if node.decorators else ()
    is_async = node.asynchronous is not None
    start = cursor.token("async") if is_async else -1
    def_at = cursor.token("def")
    name = node.name.value
    at = cursor.token(name)
    if node.type_parameters is not None:
        _type_parameters(cursor, node.type_parameters)
    opening = cursor.token("(")
    params = lower_parameters(cursor, node.params)
    cursor.token(")")
    params = ir.Params(opening, cursor.pos, params.items)
    returns = None
    if node.returns is not None:
        cursor.token("->")
        inner = node.returns.annotation
        returns = cursor.lower[type(inner)](cursor, inner)
    outer_yields = cursor.yields
    cursor.yields = False
    body = lower_body(cursor, node.body)
    generator = cursor.yields
    cursor.yields = outer_yields
    return ir.Function(
        def_at if start < 0 else start, cursor.pos, name, at, params, decorators, returns, body, is_async, generator
    )


def lower_class(cursor: Cursor, node: cst.ClassDef) -> ir.Stmt:
    decorators = _decorators(cursor, node.decorators) if node.decorators else ()
    start = cursor.token("class")
    name = node.name.value
    at = cursor.token(name)
    if node.type_parameters is not None:
        _type_parameters(cursor, node.type_parameters)
    bases: tuple[ir.Arg, ...] = ()
    if type(node.lpar) is cst.LeftParen:
        cursor.token("(")
        bases = lower_arguments(cursor, node.bases) + lower_arguments(cursor, node.keywords)
        cursor.token(")")
    body = lower_body(cursor, node.body)
    return ir.Class(start, cursor.pos, name, at, bases, decorators, body)


def lower_type_alias(cursor: Cursor, node: cst.TypeAlias) -> ir.Stmt:
    """`type X[T] = ...` binds X; what the type is, is no part of the story."""
    start = cursor.token("type")
    name = node.name.value
    at = cursor.token(name)
    target = ir.Name(at, cursor.pos, name)
    if node.type_parameters is not None:
        _type_parameters(cursor, node.type_parameters)
    inner = node.value
    value = cursor.lower[type(inner)](cursor, inner)
    return ir.Assign(start, cursor.pos, (target,), ir.Opaque(value.start, value.end), None)


def _decorators(cursor: Cursor, nodes: Any) -> tuple[ir.Expr, ...]:
    decorators = []
    for node in nodes:
        cursor.token("@")
        inner = node.decorator
        decorators.append(cursor.lower[type(inner)](cursor, inner))
    return tuple(decorators)


def _type_parameters(cursor: Cursor, node: cst.TypeParameters) -> None:
    """Step over them: types of types are no part of the story."""
    cursor.token("[")
    for parameter in node.params:
        variable: Any = parameter.param
        cursor.token(variable.name.value)
        bound: Any = getattr(variable, "bound", None)
        if bound is not None:
            cursor.lower[type(bound)](cursor, bound)
        default: Any = getattr(parameter, "default", None)
        if default is not None:
            cursor.token("=")
            if parameter.star:
                cursor.token("*")
            cursor.lower[type(default)](cursor, default)
    cursor.token("]")
