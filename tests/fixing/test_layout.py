"""Changes become edits that fit the text around them, or none at all."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.findings import Argument, Change, Comment, Cure, Drop, Insert, Place, Wrap
from bnlint.fixing.choose import span_of
from bnlint.fixing.layout import Text, fix_of
from bnlint.fixing.sources import strings
from bnlint.program.lower import parse_program
from bnlint.program.problem import line_starts


def laid_out(text: str) -> Text:
    return Text(text, line_starts(text), lambda: strings(parse_program(text)))


def place(text: str, part: str, end: str | None = None) -> Place:
    """The place of a part of the text; with `end`, from there to the end of that."""
    start = text.index(part)
    stop = start + len(part) if end is None else text.index(end, start) + len(end)
    return laid_out(text).place(Place("a.py", 1, 1, 1, 1), start, stop)


def changed(text: str, change: Change) -> str | None:
    layout = laid_out(text)
    fix = fix_of(Cure("", "safe", (change,)), layout)
    if fix is None:
        return None
    for start, end, content in sorted((span_of(edit, layout) for edit in fix.edits), reverse=True):
        text = text[:start] + content + text[end:]
    return text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("f(x)\n", "net.eval()\nf(x)\n"),
        ("if a:\n\tf(x)\n", "if a:\n\tnet.eval()\n\tf(x)\n"),
        ("if a: f(x)\n", "if a: net.eval(); f(x)\n"),
        ("a = 1; f(x)  # why\n", "a = 1; net.eval(); f(x)  # why\n"),
        ("if a:\r\n  f(x)", "if a:\r\n  net.eval()\r\n  f(x)"),
        ("if a: \\\n    f(x)\n", None),
    ],
)
def test_a_statement_is_put_before_another(text: str, wanted: str | None) -> None:
    assert changed(text, Insert(place(text, "f(x)"), "net.eval()")) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("f(x)", "f(x)\nnet.train()"),
        ("f(x)  # why\n", "f(x)  # why\nnet.train()\n"),
        ("if a:\n\tf(x)\nb()\n", "if a:\n\tf(x)\n\tnet.train()\nb()\n"),
        ("if a: f(x)\n", "if a: f(x); net.train()\n"),
        ("f(x); g()\n", "f(x); net.train(); g()\n"),
        ("f(x);\r\ng()\r\n", "f(x);\r\nnet.train()\r\ng()\r\n"),
    ],
)
def test_a_statement_is_put_behind_another(text: str, wanted: str | None) -> None:
    assert changed(text, Insert(place(text, "f(x)"), "net.train()", after=True)) == wanted


def test_a_statement_is_put_behind_a_loop() -> None:
    text = "def f():\n    for x in y: g(x); h(x)\n    return 1\n"
    loop = place(text, "for x", "h(x)")
    assert changed(text, Insert(loop, "net.train()", after=True)) == text.replace("h(x)\n", "h(x)\n    net.train()\n")


def test_nothing_is_put_before_an_elif() -> None:
    text = "if a:\n    pass\nelif f(x):\n    pass\n"
    assert changed(text, Insert(place(text, "elif", "pass"), "net.eval()")) is None


def test_a_wrapped_statement_is_indented_but_not_the_text_in_its_strings() -> None:
    text = 'if a:\n  op = f(x,\n    y,\n    """\n  text\n""",\n\n  z)  # why\nb()\n'
    wanted = 'if a:\n  with d:\n      op = f(x,\n        y,\n        """\n  text\n""",\n\n      z)  # why\nb()\n'
    assert changed(text, Wrap(place(text, "op =", "z)"), "with d:")) == wanted


@pytest.mark.parametrize("text", ["if a: op = f(x)\n", "op = f(x); b()\n", "a = 1; op = f(x)\n"])
def test_a_statement_that_shares_its_row_is_not_wrapped(text: str) -> None:
    assert changed(text, Wrap(place(text, "op =", ")"), "with d:")) is None


def test_one_argument_to_a_row_stays_so() -> None:
    text = "f(\n    a,\n    b=(1),  # why\n)\n"
    wanted = "f(\n    a,\n    b=(1),  # why\n    c=2,\n)\n"
    assert changed(text, Argument(place(text, "f(", "\n)"), place(text, "b=(1"), "c=2")) == wanted


@pytest.mark.parametrize(
    ("text", "last", "before", "wanted"),
    [
        ("f(a, b)\n", "b", "a", "f(a)\n"),
        ("f((a), (b))\n", "b", "a", "f((a))\n"),
        ("f(b)\n", "b", None, "f()\n"),
        ("f(\n  b,\n)\n", "b", None, "f(\n  )\n"),
        ("f(a,  # why\n  b)\n", "b", "a", "f(a  # why\n  )\n"),
        ("f(a,  # why\n  (b)  # so\n)\n", "b", "a", "f(a  # why\n    # so\n)\n"),
    ],
)
def test_an_argument_goes_with_its_comma_and_comments_stay(
    text: str, last: str, before: str | None, wanted: str | None
) -> None:
    gone = place(text, last)
    assert changed(text, Drop(place(text, text.rstrip()), gone, place(text, before) if before else None)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x()  # noqa: BN201\ny()\n", "x()\ny()\n"),
        ("# noqa: BN201\ny()\n", "y()\n"),
        ("x()\n    # noqa: BN201", "x()\n"),
        ("x()  # noqa: BN201  # why\n", "x()  # why\n"),
        ("x()  # noqa: BN201 for now\n", "x()  # for now\n"),
        ("x()  # why # noqa: BN201\n", "x()  # why\n"),
        ("x()\t# noqa: BN201\r\ny()\r\n", "x()\r\ny()\r\n"),
    ],
)
def test_a_directive_goes_with_the_row_that_it_leaves_empty(text: str, wanted: str) -> None:
    assert changed(text, Comment(place(text, "# noqa: BN201"), "")) == wanted


BLANKS = st.sampled_from(["", " ", "\n    ", "  # a, (comment)\n  ", "\\\n", "\r\n\t"])
ARGUMENTS = st.sampled_from(["a", "1", "(b)", "((c))", "d=2", "e=(3)", "'#'", "g(1, 2)", "[x for x in y]", "lambda: 0"])


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    """The text of a call in some layout, and where its arguments stand, without the brackets around them."""
    chosen = draw(st.lists(ARGUMENTS, max_size=3))
    chosen.sort(key=lambda argument: "=" in argument)
    text, places = "f(", []
    for number, argument in enumerate(chosen):
        text += draw(BLANKS)
        bare = argument.strip("()") if argument.startswith("(") else argument
        bare = "e=(3" if argument == "e=(3)" else bare
        places.append((len(text) + argument.index(bare), len(text) + argument.index(bare) + len(bare)))
        text += argument + draw(BLANKS)
        if number + 1 < len(chosen) or draw(st.booleans()):
            text += ","
    return text + draw(BLANKS) + ")", places


@given(calls())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_an_argument_is_added_to_a_call_of_any_layout_and_all_else_stays(made: tuple[str, list[tuple[int, int]]]) -> None:
    text, places = made
    try:
        before = ast.parse(text, mode="eval").body
    except SyntaxError:
        return  # a keyword twice
    layout = laid_out(text)
    whole = layout.place(Place("a.py", 1, 1, 1, 1), 0, len(text))
    last = layout.place(whole, *places[-1]) if places else None
    after = changed(text, Argument(whole, last, "new=True"))
    if after is None:
        assert not places
        assert "#" in text or "\\" in text
        return
    parsed = ast.parse(after, mode="eval").body
    assert isinstance(parsed, ast.Call)
    assert isinstance(before, ast.Call)
    assert ast.dump(parsed.keywords.pop()) == ast.dump(ast.keyword("new", ast.Constant(True)))
    assert ast.dump(parsed) == ast.dump(before)
    kept = iter(after)
    assert all(sign in kept for sign in text), "something else was changed"
