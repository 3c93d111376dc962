"""Rewrites Python 2 so that a Python 3 parser can read it: rows are kept, and columns wherever a line was not rewritten.

Must never change a file that the parser accepts (callers ask only for rejected ones) and never touch strings and
comments. The rewritten text is for reading alone: no fix is ever applied to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bnlint.read.tokens import LogicalLine, Token, logical_lines, statements

# After `print`, these continue an expression that Python 3 accepts too.
_OPERATORS = frozenset(("in", "is", "and", "or", "if", "else", "for", "as"))
_OCTAL = re.compile(r"0[0-7]+[lL]?")
# One letter each, so that columns stay; such names are no one's own.
_PARAMETERS = "αβγδεζηθ"
_INDENT = re.compile(r"^[ ]*\t[ \t]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """Replace `text[start:end]` by `content`. `sign`: only Python 2 could have been written so."""

    start: int
    end: int
    content: str
    sign: bool = True


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`shows_python2`: the text holds syntax that no Python 3 ever had."""

    text: str
    shows_python2: bool


def rewrite(text: str) -> Rewritten:
    """Rewrite what only Python 2 accepts; `async` and `await` as identifiers (before Python 3.7) are renamed as well."""
    lines = logical_lines(text)
    changes = [change for line in lines for change in _changes(line)]
    sign = any(change.sign for change in changes)
    return Rewritten(_apply(text, changes), sign)


def expand_tabs(text: str) -> str | None:
    """Indentation with each tab running to the next multiple of eight, as Python 2 reads it; None without tabs.

    Only rows that begin a logical line are touched: the text of a string must not change.
    """
    if "\t" not in text:
        return None
    pieces: list[str] = []
    last = 0
    for line in logical_lines(text):
        found = _INDENT.match(text, line.start, line.tokens[0].start)
        if found:
            pieces += (text[last : line.start], found[0].expandtabs(8))
            last = found.end()
    return "".join((*pieces, text[last:])) if pieces else None


def _apply(text: str, changes: Sequence[Change]) -> str:
    pieces: list[str] = []
    last = 0
    # Two statements never overlap, but an insertion may stand where a replacement starts.
    for change in sorted(changes, key=lambda change: (change.start, change.end)):
        if change.start < last:
            continue
        pieces += (text[last : change.start], change.content)
        last = change.end
    return "".join((*pieces, text[last:]))


def _changes(line: LogicalLine) -> Iterator[Change]:
    yield from _token_changes(line.tokens)
    for statement in statements(line):
        rule = _STATEMENTS.get(statement[0].text) if statement else None
        if rule is not None:
            yield from rule(statement)
    yield from _tuple_parameters(line.tokens)


def _token_changes(tokens: tuple[Token, ...]) -> Iterator[Change]:
    opening = True
    for index, token in enumerate(tokens):
        text = token.text
        if token.kind == "string":
            prefix = text[: text.index(text[-1])] if text[-1] in "'\"" else ""
            if len(prefix) == 2 and prefix.lower() == "ur":
                # The blank goes behind, because in front it could indent the line.
                yield Change(token.start, token.end, text[1:] + " ")
        elif token.kind == "number":
            if _OCTAL.fullmatch(text) and text.strip("0lL"):
                yield Change(token.start, token.end, str(int(text.rstrip("lL"), 8)).ljust(len(text)))
            elif text[-1] in "lL":
                yield Change(token.start, token.end, text[:-1] + " ")
        elif text == "<>":
            yield Change(token.start, token.end, "!=")
        elif text == "`":
            # repr(x) without its name: a value in brackets keeps the columns.
            yield Change(token.start, token.end, "(" if opening else ")")
            opening = not opening
        elif (text == "async" and not _begins_async(tokens, index)) or (text == "await" and _is_assigned(tokens, index)):
            yield Change(token.start, token.end, text.capitalize(), sign=False)


def _begins_async(tokens: tuple[Token, ...], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].text in ("def", "for", "with")


def _is_assigned(tokens: tuple[Token, ...], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].text == "="


def _print(statement: tuple[Token, ...]) -> Iterator[Change]:
    if len(statement) < 2:
        return
    after = statement[1]
    if after.text == ">>":
        # `print >> f, x` is a valid expression in Python 3 too: it stays, and shows Python 2.
        yield Change(after.start, after.end, after.text)
        return
    is_operand = after.kind in ("number", "string") or after.text in ("{", "`")
    is_operand = is_operand or (after.kind == "name" and after.text not in _OPERATORS)
    if after.text == "not" and len(statement) > 2 and statement[2].text == "in":
        return
    # `print (a) "b"` is no Python at all, `print (a), b` and `print -x` are valid in both.
    if is_operand:
        yield from _call(statement)


def _exec(statement: tuple[Token, ...]) -> Iterator[Change]:
    if len(statement) < 2:
        return
    after = statement[1]
    if after.kind == "string" or (after.kind == "name" and after.text not in _OPERATORS):
        yield from _call(statement)


def _call(statement: tuple[Token, ...]) -> Iterator[Change]:
    """`print x` to `print(x)`: the bracket takes the place of a blank, so that columns stay."""
    start, end = statement[0].end, statement[-1].end
    yield Change(start, min(start + 1, statement[1].start), "(")
    yield Change(end, end, ")")


def _raise(statement: tuple[Token, ...]) -> Iterator[Change]:
    comma = _comma(statement)
    if comma is not None:
        yield Change(comma.start, comma.end, "(")
        yield Change(statement[-1].end, statement[-1].end, ")")


def _except(statement: tuple[Token, ...]) -> Iterator[Change]:
    comma = _comma(statement)
    # `except A, B:` is also Python 3.14, which names two classes; Python 2 names a class and a variable.
    if comma is None or statement[-2] is not comma or not statement[-1].text[:1].islower():
        return
    yield Change(comma.start, comma.end, " as")


def _comma(statement: tuple[Token, ...]) -> Token | None:
    """The first comma outside of brackets."""
    depth = 0
    for token in statement:
        if token.kind != "op":
            continue
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
        elif token.text == "," and depth == 0:
            return token
    return None


def _tuple_parameters(tokens: tuple[Token, ...]) -> Iterator[Change]:
    """`def f(a, (b, c)):` and `lambda (a, b): ...`: each tuple becomes one parameter that starts where it stood."""
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text not in ("def", "lambda"):
            continue
        depth = used = 0
        expected = True
        tuple_depth: int | None = None
        for inner in tokens[index + (3 if token.text == "def" else 1) :]:
            text = inner.text if inner.kind == "op" else ""
            if depth == 0 and text in (":", ")") and text:
                break
            if text and text in "([{":
                depth += 1
                if text == "(" and depth == 1 and expected and used < len(_PARAMETERS):
                    tuple_depth = depth
                    yield Change(inner.start, inner.end, _PARAMETERS[used])
                    used += 1
                    continue
            if tuple_depth is not None:
                yield Change(inner.start, inner.end, " " * len(inner.text))
            if text and text in ")]}":
                depth -= 1
                tuple_depth = None if depth == 0 else tuple_depth
            expected = depth == 0 and text == ","


_STATEMENTS: dict[str, Callable[[tuple[Token, ...]], Iterator[Change]]] = {
    "print": _print,
    "exec": _exec,
    "raise": _raise,
    "except": _except,
}
