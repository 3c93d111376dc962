"""Where nodes, rows and comments stand in the text."""

from __future__ import annotations

from typing import Any

import pytest

from bnlint.program import model as ir
from bnlint.program.lower import parse_program
from tests.program.lowering import expression, source, statement


@pytest.mark.parametrize(
    "text",
    [
        "a", "a . b", "a\\\n.b", "f(x)", "f (\n x,  # )\n y)", "a[b]", "[a, (b)]", "{a: (b)}", "'a' \"b\"", "f'{a}#{b}'",
        "-(a)", "not(a)",
        "(a) + (b)", "((a)).b", "(a)(b)", "(a)[b]", "(a) and (b)", "(a) < (b)", "(a) if (b) else (c)", "lambda: (a)",
        "[a for a in (b)]",
        "{(a): (b) for a in b if (c)}", "'ünï' + cödé.ñ", "a\t+\tb", "()", "not a in b", "*a, b", "f(a)(b)(c)", "x[(a):(b)]",
        "f(not_a, nota, order, android)", "inner in inner_in", "is_a is is_b", "iffy if if_a else else_b",
        "lambda lambda_a: lambda_a",
    ],
)  # fmt: skip
def test_an_expression_spans_its_text(text: str) -> None:
    assert source(text, expression(text)) == text


def test_the_parentheses_around_an_expression_are_left_out() -> None:
    text = "x = ((  # (\n a.b  ) )"
    assign = statement(text)
    assert source(text, assign.value) == "a.b"
    assert source(text, assign) == text


def test_an_attribute_and_a_definition_know_where_their_name_stands() -> None:
    text = "def train(): self . train . train()"
    function = statement(text)
    outer = function.body[0].value.func
    assert function.at == 4
    assert (outer.at, outer.value.at) == (text.rindex("train"), text.index(". train") + 2)


def test_an_argument_spans_its_keyword_star_and_parentheses() -> None:
    text = "f((a), b = (c), *(d), **e)"
    assert [source(text, arg) for arg in expression(text).args] == ["(a)", "b = (c)", "*(d)", "**e"]


def test_a_parameter_spans_its_annotation_and_default() -> None:
    text = "def f(a, *b: (c), d=(e), **g): pass"
    assert [source(text, param) for param in statement(text).params.items] == ["a", "*b: (c)", "d=(e)", "**g"]


def test_a_decorated_function_begins_at_its_def() -> None:
    text = "@a\n# comment\n@b(c)\nasync  def f(): pass"
    assert source(text, statement(text)) == "async  def f(): pass"


def test_an_elif_begins_at_its_own_word_and_ends_with_the_chain() -> None:
    text = "if a: b\nelif c: d\nelse: e"
    assert source(text, statement(text).orelse[0]) == "elif c: d\nelse: e"


def test_a_comment_may_hold_the_very_token_that_is_searched() -> None:
    text = "f(  # model.eval() (\n  # model\n  model)  # f(model)\nmodel"
    call = parse_program(text).body[0].value  # type: ignore[union-attr]
    assert isinstance(call, ir.Call)
    assert source(text, call) == text[: text.rindex("  #")]
    assert call.args[0].start == text.index("  model)") + 2


def test_a_hash_in_a_string_begins_no_comment() -> None:
    text = 'x = \'#\', f\'#{a}#\', """\n# noqa\n"""; y  # noqa'
    program = parse_program(text)
    assert source(text, program.body[1]) == "y"
    assert [comment.start for comment in program.comments] == [text.rindex("#")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_counted_as_an_editor_does(end: str) -> None:
    text = f"a{end}'''x\x0cy\x1cz\u2028\x85{end}'''{end}\x0cb"
    program = parse_program(text)
    assert len(program.lines) == 4
    assert [program.place(node.start) for node in program.body] == [(1, 1), (2, 1), (4, 2)]


def test_columns_count_characters() -> None:
    text = "'🙂é', x"
    program = parse_program(text)
    name: Any = program.body[0].value.elements[1]  # type: ignore[union-attr]
    assert program.place(name.start) == (1, 7)


@pytest.mark.parametrize(
    ("text", "lines"), [("", (0,)), ("a", (0,)), ("a\n", (0, 2)), ("\r\n\r\n", (0, 2, 4)), ("\n\r\n", (0, 1, 3))]
)
def test_lines_hold_the_offset_of_each_row(text: str, lines: tuple[int, ...]) -> None:
    assert parse_program(text).lines == lines


def test_every_comment_for_linters_is_seen_once() -> None:
    text = (
        "# noqa 1\n\n@a  # noqa 2\n# noqa 3\ndef f(  # noqa 4\n  a,  # noqa 5\n  # noqa 6\n):  # noqa 7\n"
        "  # noqa 8\n  return (  # noqa 9\n"
        "    a  # noqa 10\n    + b)  # noqa 11\n  # noqa 12\n# noqa 13\nif a:  # noqa 14\n  pass  # noqa 15\n"
        "  # noqa 16\nelse:  # noqa 17\n"
        "  x = [  # noqa 18\n  ]; y  # noqa 19\n# noqa 20"
    )
    program = parse_program(text)
    assert [comment.text for comment in program.comments] == [f"# noqa {number}" for number in range(1, 21)]
    assert all(source(text, comment) == comment.text for comment in program.comments)


@pytest.mark.parametrize("text", ["# noqa", "#noqa\r\n", "\n\n  # BNLint: ignore[BN201] why", "x  #  type: ignore # NOQA:BN1\r"])
def test_a_comment_runs_from_its_hash_to_the_end_of_the_line(text: str) -> None:
    (comment,) = parse_program(text).comments
    assert comment.text == text[text.index("#") :].strip("\r\n")


@pytest.mark.parametrize("text", ["# nothing to say", "noqa = 1", "'# noqa'", "x = f'{a:#noqa}'"])
def test_other_comments_and_other_text_are_no_comments_for_linters(text: str) -> None:
    assert parse_program(text).comments == ()
