"""Expressions that bind names or hold keywords: lambdas, comprehensions, conditionals, yields, parameters.

The second half of the table whose first half is in `expressions`; the same rules hold.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.cursor import Cursor, Lower
from bnlint.program.expressions import LEAVES_AND_OPERATORS


def _conditional(cursor: Cursor, node: cst.IfExp) -> ir.Expr:
    cursor.open(node.lpar)
    inner: Any = node.body
    start = cursor.seek("(") if inner.lpar else -1
    body = cursor.lower[type(inner)](cursor, inner)
    cursor.token("if")
    inner = node.test
    test = cursor.lower[type(inner)](cursor, inner)
    cursor.token("else")
    inner = node.orelse
    orelse = cursor.lower[type(inner)](cursor, inner)
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.IfExp(body.start if start < 0 else start, end, test, body, orelse)


def _lambda(cursor: Cursor, node: cst.Lambda) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token("lambda")
    params = lower_parameters(cursor, node.params)
    cursor.token(":")
    yields = cursor.yields
    inner = node.body
    body = cursor.lower[type(inner)](cursor, inner)
    cursor.yields = yields  # a yield in it is its own
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Lambda(start, end, params, body)


def lower_parameters(cursor: Cursor, node: cst.Parameters) -> ir.Params:
    """Of a function or a lambda: from the place of the cursor, after the bracket, to the last parameter."""
    start = cursor.pos
    items: list[ir.Param] = []
    for param in node.posonly_params:
        items.append(_parameter(cursor, param, "positional", 0))
    for param in node.params:
        items.append(_parameter(cursor, param, "plain", 0))
    star = node.star_arg
    if type(star) is cst.Param:
        items.append(_parameter(cursor, star, "star", 1))
    elif type(star) is cst.ParamStar:
        cursor.token("*")
    for param in node.kwonly_params:
        items.append(_parameter(cursor, param, "keyword", 0))
    if node.star_kwarg is not None:
        items.append(_parameter(cursor, node.star_kwarg, "double_star", 2))
    return ir.Params(start, cursor.pos, tuple(items))


def _parameter(cursor: Cursor, node: cst.Param, kind: Any, stars: int) -> ir.Param:
    name = node.name.value
    start = cursor.token("*" * stars) if stars else -1
    at = cursor.find(name, cursor.pos)
    if not -1 < at < cursor.hash:
        at = cursor.seek(name)
    cursor.pos = at + len(name)
    annotation = default = None
    if node.annotation is not None:
        inner: Any = node.annotation.annotation
        annotation = cursor.lower[type(inner)](cursor, inner)
    if node.default is not None:
        inner = node.default
        default = cursor.lower[type(inner)](cursor, inner)
    return ir.Param(at if start < 0 else start, cursor.pos, name, kind, default, annotation)


def _comprehension(cursor: Cursor, node: Any) -> ir.Expr:
    opening, closing, kind = _COMPREHENSIONS[type(node)]
    cursor.open(node.lpar)
    start = cursor.token(opening) if opening else -1
    key = None
    if type(node) is cst.DictComp:
        inner = node.key
        key = cursor.lower[type(inner)](cursor, inner)
        inner = node.value
    elif hasattr(node, "elt"):
        inner = node.elt
    else:  # {**part for part in parts}
        cursor.token("**")
        inner = node.value
    if start < 0 and inner.lpar:
        start = cursor.seek("(")
    value = cursor.lower[type(inner)](cursor, inner)
    if start < 0:
        start = value.start
    loops = []
    loop = node.for_in
    while loop is not None:
        loops.append(_loop(cursor, loop))
        loop = loop.inner_for_in
    if closing:
        cursor.token(closing)
    end = cursor.pos
    cursor.close(node.rpar)
    if kind is None:
        return ir.Opaque(start, end)
    return ir.Comprehension(start, end, kind, key, value, tuple(loops))


_COMPREHENSIONS: dict[type, tuple[str, str, Any]] = {
    cst.ListComp: ("[", "]", "list"),
    cst.SetComp: ("{", "}", "set"),
    cst.DictComp: ("{", "}", "dict"),
    cst.GeneratorExp: ("", "", "generator"),
}
if hasattr(cst, "StarredDictComp"):  # newer than the oldest libcst we run with
    _COMPREHENSIONS[cst.StarredDictComp] = ("{", "}", None)


def _loop(cursor: Cursor, node: cst.CompFor) -> ir.For:
    start = cursor.token("async") if node.asynchronous is not None else -1
    at = cursor.token("for")
    inner: Any = node.target
    target = cursor.lower[type(inner)](cursor, inner)
    cursor.token("in")
    inner = node.iter
    iter = cursor.lower[type(inner)](cursor, inner)
    tests = []
    for condition in node.ifs:
        cursor.token("if")
        inner = condition.test
        tests.append(cursor.lower[type(inner)](cursor, inner))
    return ir.For(at if start < 0 else start, cursor.pos, target, iter, tuple(tests))


def _await(cursor: Cursor, node: cst.Await) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token("await")
    inner = node.expression
    value = cursor.lower[type(inner)](cursor, inner)
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Await(start, end, value)


def _yield(cursor: Cursor, node: cst.Yield) -> ir.Expr:
    cursor.open(node.lpar)
    start = cursor.token("yield")
    inner: Any = node.value
    from_ = type(inner) is cst.From
    if from_:
        cursor.token("from")
        inner = inner.item
    value = None if inner is None else cursor.lower[type(inner)](cursor, inner)
    cursor.yields = True
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Yield(start, end, value, from_)


def _walrus(cursor: Cursor, node: cst.NamedExpr) -> ir.Expr:
    cursor.open(node.lpar)
    inner: Any = node.target
    target = cursor.lower[type(inner)](cursor, inner)
    inner = node.value
    value = cursor.lower[type(inner)](cursor, inner)
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.Walrus(target.start, end, target, value)


EXPRESSIONS: dict[type, Lower] = {
    **LEAVES_AND_OPERATORS,
    **dict.fromkeys(_COMPREHENSIONS, _comprehension),
    cst.IfExp: _conditional,
    cst.Lambda: _lambda,
    cst.Await: _await,
    cst.Yield: _yield,
    cst.NamedExpr: _walrus,
}
