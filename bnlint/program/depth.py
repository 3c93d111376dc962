"""How deeply a text is nested, by a linear scan: what is asked before the text is given to libcst's parser.

That parser recurses on the machine's stack: measured with libcst 1.9 on 8 MB, 3,000 open brackets or 20,000 operators
in a row end the process, not the parse. Its time is quadratic in the length of a chain (`a + b + ...`, `a.b.c...`), and
exponential in the nesting of `case` patterns. The limits here lie where parsing still takes a few seconds at most;
CPython itself refuses more than 200 brackets. The scan may overestimate and must never underestimate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_BRACKETS = 200
_MOST_LINKS = 3000
_MOST_PATTERN_BRACKETS = 8
_MOST_OPEN_BRACES = 400
_MOST_ELIFS = 20_000
_SOME_BRACKETS = 40
_SOME_LINKS = 80
_SOME_ELIFS = 100
_LONG = 240
"""characters of a line or of what stands in brackets, from which on it may hold a long chain: `.a` is the shortest link"""

_STRING = (  # an unterminated one ends with its line or with the text, so that no second attempt is ever made at it
    r'"(?:""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:"""|\\?\Z)|[^"\\\n]*(?:\\.[^"\\\n]*)*"?)'
    r"|'(?:''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:'''|\\?\Z)|[^'\\\n]*(?:\\.[^'\\\n]*)*'?)"
)
_BRACKETS = re.compile(rf"[()\[\]{{}}]|#[^\n\r]*|{_STRING}", re.DOTALL)
_LINKS = re.compile(
    rf"[()\[\]{{}}]|[,;\n\r]|\\\r?\n|[-+*/%@&|^~<>.=]+|\b(?:and|or|not|if|else|lambda|await|yield)\b|#[^\n\r]*|{_STRING}",
    re.DOTALL,
)
_CASE = re.compile(r"^[ \t]*case\b", re.MULTILINE)
_OPENING = re.compile(r"[(\[{]")
_FORMATTED = re.compile(r"(?i)(?:f|t|fr|rf|tr|rt)['\"]")
_BUT_BRACES = bytes(code for code in range(256) if code not in b"{}")


@dataclass(frozen=True, slots=True)
class Depth:
    """`too_deep` is the offset of what must not be parsed; `large` says that parsing wants a large stack."""

    too_deep: int | None
    large: bool


def depth_of(text: str) -> Depth:
    deepest = 0
    depth = opened = 0
    stretches: list[tuple[int, int]] = []
    for match in _BRACKETS.finditer(text):
        token = match[0]
        if token in "([{":
            if not depth:
                opened = match.start()
            depth += 1
            if depth > deepest:
                deepest = depth
                if depth > _MOST_BRACKETS:
                    return Depth(match.start(), True)
        elif token in ")]}" and depth:
            depth -= 1
            if not depth and match.end() - opened > _LONG:
                stretches.append((opened, match.end()))
    if depth:
        stretches.append((opened, len(text)))
    if "case" in text and (too_deep := _deep_pattern(text)) is not None:
        return Depth(too_deep, True)
    if _FORMATTED.search(text) and (too_deep := _deep_braces(text)) is not None:
        return Depth(too_deep, True)
    links = 0
    for start, end in (*stretches, *_long_lines(text)):
        here, place = _longest_chain(text, start, end)
        if here > _MOST_LINKS:
            return Depth(place, True)
        links = max(links, here)
    elifs = text.count("elif")
    if elifs > _MOST_ELIFS:
        return Depth(text.index("elif"), True)
    return Depth(None, deepest > _SOME_BRACKETS or links > _SOME_LINKS or elifs > _SOME_ELIFS)


def _long_lines(text: str) -> list[tuple[int, int]]:
    if text.count("\\\n") + text.count("\\\r") > _SOME_LINKS // 2:
        return [(0, len(text))]
    found = []
    start = 0
    for line in text.split("\n"):
        if len(line) > _LONG:
            found.append((start, start + len(line)))
        start += len(line) + 1
    return found


def _longest_chain(text: str, start: int, end: int) -> tuple[int, int]:
    """The most operators, attributes and calls in a row in a stretch of text, and where that many were reached."""
    most, place = 0, start
    counts = [0]
    for match in _LINKS.finditer(text, start, end):
        token = match[0]
        if token in "([{":
            counts[-1] += 1
            counts.append(0)
        elif token in ")]}":
            if len(counts) > 1:
                counts.pop()
        elif token in ",;" or (token in "\n\r" and len(counts) == 1):
            counts[-1] = 0
        elif token[0] not in "#'\"\\\n\r" and token != "=":
            # several signs in a row are several operators: `x = ----1`
            counts[-1] += 1 if token[0].isalpha() else len(token)
        else:
            continue
        if counts[-1] > most:
            most, place = counts[-1], match.start()
    return most, place


def _deep_pattern(text: str) -> int | None:
    for case in _CASE.finditer(text):
        depth = 0
        last = case.end()
        if not _OPENING.search(text, last, text.find("\n", last) + 1 or len(text)):
            continue
        for match in _BRACKETS.finditer(text, last):
            if not depth and "\n" in text[last : match.start()]:
                break
            last = match.end()
            if match[0] in "([{":
                depth += 1
                if depth > _MOST_PATTERN_BRACKETS:
                    return match.start()
            elif match[0] in ")]}":
                depth -= 1
                if depth < 0:
                    break
    return None


def _deep_braces(text: str) -> int | None:
    """Braces in strings too, for f-strings whose values or formats hold further ones."""
    braces = text.encode("utf-8", "replace").translate(None, _BUT_BRACES)
    for _ in range(_MOST_BRACKETS):  # each round takes away the innermost pairs
        outer = braces.replace(b"{}", b"")
        if len(outer) == len(braces):
            return text.index("{") if b"{" * _MOST_OPEN_BRACES in braces else None
        braces = outer
    return text.index("{")
