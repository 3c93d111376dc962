"""Statements: one function per libcst node class, from the node to ours.

The same rules as in `expressions`: children are visited in the order of the text, and every bracket, keyword and
operator is stepped over. A chain of `elif` is built from its last branch, never by recursion.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.blocks import lower_body
from bnlint.program.cursor import Cursor
from bnlint.program.definitions import lower_class, lower_function, lower_type_alias
from bnlint.program.patterns import lower_match

_AUGMENTED = {
    cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*", cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//", cst.ModuloAssign: "%", cst.PowerAssign: "**", cst.MatrixMultiplyAssign: "@",
    cst.LeftShiftAssign: "<<", cst.RightShiftAssign: ">>", cst.BitAndAssign: "&", cst.BitOrAssign: "|",
    cst.BitXorAssign: "^",
}  # fmt: skip
_LONGEST_CHAIN = 50
"""After so many branches a chain of `elif` goes on in an If of its own: readers of the program recurse."""


# --- simple statements -----------------------------------------------------------------------


def _expression(cursor: Cursor, node: cst.Expr) -> ir.Stmt:
    inner = node.value
    start = cursor.seek("(") if inner.lpar else -1
    value = cursor.lower[type(inner)](cursor, inner)
    return ir.ExprStmt(value.start if start < 0 else start, cursor.pos, value)


def _assign(cursor: Cursor, node: cst.Assign) -> ir.Stmt:
    lower = cursor.lower
    inner: Any = node.targets[0].target
    start = cursor.seek("(") if inner.lpar else -1
    targets = []
    for target in node.targets:
        inner = target.target
        targets.append(lower[type(inner)](cursor, inner))
    inner = node.value
    value = lower[type(inner)](cursor, inner)
    return ir.Assign(targets[0].start if start < 0 else start, cursor.pos, tuple(targets), value, None)


def _annotated(cursor: Cursor, node: cst.AnnAssign) -> ir.Stmt:
    inner: Any = node.target
    start = cursor.seek("(") if inner.lpar else -1
    target = cursor.lower[type(inner)](cursor, inner)
    if start < 0:
        start = target.start
    inner = node.annotation.annotation
    annotation = cursor.lower[type(inner)](cursor, inner)
    inner = node.value
    if inner is None:
        return ir.Declare(start, cursor.pos, target, annotation)
    value = cursor.lower[type(inner)](cursor, inner)
    return ir.Assign(start, cursor.pos, (target,), value, annotation)


def _augmented(cursor: Cursor, node: cst.AugAssign) -> ir.Stmt:
    inner: Any = node.target
    start = cursor.seek("(") if inner.lpar else -1
    target = cursor.lower[type(inner)](cursor, inner)
    op = _AUGMENTED[type(node.operator)]
    cursor.token(op + "=")
    inner = node.value
    value = cursor.lower[type(inner)](cursor, inner)
    return ir.AugAssign(target.start if start < 0 else start, cursor.pos, target, op, value)


def _return(cursor: Cursor, node: cst.Return) -> ir.Stmt:
    start = cursor.token("return")
    inner = node.value
    value = None if inner is None else cursor.lower[type(inner)](cursor, inner)
    return ir.Return(start, cursor.pos, value)


def _raise(cursor: Cursor, node: cst.Raise) -> ir.Stmt:
    start = cursor.token("raise")
    inner = node.exc
    value = cause = None
    if inner is not None:
        value = cursor.lower[type(inner)](cursor, inner)
    if node.cause is not None:
        cursor.token("from")
        inner = node.cause.item
        cause = cursor.lower[type(inner)](cursor, inner)
    return ir.Raise(start, cursor.pos, value, cause)


def _assert(cursor: Cursor, node: cst.Assert) -> ir.Stmt:
    start = cursor.token("assert")
    inner = node.test
    test = cursor.lower[type(inner)](cursor, inner)
    message = None
    if node.msg is not None:
        inner = node.msg
        message = cursor.lower[type(inner)](cursor, inner)
    return ir.Assert(start, cursor.pos, test, message)


def _delete(cursor: Cursor, node: cst.Del) -> ir.Stmt:
    start = cursor.token("del")
    inner = node.target
    target = cursor.lower[type(inner)](cursor, inner)
    targets = target.elements if isinstance(target, ir.Sequence) and target.kind == "tuple" else (target,)
    return ir.Delete(start, cursor.pos, targets)


def _pass(cursor: Cursor, node: cst.Pass) -> ir.Stmt:
    start = cursor.token("pass")
    return ir.Pass(start, cursor.pos)


def _break(cursor: Cursor, node: cst.Break) -> ir.Stmt:
    start = cursor.token("break")
    return ir.Break(start, cursor.pos)


def _continue(cursor: Cursor, node: cst.Continue) -> ir.Stmt:
    start = cursor.token("continue")
    return ir.Continue(start, cursor.pos)


def _scope(cursor: Cursor, node: Any) -> ir.Stmt:
    kind: Any = "global" if type(node) is cst.Global else "nonlocal"
    start = cursor.token(kind)
    names = tuple([item.name.value for item in node.names])
    for name in names:
        cursor.token(name)
    return ir.Scope(start, cursor.pos, kind, names)


# --- imports ---------------------------------------------------------------------------------


def _import(cursor: Cursor, node: cst.Import) -> ir.Stmt:
    start = cursor.token("import")
    return _imported(cursor, start, node.names)


def _lazy_import(cursor: Cursor, node: Any) -> ir.Stmt:
    start = cursor.token("lazy")
    cursor.token("import")
    return _imported(cursor, start, node.names)


def _imported(cursor: Cursor, start: int, nodes: Any) -> ir.Stmt:
    names = _aliases(cursor, nodes)
    return ir.Import(start, cursor.pos, names)


def _import_from(cursor: Cursor, node: Any) -> ir.Stmt:
    start = -1 if type(node) is cst.ImportFrom else cursor.token("lazy")
    at = cursor.token("from")
    module = "" if node.module is None else _dotted(cursor, node.module)
    cursor.token("import")
    names: tuple[tuple[str, str | None], ...]
    if type(node.names) is cst.ImportStar:
        cursor.token("*")
        names = (("*", None),)
    elif type(node.lpar) is cst.LeftParen:
        cursor.token("(")
        names = _aliases(cursor, node.names)
        cursor.token(")")
    else:
        names = _aliases(cursor, node.names)
    return ir.ImportFrom(at if start < 0 else start, cursor.pos, module, len(node.relative), names)


def _aliases(cursor: Cursor, nodes: Any) -> tuple[tuple[str, str | None], ...]:
    names = []
    for node in nodes:
        name = _dotted(cursor, node.name)
        alias = None
        if node.asname is not None:
            alias = node.asname.name.value
            cursor.token("as")
            cursor.token(alias)
        names.append((name, alias))
    return tuple(names)


def _dotted(cursor: Cursor, node: Any) -> str:
    if type(node) is cst.Name:
        cursor.token(node.value)
        return node.value
    parts = []
    while type(node) is cst.Attribute:
        parts.append(node.attr.value)
        node = node.value
    parts.append(node.value)
    parts.reverse()
    for part in parts:
        cursor.token(part)
    return ".".join(parts)


# --- compound statements ---------------------------------------------------------------------


def _if(cursor: Cursor, node: cst.If) -> ir.Stmt:
    branches = []
    word = "if"
    rest: Any = node
    while type(rest) is cst.If:
        start = cursor.token(word)
        inner = rest.test
        test = cursor.lower[type(inner)](cursor, inner)
        branches.append((start, test, lower_body(cursor, rest.body)))
        rest = rest.orelse
        word = "elif"
    orelse = _else(cursor, rest)
    end = cursor.pos
    if len(branches) <= _LONGEST_CHAIN:
        return _nested(branches, end, orelse)
    chains = [branches[at : at + _LONGEST_CHAIN] for at in range(0, len(branches), _LONGEST_CHAIN)]
    last = _nested(chains.pop(), end, orelse)
    others = [_nested(chain, end, ()) for chain in chains[1:]]
    return _nested(chains[0], end, (*others, last))


def _nested(branches: list[tuple[int, ir.Expr, tuple[ir.Stmt, ...]]], end: int, orelse: tuple[ir.Stmt, ...]) -> ir.If:
    for start, test, body in reversed(branches[1:]):
        orelse = (ir.If(start, end, test, body, orelse),)
    start, test, body = branches[0]
    return ir.If(start, end, test, body, orelse)


def _else(cursor: Cursor, node: cst.Else | None) -> tuple[ir.Stmt, ...]:
    if node is None:
        return ()
    cursor.token("else")
    return lower_body(cursor, node.body)


def _while(cursor: Cursor, node: cst.While) -> ir.Stmt:
    start = cursor.token("while")
    inner = node.test
    test = cursor.lower[type(inner)](cursor, inner)
    body = lower_body(cursor, node.body)
    orelse = _else(cursor, node.orelse)
    return ir.While(start, cursor.pos, test, body, orelse)


def _for(cursor: Cursor, node: cst.For) -> ir.Stmt:
    is_async = node.asynchronous is not None
    start = cursor.token("async") if is_async else -1
    at = cursor.token("for")
    inner: Any = node.target
    target = cursor.lower[type(inner)](cursor, inner)
    cursor.token("in")
    inner = node.iter
    iter = cursor.lower[type(inner)](cursor, inner)
    body = lower_body(cursor, node.body)
    orelse = _else(cursor, node.orelse)
    return ir.Loop(at if start < 0 else start, cursor.pos, target, iter, body, orelse, is_async)


def _with(cursor: Cursor, node: cst.With) -> ir.Stmt:
    is_async = node.asynchronous is not None
    start = cursor.token("async") if is_async else -1
    at = cursor.token("with")
    parenthesised = type(node.lpar) is cst.LeftParen
    if parenthesised:
        cursor.token("(")
    items = []
    for item in node.items:
        inner: Any = item.item
        context = cursor.lower[type(inner)](cursor, inner)
        target = None
        if item.asname is not None:
            cursor.token("as")
            inner = item.asname.name
            target = cursor.lower[type(inner)](cursor, inner)
        items.append((context, target))
    if parenthesised:
        cursor.token(")")
    body = lower_body(cursor, node.body)
    return ir.With(at if start < 0 else start, cursor.pos, tuple(items), body, is_async)


def _try(cursor: Cursor, node: Any) -> ir.Stmt:
    start = cursor.token("try")
    body = lower_body(cursor, node.body)
    handlers = tuple([_handler(cursor, handler) for handler in node.handlers])
    orelse = _else(cursor, node.orelse)
    final: tuple[ir.Stmt, ...] = ()
    if node.finalbody is not None:
        cursor.token("finally")
        final = lower_body(cursor, node.finalbody.body)
    return ir.Try(start, cursor.pos, body, handlers, orelse, final)


def _handler(cursor: Cursor, node: Any) -> ir.Handler:
    start = cursor.token("except")
    inner = node.type
    caught = None if inner is None else cursor.lower[type(inner)](cursor, inner)
    name = None
    if node.name is not None:
        cursor.token("as")
        name = node.name.name.value
        cursor.token(name)
    body = lower_body(cursor, node.body)
    return ir.Handler(start, cursor.pos, caught, name, body)


STATEMENTS: dict[type, Any] = {
    cst.Expr: _expression,
    cst.Assign: _assign,
    cst.AnnAssign: _annotated,
    cst.AugAssign: _augmented,
    cst.Return: _return,
    cst.Raise: _raise,
    cst.Assert: _assert,
    cst.Del: _delete,
    cst.Pass: _pass,
    cst.Break: _break,
    cst.Continue: _continue,
    cst.Global: _scope,
    cst.Nonlocal: _scope,
    cst.Import: _import,
    cst.ImportFrom: _import_from,
    cst.TypeAlias: lower_type_alias,
    cst.If: _if,
    cst.While: _while,
    cst.For: _for,
    cst.With: _with,
    cst.Try: _try,
    cst.TryStar: _try,
    cst.Match: lower_match,
    cst.FunctionDef: lower_function,
    cst.ClassDef: lower_class,
}

for _name, _lower in {"LazyImport": _lazy_import, "LazyImportFrom": _import_from}.items():
    if hasattr(cst, _name):  # newer than the oldest libcst we run with
        STATEMENTS[getattr(cst, _name)] = _lower
