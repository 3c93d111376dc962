"""Compares a lowered file with what the interpreter's own parser says about the same text.

For tests only: where each name, attribute, call, literal, function and class begins and ends, and the literals' values.
"""

from __future__ import annotations

import ast
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

from bnlint.program import model as ir
from bnlint.program.model import Program

Fact = tuple[str, int, int, object]

_ROWS = re.compile(r"\r\n?|\n")
_EXACT_IN_FSTRINGS = sys.version_info >= (3, 12)


def disagreements(text: str, program: Program) -> list[Fact]:
    """The facts that only one side has; tables, of which the program keeps only the head, are left out."""
    theirs, tables = _facts_of_interpreter(text)
    ours = {fact for node in _nodes(program.body) if (fact := _fact(node))}
    only_one = ours ^ theirs
    return sorted(
        (fact for fact in only_one if not any(start <= fact[1] < end for start, end in tables)), key=lambda fact: fact[1:3]
    )


def _nodes(value: Any) -> Iterator[ir.Node]:
    if isinstance(value, tuple):
        for element in value:
            yield from _nodes(element)
    elif isinstance(value, ir.FString):
        if _EXACT_IN_FSTRINGS:
            yield from _nodes(tuple(part for part in value.parts if not isinstance(part, ir.Const)))
    elif isinstance(value, ir.Node):
        yield value
        for name in value.__struct_fields__:
            if name != "values":  # of a Case: patterns are not compared
                yield from _nodes(getattr(value, name))


def _fact(node: ir.Node) -> Fact | None:
    match node:
        case ir.Name(id=name):
            return "name", node.start, node.end, unicodedata.normalize("NFKC", name)
        case ir.Attribute(attr=name):
            return "attribute", node.start, node.end, unicodedata.normalize("NFKC", name)
        case ir.Call(args=args):
            return "call", node.start, node.end, len(args)
        case ir.Const(value=value):
            return "constant", node.start, node.end, _comparable(value)
        case ir.Function(name=name):
            return "function", node.start, 0, (name, node.generator)
        case ir.Class(name=name):
            return "class", node.start, 0, name
    return None


def _comparable(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1 << 63:
        try:
            return "float", float(value)
        except OverflowError:
            return "float", float("inf")
    if isinstance(value, str):
        value = re.sub("[\ud800-\udfff]", "\ufffd", value)
    return type(value).__name__, value


def _facts_of_interpreter(text: str) -> tuple[set[Fact], list[tuple[int, int]]]:
    """Needs a text that the running interpreter can parse. With the facts come the places of large tables."""
    tree = ast.parse(text)
    rows = _ROWS.split(text)
    starts = [0, *(match.end() for match in _ROWS.finditer(text))]
    ascii_rows = [row.isascii() for row in rows]

    def offset(row: int, column: int) -> int:
        line = rows[row - 1]
        if not ascii_rows[row - 1]:
            column = len(line.encode()[:column].decode())
        return starts[row - 1] + column

    def place(node: Any) -> tuple[int, int]:
        return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)

    found: set[Fact] = set()
    tables: list[tuple[int, int]] = []
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        match node:
            case ast.JoinedStr() if not _EXACT_IN_FSTRINGS:
                continue
            case ast.JoinedStr(values=values):
                shown = [value.value for value in values if isinstance(value, ast.FormattedValue)]
                pending += [value for value in shown if not isinstance(value, ast.Constant)]
                continue
            case ast.match_case(guard=guard, body=body):
                pending += [*([guard] if guard else []), *body]
                continue
            case ast.Name(id=name):
                found.add(("name", *place(node), name))
            case ast.Attribute(attr=name):
                found.add(("attribute", *place(node), name))
            case ast.Call(args=args, keywords=keywords):
                found.add(("call", *place(node), len(args) + len(keywords)))
            case ast.Constant(value=None | bool() | int() | float() | str() as value):
                found.add(("constant", *place(node), _comparable(value)))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(("function", place(node)[0], 0, (name, _yields(node.body))))
            case ast.ClassDef(name=name):
                found.add(("class", place(node)[0], 0, name))
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements) | ast.Dict(values=elements):
                if len(elements) > 512:
                    tables.append(place(node))
                    continue
        if node.__class__.__name__ == "TypeAlias":
            pending.append(node.name)  # type: ignore[attr-defined]
            continue
        for field, value in ast.iter_fields(node):
            if field != "type_params":
                pending += [child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)]
    return found, tables


def _yields(body: list[ast.stmt]) -> bool:
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif not isinstance(node, ast.Lambda):
            pending += list(ast.iter_child_nodes(node))
    return False
