"""What each kind of expression is lowered to."""

from __future__ import annotations

import math
from typing import Any

import libcst
import pytest

from bnlint.program import model as ir
from tests.program.lowering import expression, shape, statement

A, B, C, D = (("Name", letter) for letter in "abcd")


def const(value: object) -> tuple[str, object]:
    return ("Const", value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("None", const(None)),
        ("a.b", ("Attribute", A, "b")),
        ("(a).b.c", ("Attribute", ("Attribute", A, "b"), "c")),
        ("a()", ("Call", A, ())),
        (
            "a(b, *c, d=a, **b)",
            ("Call", A, (("Arg", B, None, ""), ("Arg", C, None, "*"), ("Arg", A, "d", ""), ("Arg", B, None, "**"))),
        ),
        ("a[b]", ("Subscript", A, B)),
        ("a[b, c]", ("Subscript", A, ("Sequence", "tuple", (B, C)))),
        ("a[b,]", ("Subscript", A, ("Sequence", "tuple", (B,)))),
        ("a[b:c:d]", ("Subscript", A, ("Slice", B, C, D))),
        ("a[::d]", ("Subscript", A, ("Slice", None, None, D))),
        ("a[:]", ("Subscript", A, ("Slice", None, None, None))),
        ("a[..., :b]", ("Subscript", A, ("Sequence", "tuple", (("Opaque",), ("Slice", None, B, None))))),
        ("a[*b]", ("Subscript", A, ("Starred", B))),
        ("()", ("Sequence", "tuple", ())),
        ("(a,)", ("Sequence", "tuple", (A,))),
        ("a, *b", ("Sequence", "tuple", (A, ("Starred", B)))),
        ("[a, b]", ("Sequence", "list", (A, B))),
        ("{a, b}", ("Sequence", "set", (A, B))),
        ("{a: b, **c}", ("Dict", ((A, B), (None, C)))),
        ("not a", ("Unary", "not", A)),
        ("-a ** ~b", ("Unary", "-", ("Binary", "**", A, ("Unary", "~", B)))),
        ("a - -b", ("Binary", "-", A, ("Unary", "-", B))),
        ("a @ b // c", ("Binary", "//", ("Binary", "@", A, B), C)),
        ("a and b or c", ("Boolean", "or", ("Boolean", "and", A, B), C)),
        ("a < b not   in c is \\\n not d", ("Compare", A, (("<", B), ("not in", C), ("is not", D)))),
        ("a if b else c", ("IfExp", B, A, C)),
        ("lambda: a", ("Lambda", ("Params", ()), A)),
        ("await a", ("Await", A)),
        ("(yield)", ("Yield", None, False)),
        ("(yield from a)", ("Yield", A, True)),
        ("(a := b)", ("Walrus", A, B)),
        ("b'bytes'", ("Opaque",)),
        ("b'a' b'b'", ("Opaque",)),
        ("1j", ("Opaque",)),
    ],
)
def test_an_expression_becomes_its_node(text: str, expected: Any) -> None:
    assert shape(expression(text)) == expected


@pytest.mark.skipif(not hasattr(libcst, "TemplatedString"), reason="this libcst does not know them")
def test_a_t_string_is_opaque_and_stepped_over() -> None:
    assert shape(expression("t'{a}' + b")) == ("Binary", "+", ("Opaque",), B)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a for a in b]", ("Comprehension", "list", None, A, (("For", A, B, ()),))),
        ("{a for a in b if c if d}", ("Comprehension", "set", None, A, (("For", A, B, (C, D)),))),
        ("{a: b for c in d}", ("Comprehension", "dict", A, B, (("For", C, D, ()),))),
        ("(a for b in c for d in b)", ("Comprehension", "generator", None, A, (("For", B, C, ()), ("For", D, B, ())))),
        ("[a async for b, c in d]", ("Comprehension", "list", None, A, (("For", ("Sequence", "tuple", (B, C)), D, ()),))),
    ],
)
def test_a_comprehension_keeps_its_loops_from_the_outermost_to_the_innermost(text: str, expected: Any) -> None:
    assert shape(expression(text)) == expected


def test_the_parameters_of_a_lambda_keep_the_order_of_the_text() -> None:
    params = expression("lambda a, /, b=c, *d, e=f, **g: h").params.items
    assert [(param.name, param.kind, param.default is not None) for param in params] == [
        ("a", "positional", False), ("b", "plain", True), ("d", "star", False), ("e", "keyword", True),
        ("g", "double_star", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", 1000), ("0x_ff", 255), ("0b11", 3), ("0o17", 15), ("007e0", 7.0), ("1.5e-3", 0.0015), ("1_0.0_1", 10.01),
        (".5", 0.5),
        ("9223372036854775807", 2**63 - 1), ("9223372036854775808", 2.0**63), ("0xffffffffffffffffffff", float(2**80 - 1)),
        ("1" + "0" * 400, math.inf), ("9" * 5000, math.inf), ("True", True), ("False", False),
    ],
)  # fmt: skip
def test_a_number_has_its_value_and_beyond_64_bits_it_is_a_float(text: str, value: float) -> None:
    found = expression(text).value
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", "a"), ('"""a"b"""', 'a"b'), ("''", ""), ("''''''", ""),
        (r"'\n\t\\\'\"'", "\n\t\\'\""), (r"'\x41\u00e9\U0001F600\101'", "Aé😀A"),
        (r"'\N{BULLET}\q\0'", "•\\q\0"), (r"r'\n'", r"\n"), (r"R'\\'", r"\\"), ("u'é'", "é"), ("'a' \"b\"\n", "ab"),
        ("'a\\\nb'", "ab"), ("'''a\r\nb\rc'''", "a\nb\nc"), (r"'\r'", "\r"), (r"'\ud800'", "\ufffd"),
        (r"'\N{no such name}'", r"\N{no such name}"),
    ],
)  # fmt: skip
def test_a_string_has_its_evaluated_value(text: str, value: str) -> None:
    assert expression(text).value == value


def test_adjacent_literals_over_several_lines_are_one_string() -> None:
    found = statement("x = ('a'  # first\n     'b'\n     r'\\c')").value
    assert found.value == "ab\\c"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("f'a{b}c'", (const("a"), B, const("c"))),
        ("f'{{{a!r:>{b}}}}'", (const("{"), A, const("}"))),
        ("f'{a = :.3f}'", (A,)),
        ("f'{ {a: b}[c] }'", (("Subscript", ("Dict", ((A, B),)), C),)),
        ("rf'\\d{a}'", (const("\\d"), A)),
        ("f'\\n{a}'", (const("\n"), A)),
        ("'a' f'{b}' 'c'", (const("a"), B, const("c"))),
        ("f'{a}' f'{b}'", (A, B)),
        ("f'{f\"{a}\"}'", (("FString", (A,)),)),
        ("f'{a['b']}'", (("Subscript", A, const("b")),)),
        ("f'''{\na\n}'''", (A,)),
        ("f''", ()),
    ],
)
def test_an_f_string_has_its_literal_parts_and_its_values(text: str, parts: Any) -> None:
    assert shape(expression(text)) == ("FString", parts)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("(", ")"), ("{", "}")])
def test_of_a_table_of_constants_only_the_head_is_kept(opening: str, closing: str) -> None:
    text = f"x = {opening}{', '.join(repr(str(number)) for number in range(513))}{closing}; y"
    assign, after = statement_pair(text)
    assert [element.value for element in assign.value.elements] == [str(number) for number in range(64)]
    assert text[assign.start : assign.end].strip("()") == text[: text.index(";")].strip("()")
    assert after.start == len(text) - 1


def test_of_a_dict_of_constants_only_the_head_is_kept() -> None:
    text = f"x = {{{', '.join(f'{number!r}: None' for number in map(str, range(600)))}}}; y"
    assign, after = statement_pair(text)
    assert len(assign.value.items) == 64
    assert after.start == len(text) - 1


def test_a_list_that_holds_a_name_is_kept_whole() -> None:
    assert len(statement(f"x = [{'1, ' * 600}layer]").value.elements) == 601


def statement_pair(text: str) -> tuple[Any, Any]:
    from bnlint.program.lower import parse_program

    first, second = parse_program(text).body
    return first, second


def test_nodes_are_equal_only_to_themselves() -> None:
    assert expression("a") != expression("a")
    assert isinstance(expression("a"), ir.Name)
