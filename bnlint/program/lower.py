"""From the text of a file to its `Program`: guard, parse by libcst, walk once.

Importing this must never import libcst (it takes longer than everything else that a run with a warm cache does).
Any text ends in a Program or a SyntaxProblem, in bounded time: texts that would take libcst's parser too deep are
refused, those that are merely deep are handled in a thread with a large stack.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bnlint.program.depth import depth_of
from bnlint.program.model import Comment, Program, Stmt
from bnlint.program.problem import SyntaxProblem, line_starts, problem_at
from bnlint.program.tables import blank_tables

if TYPE_CHECKING:
    from types import ModuleType

    from libcst import ParserSyntaxError

__all__ = ["SyntaxProblem", "parse_program"]

_STACKS = (512 << 20, 64 << 20)
"""bytes of stack to ask for, largest first; only what is used is ever taken"""
_RECURSION = 100_000
_LARGE_STACK = threading.Lock()
"""the stack size and the recursion limit belong to the whole process"""
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACE = re.compile(r"error at (\d+):(\d+): ")


def parse_program(text: str, *, lenient: bool = False) -> Program:
    """Lower `text`, a file without its byte order mark.

    Not kept: the middle of tables of constants (of more than 512 elements only the first 64 are lowered, of numbers
    also the last), what is nested more than 100 expressions deep (`Opaque`), and the exclusiveness of the branches in
    a chain of more than 50 `elif` (each further 50 are an If of their own, one after the other in the last `orelse`).

    Raises SyntaxProblem.
    """
    lines = line_starts(text)
    if surrogate := _SURROGATE.search(text):
        raise problem_at("a lone surrogate is no text", lines, surrogate.start())
    text = blank_tables(text)
    depth = depth_of(text)
    if depth.too_deep is not None:
        raise problem_at("nested too deeply", lines, depth.too_deep)
    body, comments = _in_large_stack(text) if depth.large else _lowered(text)
    return Program(body, lines, comments, lenient)


def _lowered(text: str) -> tuple[tuple[Stmt, ...], tuple[Comment, ...]]:
    """In the stack that there is; takes the large one when it does not do."""
    try:
        return _walked(text, deep=False)
    except RecursionError:
        return _in_large_stack(text)
    except MemoryError:
        raise SyntaxProblem("too large", 1, 1) from None


def _walked(text: str, *, deep: bool) -> tuple[tuple[Stmt, ...], tuple[Comment, ...]]:
    import libcst

    from bnlint.program.walk import walk

    try:
        with _unchecked(libcst):
            module = libcst.parse_module(text)
    except libcst.ParserSyntaxError as error:
        raise _refused(text, error) from None
    except (RecursionError, MemoryError):
        raise
    except Exception as error:  # libcst checks some rules while it builds its nodes
        raise SyntaxProblem(str(error).partition("\n")[0] or "cannot be parsed", 1, 1) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of its native part; no class that can be imported
            raise
        raise SyntaxProblem("the parser failed", 1, 1) from None
    return walk(text, module, deep=deep)


@contextmanager
def _unchecked(parser: ModuleType) -> Iterator[None]:
    """libcst checks each node when it is made, also those that its own parser makes: a sixth of its time.

    Source: libcst 1.9, `CSTNode.__post_init__`, whose comment says so.
    """
    node = parser.CSTNode
    check = node.__post_init__
    node.__post_init__ = lambda self: None
    try:
        yield
    finally:
        node.__post_init__ = check


def _in_large_stack(text: str) -> tuple[tuple[Stmt, ...], tuple[Comment, ...]]:
    results: list[tuple[tuple[Stmt, ...], tuple[Comment, ...]]] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(_walked(text, deep=True))
        except BaseException as error:  # raised again below, in the thread that asked
            errors.append(error)

    with _LARGE_STACK:
        recursion = sys.getrecursionlimit()
        sys.setrecursionlimit(max(recursion, _RECURSION))
        try:
            _run_in_thread(run)
        finally:
            sys.setrecursionlimit(recursion)
    if results:
        return results[0]
    if errors and not isinstance(errors[0], (RecursionError, MemoryError)):
        raise errors[0]
    raise SyntaxProblem("nested too deeply", 1, 1)


def _run_in_thread(run: Callable[[], None]) -> None:
    usual = threading.stack_size()
    for size in _STACKS:
        try:
            threading.stack_size(size)
            thread = threading.Thread(target=run)
            thread.start()
        except (ValueError, RuntimeError):  # not that much to be had here
            continue
        finally:
            threading.stack_size(usual)
        thread.join()
        return


def _refused(text: str, error: ParserSyntaxError) -> SyntaxProblem:
    """What the parser says, in one short line. Its tokenizer tells no place: there the interpreter's own parser is asked."""
    message = error.message.splitlines()[0]
    if place := _PLACE.search(message):
        expected = message[place.end() :].removeprefix("expected ")
        short = "invalid syntax" if expected.startswith("one of") else f"invalid syntax: {expected} expected"
        return SyntaxProblem(short, int(place[1]), int(place[2]) + 1)
    message = message.removeprefix("tokenizer error: ")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as own:
        return SyntaxProblem(message, own.lineno or 1, own.offset or 1)
    except (ValueError, RecursionError, MemoryError):
        pass
    return SyntaxProblem(message, error.raw_line, error.raw_column + 1)
