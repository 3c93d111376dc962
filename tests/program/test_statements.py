"""What each kind of statement is lowered to."""

from __future__ import annotations

from typing import Any

import pytest

from bnlint.program import model as ir
from bnlint.program.lower import parse_program
from tests.program.lowering import shape, statement

A, B, C, D = (("Name", letter) for letter in "abcd")
PASS = (("Pass",),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ("ExprStmt", A)),
        ("a = b", ("Assign", (A,), B, None)),
        ("a = b, c = d", ("Assign", (A, ("Sequence", "tuple", (B, C))), D, None)),
        ("a: b = c", ("Assign", (A,), C, B)),
        ("a: b", ("Declare", A, B)),
        ("a //= b", ("AugAssign", A, "//", B)),
        ("a -= -b", ("AugAssign", A, "-", ("Unary", "-", B))),
        ("return", ("Return", None)),
        ("return a, *b", ("Return", ("Sequence", "tuple", (A, ("Starred", B))))),
        ("raise", ("Raise", None, None)),
        ("raise a from b", ("Raise", A, B)),
        ("assert a, b", ("Assert", A, B)),
        ("assert(a)", ("Assert", A, None)),
        ("del a", ("Delete", (A,))),
        ("del a, b", ("Delete", (A, B))),
        ("del (a, b)", ("Delete", (A, B))),
        ("pass", ("Pass",)),
        ("break", ("Break",)),
        ("continue", ("Continue",)),
        ("global a, b", ("Scope", "global", ("a", "b"))),
        ("nonlocal a", ("Scope", "nonlocal", ("a",))),
        ("import a.b.c as d, e", ("Import", (("a.b.c", "d"), ("e", None)))),
        ("from a.b import c as d, e", ("ImportFrom", "a.b", 0, (("c", "d"), ("e", None)))),
        ("from ... import (a,)", ("ImportFrom", "", 3, (("a", None),))),
        ("from .a import *", ("ImportFrom", "a", 1, (("*", None),))),
        ("type a[T] = b", ("Assign", (A,), ("Opaque",), None)),
    ],
)
def test_a_simple_statement_becomes_its_node(text: str, expected: Any) -> None:
    assert shape(statement(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if a: pass", ("If", A, PASS, ())),
        ("if a:\n pass\nelse:\n b", ("If", A, PASS, (("ExprStmt", B),))),
        ("if a:\n pass\nelif b: pass\nelse: c", ("If", A, PASS, (("If", B, PASS, (("ExprStmt", C),)),))),
        ("while a: pass\nelse: b", ("While", A, PASS, (("ExprStmt", B),))),
        ("for a in b: pass", ("Loop", A, B, PASS, (), False)),
        (
            "for a, b in c, d:\n pass\nelse: a",
            ("Loop", ("Sequence", "tuple", (A, B)), ("Sequence", "tuple", (C, D)), PASS, (("ExprStmt", A),), False),
        ),
        ("async for a in b: pass", ("Loop", A, B, PASS, (), True)),
        ("with a: pass", ("With", ((A, None),), PASS, False)),
        ("with a as b, c as (d): pass", ("With", ((A, B), (C, D)), PASS, False)),
        ("with (\n a as b,\n c,\n): pass", ("With", ((A, B), (C, None)), PASS, False)),
        ("async with (a): pass", ("With", ((A, None),), PASS, True)),
        ("try: pass\nfinally: a", ("Try", PASS, (), (), (("ExprStmt", A),))),
        (
            "try: pass\nexcept a as b: pass\nexcept (c, d): pass\nexcept: pass\nelse: a",
            (
                "Try",
                PASS,
                (
                    ("Handler", A, "b", PASS),
                    ("Handler", ("Sequence", "tuple", (C, D)), None, PASS),
                    ("Handler", None, None, PASS),
                ),
                (("ExprStmt", A),),
                (),
            ),
        ),
        ("try: pass\nexcept* a: pass", ("Try", PASS, (("Handler", A, None, PASS),), (), ())),
    ],
)
def test_a_compound_statement_becomes_its_node(text: str, expected: Any) -> None:
    assert shape(statement(text)) == expected


def test_a_function_has_its_decorators_parameters_and_return_annotation() -> None:
    text = "@a.b\n@c(d)\nasync def f[T: int = str, *Ts, **P](x: a, /, y=(b), *, z: c = d, **k) -> -1: return x"
    function = statement(text)
    assert shape(function) == (
        "Function",
        "f",
        (
            "Params",
            (
                ("Param", "x", "positional", None, A),
                ("Param", "y", "plain", B, None),
                ("Param", "z", "keyword", D, C),
                ("Param", "k", "double_star", None, None),
            ),
        ),
        (("Attribute", A, "b"), ("Call", C, (("Arg", D, None, ""),))),
        ("Unary", "-", ("Const", 1)),
        (("Return", ("Name", "x")),),
        True,
        False,
    )
    assert text[function.at] == "f"
    assert text[function.start :].startswith("async def")
    assert text[function.params.start : function.params.end] == "(x: a, /, y=(b), *, z: c = d, **k)"


@pytest.mark.parametrize(
    ("body", "generator"),
    [
        ("yield a", True),
        ("a = yield", True),
        ("return [(yield a)]", True),
        ("if a:\n  yield from b", True),
        ("return a", False),
        ("lambda: (yield)", False),
        ("def g(): yield a", False),
        ("class C:\n  def g(self): yield a", False),
        ("def g(a=(yield)): pass", True),
        ("def g(): yield a\n yield b", True),
    ],
)
def test_a_function_is_a_generator_when_its_own_body_yields(body: str, generator: bool) -> None:
    assert statement(f"def f():\n {body}").generator is generator


def test_a_class_has_its_bases_and_keywords() -> None:
    text = "@a\nclass N[T](b.c, *d, metaclass=c, **d):\n pass"
    found = statement(text)
    assert shape(found) == (
        "Class",
        "N",
        (("Arg", ("Attribute", B, "c"), None, ""), ("Arg", D, None, "*"), ("Arg", C, "metaclass", ""), ("Arg", D, None, "**")),
        (A,),
        PASS,
    )
    assert text[found.at] == "N"


@pytest.mark.parametrize(
    ("pattern", "values", "binds"),
    [
        ("1", (1,), ()),
        ("'a' 'b'", ("ab",), ()),
        ("-1.5", (-1.5,), ()),
        ("None | True", (None, True), ()),
        ("1 as x", (1,), ("x",)),
        ("(1 | (2 | 3))", (1, 2, 3), ()),
        ("_", None, ()),
        ("x", None, ("x",)),
        ("A.B", None, ()),
        ("1 | A.B", None, ()),
        ("1 + 2j", None, ()),
        ("[a, *b]", None, ("a", "b")),
        ("(a, *_)", None, ("a",)),
        ("a, b", None, ("a", "b")),
        ("{'k': a, **rest}", None, ("a", "rest")),
        ("A(x, y=B(z))", None, ("x", "z")),
        ("[a] | (a, _)", None, ("a",)),
        ("A(x=1 | 2 as y)", None, ("y",)),
        ("b'x'", None, ()),
    ],
)
def test_a_case_has_the_constants_it_compares_with_and_the_names_it_binds(
    pattern: str, values: Any, binds: tuple[str, ...]
) -> None:
    match = statement(f"match subject:\n case {pattern} if (guard): body\n case _: pass")
    first, wildcard = match.cases
    assert (None if first.values is None else tuple(value.value for value in first.values)) == values
    assert first.binds == binds
    assert shape(first.guard) == ("Name", "guard")
    assert shape(first.body) == (("ExprStmt", ("Name", "body")),)
    assert (wildcard.values, wildcard.binds, wildcard.guard) == (None, (), None)


def test_semicolons_separate_statements() -> None:
    assert shape(parse_program("a; b;\nif c: d; a").body) == (
        ("ExprStmt", A),
        ("ExprStmt", B),
        ("If", C, (("ExprStmt", D), ("ExprStmt", A)), ()),
    )


def test_a_long_chain_of_elif_goes_on_in_an_if_of_its_own() -> None:
    program = parse_program("if a: x0\n" + "".join(f"elif a: x{number}\n" for number in range(1, 10_000)) + "else: last")
    deepest = seen = 0
    pending: list[tuple[ir.Stmt, int]] = [(program.body[0], 1)]
    while pending:
        branch, depth = pending.pop()
        if isinstance(branch, ir.If):
            seen += 1
            deepest = max(deepest, depth)
            pending += [(child, depth + 1) for child in branch.orelse]
    assert (seen, deepest) == (10_000, 100)


def test_lenient_is_passed_on() -> None:
    assert parse_program("a", lenient=True).lenient
    assert not parse_program("a").lenient
