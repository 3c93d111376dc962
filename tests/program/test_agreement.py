"""The places and values of a sample of the standard library, compared with those of the interpreter's own parser."""

from __future__ import annotations

import sysconfig
import warnings
from pathlib import Path

import pytest

from bnlint.program.lower import parse_program
from tests.program.agreement import disagreements

LIBRARY = Path(sysconfig.get_path("stdlib"))
SAMPLE = sorted(
    {
        *LIBRARY.glob("[a-e]*.py"),
        *LIBRARY.glob("asyncio/[r-s]*.py"),
        *LIBRARY.glob("test/test_*t_*.py"),
        *LIBRARY.glob("email/*.py"),
    }
)[::6]
TELLING = [
    LIBRARY / "test" / name
    for name in (
        "test_fstring.py", "test_patma.py", "test_syntax.py", "test_type_params.py",
        "test_unpack_ex.py", "test_coroutines.py", "test_named_expressions.py",
    )
]  # fmt: skip


@pytest.mark.parametrize("path", [*SAMPLE, *(path for path in TELLING if path.exists())], ids=lambda path: path.name)
def test_the_standard_library_is_lowered_as_the_interpreter_reads_it(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert disagreements(text, parse_program(text)) == []


SNIPPETS = [
    "x = (a) . b (c) [d] . e",
    "x = ((a).b)((c))(d)",
    "x = a if (b) else (c) (d)",
    "f(a)(b)(c=(d))",
    "print(*a, **b, c=d, end='')",
    "x = (\n  a  # a b c\n  .b(c)  # c)\n  .d\n)",
    "lambda a, b=(c), *d, e=f(g), **h: i(j)",
    "for a.b[c()], (d) in (e), f(): g",
    "with (a() as b, c(d) as e.f): g",
    "with (a)() as b: c",
    "x: (a).b = (c)(d)",
    "x = [a(b) async for b in c(d) if e.f if (g)]",
    "async def f(): return await (a).b(c)",
    "del (a).b, c[d], (e, f)",
    "é.ñ(ü)['ö']  # ä\nb",
    "a = 1;b=a ; c=b;",
    "a\\\n  = \\\n b . \\\n c",
    "assert (a)(b), (c).d",
    "raise (a).b(c) from (d)(e)",
    "x = not(a)in(b)",
    "def f(): x = (yield)(a)",
    "x = 1 .real + 1..imag + 0x1f.a + 1e5.b",
    "@(a)(b).c\n@d[e]\nclass F((g).h, metaclass=(i)): pass",
    "while (a)(b): c\nelse: d",
    "try: a\nexcept (b).c as d: e\nfinally: f",
    "x = a < (b) < c not in (d)(e) is not (f)",
    "x = {**(a)(b), (c): (d)(e), 'f': g}",
    "x = a[(b):(c)(d):e, ..., ::f]",
    "global a, b; a = b",
    "if (a := (b)(c)) and (d): e",
    "match (a)(b):\n case 1 if (c)(d): e\n case A.B(f, g=[h, *_]) | {'i': (j)}: k(l)",
]


@pytest.mark.parametrize("text", SNIPPETS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_an_awkward_snippet_is_lowered_as_the_interpreter_reads_it(text: str, end: str) -> None:
    text = text.replace("\n", end) + end
    assert disagreements(text, parse_program(text)) == []
