"""The source of a notebook's cell as Python: what only IPython understands is replaced, row by row.

IPython's own rules (IPython 8, "Built-in magic commands" and `core.inputtransformer2`): `%magic`, `!shell`, `name?` at
the start of a line, `x = %magic` and `x = !shell`, and `%%magic` for a whole cell. Must keep every row, and the column
of every character that stays Python; must never fail.
"""

from __future__ import annotations

import re

RUNS_ITS_CELL = frozenset(
    (
        "add_to", "capture", "codecarbon", "debug", "heat", "local", "lprun", "matplotlib", "memit", "mprun", "notify", "prun",
        "px", "scalene", "skip_if", "snakeviz", "tic", "time", "timeit", "toc", "wandb",
    )
)  # fmt: skip
"""cell magics that run their cell as Python in the same process; what others do with it is not ours to guess"""

RUNS_ITS_LINE = frozenset(("time", "timeit", "prun", "memit", "snakeviz", "debug"))
"""line magics whose argument is a statement"""

_AUTOMAGIC = (
    "alias|apt|apt-get|autoreload|bash|cat|cd|conda|cp|env|git|grep|history|kaggle|load_ext|ls|mamba|man|matplotlib|mkdir|mv|pip|"
    "pip3|precision|prun|pushd|pwd|pylab|reload_ext|rm|rmdir|set_env|tensorboard|time|timeit|unzip|uv|wget|who|whos"
)

# One token of a logical line, as far as it matters where the line ends.
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\f]+)
  | (?P<end>\r\n|\n|\r)
  | (?P<skip>\\(?:\r\n|\n|\r)|\#[^\r\n]*
        |'''(?:[^\\]|\\.)*?(?:'''|\Z)|\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z)
        |'(?:[^'\\\r\n]|\\\r\n|\\.)*'?|"(?:[^"\\\r\n]|\\\r\n|\\.)*"?
        |[^\s'"\#()\[\]{}\\]+)
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ROW = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_CELL_MAGIC = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r))*[ \t]*%%(?P<name>[\w.]*!?)(?P<line>[^\r\n]*)")
_LINE_MAGIC = re.compile(r"(?P<indent>[ \t\f]*)%(?P<name>\w+)(?P<options>(?:[ \t]+-\w+(?:[ \t]+\d+)?)*)[ \t]+(?P<statement>\S.*)")
_SPECIAL = re.compile(r"[ \t\f]*(?:[%!?]|[,;/][A-Za-z_])")
_KEYWORD_BEHIND_NAME = r"(?:in|is|and|or|if|not|as|for|else)\b"
_AUTO = re.compile(rf"[ \t\f]*(?:{_AUTOMAGIC})[ \t]+(?!{_KEYWORD_BEHIND_NAME})(?:[\w~${{'\"]|\.\.|\.?/\w|-{{1,2}}[A-Za-z])")
_HELP = re.compile(r"[ \t\f]*[\w.*\[\]'\"()]+\?{1,2}[ \t]*(?:#.*)?$")
_ASSIGNED = re.compile(r"(?P<target>[ \t\f]*[A-Za-z_][\w.,\[\] \t'\"]*=[ \t]*)(?P<sign>!|%(?P<name>[A-Za-z_]\w*))")
_COMPOUND = re.compile(r"(?:for|while|if|with|try|def|class|async)\b|@")
_INDENT = re.compile(r"[ \t\f]*")
UNKNOWN = "get_ipython()"
"""what the value of a shell line or a magic becomes: nothing that anybody could follow"""


def plain_python(source: str) -> str:
    """The rows of a cell with what is not Python replaced; rows that are no Python at all become empty or `pass`."""
    source = source.replace("\f", " ")
    if not _may_hold_magic(source):
        return source
    start = 0
    magic = _CELL_MAGIC.match(source)
    if magic:
        if magic["name"] not in RUNS_ITS_CELL:
            return _blank(source)
        start = _ROW.match(source, magic.end()).end()  # type: ignore[union-attr]  # matches anything
    parts = [_blank(source[:start])]
    while start < len(source):
        row = _ROW.match(source, start)
        assert row is not None
        text = row[0].rstrip("\r\n")
        replaced = _replaced(text)
        if replaced is None:
            end = _end_of_logical_line(source, start)
            parts.append(source[start:end])
        else:
            end = _end_of_continued(source, row.end(), text)
            parts.append(replaced + row[0][len(text) :] + _blank(source[row.end() : end]))
        start = end
    return "".join(parts)


def _may_hold_magic(source: str) -> bool:
    return any(sign in source for sign in "%!?;,/") or re.search(rf"(?m)^[ \t]*(?:{_AUTOMAGIC})[ \t]", source) is not None


def _replaced(row: str) -> str | None:
    """The row that starts a logical line as Python, None when it is Python already."""
    found = _ASSIGNED.match(row)
    if found:
        statement = row[found.end() :]
        if found["name"] in ("time", "prun") and statement.strip():
            return found["target"] + " " * len(found["sign"]) + statement
        return found["target"] + UNKNOWN
    if _SPECIAL.match(row):
        magic = _LINE_MAGIC.match(row)
        if magic and magic["name"] in RUNS_ITS_LINE and not _COMPOUND.match(magic["statement"]) and not row.endswith("\\"):
            prefix = "pass;".ljust(magic.start("statement") - len(magic["indent"]))
            return magic["indent"] + prefix + magic["statement"]
        return _nothing(row)
    if _HELP.match(row) or _AUTO.match(row):
        return _nothing(row)
    return None


def _nothing(row: str) -> str:
    """A statement that does nothing, where the row stood: it may be all that a block holds."""
    indent = _INDENT.match(row)
    return (indent[0] if indent else "") + "pass"


def _blank(text: str) -> str:
    return re.sub(r"[^\r\n]+", "", text)


def _end_of_continued(source: str, end: int, row: str) -> int:
    """The end of a shell line or magic that goes on behind a backslash."""
    while row.endswith("\\") and end < len(source):
        found = _ROW.match(source, end)
        assert found is not None
        row, end = found[0].rstrip("\r\n"), found.end()
    return end


def _end_of_logical_line(source: str, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(source, start):
        kind = token.lastgroup
        if kind == "end" and depth == 0:
            return token.end()
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
    return len(source)
