"""Python 2 becomes readable, and only Python 2."""

from __future__ import annotations

import libcst
import pytest

from bnlint.read.lenient import Stop, rescue


def attempt(text: str) -> str | Stop:
    try:
        libcst.parse_module(text)
    except libcst.ParserSyntaxError as error:
        return Stop(error.raw_line, error.message)
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('print "a" % b,\n', 'print("a" % b,)\n', id="print with a trailing comma"),
        pytest.param('print"a"\n', 'print("a")\n', id="print without a blank"),
        pytest.param('if x: print a; print b # c\n', "if x: print(a); print(b) # c\n", id="several statements in a line"),
        pytest.param('print "a", \\\n    b\n', 'print("a", \\\n    b)\n', id="print over two rows"),
        pytest.param('print "%s" % f(\n  a)\n', 'print("%s" % f(\n  a))\n', id="print with a call over two rows"),
        pytest.param('print >>f, "a"\nprint 1\n', 'print >>f, "a"\nprint(1)\n', id="print to a file"),
        pytest.param('exec "x = 1"\n', 'exec("x = 1")\n', id="exec"),
        pytest.param("raise E, 'a'\n", "raise E( 'a')\n", id="raise with a comma"),
        pytest.param("try: f()\nexcept (A, B), e: print 1\n", "try: f()\nexcept (A, B) as e: print(1)\n", id="except"),
        pytest.param("if a <> `b`: x = 10L + 0777\n", "if a != (b): x = 10  + 511 \n", id="operators and numbers"),
        pytest.param("x = ur'a' + uR\"b\"\n", "x = r'a'  + R\"b\" \n", id="raw unicode"),
        pytest.param("f = lambda (a, b), c=(1, 2): c\n", "f = lambda α     , c=(1, 2): c\n", id="tuple parameters of a lambda"),
        pytest.param("def f(a, (b,\n       c)):\n    pass\n", "def f(a, α  \n         ):\n    pass\n", id="tuple parameters"),
        pytest.param("x = x.cuda(async=True)\n", "x = x.cuda(Async=True)\n", id="async as an argument"),
        pytest.param("if x:\n\tprint 1\n        y = 2\n", "if x:\n        print(1)\n        y = 2\n", id="tabs and blanks"),
        pytest.param("if x:\n\ty = 1\n        z = '''\n\t'''\n", "if x:\n        y = 1\n        z = '''\n\t'''\n", id="tabs"),
        pytest.param("print 1\r\nx = '''\r\nprint 2'''\r\n", "print(1)\r\nx = '''\r\nprint 2'''\r\n", id="other line endings"),
    ],
)  # fmt: skip
def test_python_2_is_rewritten_in_its_rows(before: str, after: str) -> None:
    assert rescue(before, attempt) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("print 1\nx = a b\ny = 2\n", "print(1)\npass\ny = 2\n", id="a statement"),
        pytest.param("print 1\nif a b:\n    x\nelif c d:\n    y\n", "print(1)\nif _:\n    x\nelif _:\n    y\n", id="headers"),
        pytest.param("print 1\nif a:\n    x = f(b\n      c d)\nz = 1\n", "print(1)\nif a:\n    pass\n\nz = 1\n", id="two rows"),
        pytest.param("print 1\n   x = 1\n   y = 1\nz = 1\n", "print(1)\n\n\nz = 1\n", id="a block that nothing opens"),
        pytest.param("print 1\nif a:\n    # x = 1\nz = 1\n", "print(1)\nif a: pass\n    # x = 1\nz = 1\n", id="an empty block"),
        pytest.param("print 1\nx = 'abc\ny = $\nz = 1)\nw = 1\n", "print(1)\npass\npass\npass\nw = 1\n", id="what is no token"),
        pytest.param("print 1\nx = f(1,\ndef g():\n    pass\n", "print(1)\npass\ndef g():\n    pass\n", id="an open bracket"),
    ],
)
def test_in_python_2_the_line_at_which_the_parser_stops_is_blanked(before: str, after: str) -> None:
    assert rescue(before, attempt) == after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = f(a b)\n", id="two names"),
        pytest.param("x = (1\n", id="an open bracket"),
        pytest.param('"""print x"""\n# print x\nx = "print x" y\n', id="print only in strings and comments"),
        pytest.param("print(x)\nfor x in y\n    z\n", id="a forgotten colon"),
        pytest.param("<<<<<<< HEAD\nx = 1\n=======\n>>>>>>> other\n", id="a merge conflict"),
        pytest.param("try:\n  x y\nexcept A, B:\n  pass\n", id="two exception classes, which Python 3.14 allows"),
        pytest.param("f(async=True)\nx = a b\n", id="async is no proof of Python 2"),
        pytest.param("async def f():\n    await g(\n", id="async where it belongs"),
        pytest.param("", id="nothing"),
    ],
)
def test_broken_python_3_stays_broken(text: str) -> None:
    assert rescue(text, attempt) is None


@pytest.mark.parametrize(("filling", "most"), [("", 41), ("# " + "-" * 10_000 + "\n", 4)])
def test_the_number_of_attempts_is_bounded_and_smaller_for_large_files(filling: str, most: int) -> None:
    tries = 0

    def refuse(text: str) -> str | Stop:
        nonlocal tries
        tries += 1
        return Stop(text.count("\n", 0, text.index("x = 1")) + 1, "no")

    assert rescue("print 1\n" + ("x = 1\n" + filling) * 200, refuse) is None
    assert tries == most
