"""What only IPython understands becomes Python, and everything else stays where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.read.magics import plain_python


@pytest.mark.parametrize(
    ("source", "python"),
    [
        pytest.param("%matplotlib inline\nx = 1", "pass\nx = 1", id="a line magic does nothing"),
        pytest.param("!pip install a \\\n    b\nx = 1", "pass\n\nx = 1", id="a shell line goes on behind a backslash"),
        pytest.param("!echo \"it's (\nx = 1", "pass\nx = 1", id="quotes and brackets of the shell open nothing"),
        pytest.param("if x:\n    !ls\n", "if x:\n    pass\n", id="a block keeps a statement"),
        pytest.param("files = !ls", "files = get_ipython()", id="the output of the shell is unknown"),
        pytest.param("a, b = %env X", "a, b = get_ipython()", id="the value of a magic is unknown"),
        pytest.param("y = %time f(x)", "y =       f(x)", id="a timed expression stays in its column"),
        pytest.param("%time f(x)", "pass; f(x)", id="a timed statement stays in its column"),
        pytest.param("%timeit -n 10 f(x)", "pass;         f(x)", id="with options"),
        pytest.param("%time for x in y: f(x)", "pass", id="a compound statement cannot stand behind another"),
        pytest.param("net.forward?\n?net\nnet??", "pass\npass\npass", id="a question for help"),
        pytest.param("pip install torch==1.2\ncd ../data", "pass\npass", id="magics that need no sign"),
        pytest.param("\n%%time\nf(x)", "\n\nf(x)", id="a cell magic that runs its cell"),
        pytest.param("# timing\n%%capture out\n!ls", "\n\npass", id="a cell magic below a comment"),
        pytest.param("%%bash\nls (\n", "\n\n", id="a cell of the shell"),
        pytest.param("%%writefile net.py\nimport torch", "\n", id="a cell that is written to a file"),
        pytest.param("%%!\nls", "\n", id="a cell of the shell by its sign"),
    ],
)
def test_what_is_no_python_is_replaced(source: str, python: str) -> None:
    assert plain_python(source) == python


@pytest.mark.parametrize(
    "source",
    [
        'text = """\n!kept\n%kept\nkept?\n"""',
        "print('%d' % 3,\n  %x)",
        "rest = a \\\n    % b",
        "ls = 3\ntime = ls\npip = [1]\ntime in pip",
        "x %= 3\ny = x != 3",
        "text = 'a = !ls'  # why?",
        "await f()\nasync with a as b:\n    pass",
    ],
)
def test_python_is_left_alone(source: str) -> None:
    assert plain_python(source) == source


@given(st.text("a!%? =\n'\"\\#([)]:;,/\f\rtime"))
def test_any_text_keeps_its_rows(source: str) -> None:
    assert plain_python(source).count("\n") == source.count("\n")
