"""The program: a file lowered to the few node kinds that the story needs.

Pure data, made by `bnlint.program.lower` and read by everything after it. Nodes know their place as
character offsets into the source text (`start` inclusive, `end` exclusive, parentheses left out);
`Program.place` turns offsets into rows and columns. Nodes compare by identity. They are msgspec
structs because those are cheap to build and can be written to a cache that holds data only.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Literal, TypeAlias

import msgspec


class Node(msgspec.Struct, frozen=True, eq=False, gc=False, tag=True, tag_field="node", array_like=True):
    """Anything with a place in the source text."""

    start: int
    end: int


# --- expressions -----------------------------------------------------------------------------


class Const(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """A literal. Integers beyond 64 bits are given as float; bytes are given as `Opaque`."""

    value: bool | int | float | str | None


class Opaque(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """An expression the story has no use for: bytes, `...`, complex numbers, t-strings, what is nested too deeply."""


class Name(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    id: str


class Attribute(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`value.attr`; `at` is the offset where the attribute's own name starts."""

    value: Expr
    attr: str
    at: int


class Arg(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """One argument of a call or of a class header: `value`, `keyword=value`, `*value`, `**value`."""

    value: Expr
    keyword: str | None
    star: Literal["", "*", "**"]


class Call(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    func: Expr
    args: tuple[Arg, ...]


class Subscript(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`value[index]`; several indices are a `Sequence` of kind "tuple"."""

    value: Expr
    index: Expr


class Slice(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    lower: Expr | None
    upper: Expr | None
    step: Expr | None


class Sequence(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """A display; of one with more than 512 constants (or numbers, or rows of numbers) only the first 64 or so are kept."""

    kind: Literal["tuple", "list", "set"]
    elements: tuple[Expr, ...]


class Starred(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    value: Expr


class Dict(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`{key: value, **other}`; the key of `**other` is None. Long ones are cut short as a `Sequence` is."""

    items: tuple[tuple[Expr | None, Expr], ...]


class Unary(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    op: Literal["not", "-", "+", "~"]
    operand: Expr


class Binary(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`left op right` with the operator as written: "+", "//", "@", "<<", ..."""

    op: str
    left: Expr
    right: Expr


class Boolean(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`a and b`, `a or b`: always two operands, nested for more."""

    op: Literal["and", "or"]
    left: Expr
    right: Expr


class Compare(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`left op right op right ...` with operators as written, "not in" and "is not" with one blank."""

    left: Expr
    rest: tuple[tuple[str, Expr], ...]


class IfExp(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    test: Expr
    body: Expr
    orelse: Expr


class Lambda(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    params: Params
    body: Expr


class For(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """One `for target in iter if test ...` of a comprehension."""

    target: Expr
    iter: Expr
    tests: tuple[Expr, ...]


class Comprehension(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """For a dict comprehension `key` is set; `loops` from the outermost to the innermost."""

    kind: Literal["list", "set", "dict", "generator"]
    key: Expr | None
    value: Expr
    loops: tuple[For, ...]


class Await(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    value: Expr


class Yield(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    value: Expr | None
    from_: bool


class FString(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """An f-string or a concatenation that holds one: its literal parts (Const) and its values, in order."""

    parts: tuple[Expr, ...]


class Walrus(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    target: Expr
    value: Expr


Expr: TypeAlias = (
    Const | Opaque | Name | Attribute | Call | Subscript | Slice | Sequence | Starred | Dict | Unary | Binary | Boolean
    | Compare | IfExp | Lambda | Comprehension | Await | Yield | FString | Walrus
)


# --- functions and classes -------------------------------------------------------------------


class Param(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    name: str
    kind: Literal["positional", "plain", "star", "keyword", "double_star"]
    default: Expr | None
    annotation: Expr | None


class Params(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """Parameters in the order of the text: positional-only, plain, `*args`, keyword-only, `**kwargs`.

    The place of a function's is that of its brackets.
    """

    items: tuple[Param, ...]


class Function(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`def`; `at` is the offset of the name. `generator` tells whether its own body yields."""

    name: str
    at: int
    params: Params
    decorators: tuple[Expr, ...]
    returns: Expr | None
    body: tuple[Stmt, ...]
    is_async: bool
    generator: bool


class Class(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    name: str
    at: int
    bases: tuple[Arg, ...]
    """positional bases and keywords such as `metaclass=`"""
    decorators: tuple[Expr, ...]
    body: tuple[Stmt, ...]


# --- statements ------------------------------------------------------------------------------


class ExprStmt(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    value: Expr


class Assign(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`a = b = value`; also an annotated one, whose `annotation` is set (without a value: no statement of this kind)."""

    targets: tuple[Expr, ...]
    value: Expr
    annotation: Expr | None


class Declare(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`target: annotation` without a value."""

    target: Expr
    annotation: Expr


class AugAssign(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`target op= value`, `op` without the equals sign."""

    target: Expr
    op: str
    value: Expr


class Return(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    value: Expr | None


class Raise(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    value: Expr | None
    cause: Expr | None


class Assert(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    test: Expr
    message: Expr | None


class Delete(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    targets: tuple[Expr, ...]


class Pass(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`pass`"""


class Break(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`break`"""


class Continue(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`continue`"""


class Scope(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`global a, b` or `nonlocal a, b`"""

    kind: Literal["global", "nonlocal"]
    names: tuple[str, ...]


class Import(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`import a.b as c, d`: pairs of dotted name and alias (None without `as`)."""

    names: tuple[tuple[str, str | None], ...]


class ImportFrom(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`from ..module import a as b, c`; a star import has the one name "*". `module` is "" for `from . import x`."""

    module: str
    level: int
    names: tuple[tuple[str, str | None], ...]


class If(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`elif` is an If alone in `orelse`; in a chain of more than 50, each further 50 are one If more there."""

    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


class While(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


class Loop(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """The `for` statement."""

    target: Expr
    iter: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]
    is_async: bool


class With(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`with context as target, ...` (target None without `as`)"""

    items: tuple[tuple[Expr, Expr | None], ...]
    body: tuple[Stmt, ...]
    is_async: bool


class Handler(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`except type as name`"""

    type: Expr | None
    name: str | None
    body: tuple[Stmt, ...]


class Try(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    body: tuple[Stmt, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Stmt, ...]
    final: tuple[Stmt, ...]


class Case(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """One `case`: the constants it compares with (None when it is any other pattern), the names it binds, its guard.

    whole: whether it takes any subject, which it binds as it is: `case _`, `case other`.
    """

    values: tuple[Const, ...] | None
    binds: tuple[str, ...]
    guard: Expr | None
    body: tuple[Stmt, ...]
    whole: bool


class Match(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    subject: Expr
    cases: tuple[Case, ...]


Stmt: TypeAlias = (
    ExprStmt | Assign | Declare | AugAssign | Return | Raise | Assert | Delete | Pass | Break | Continue | Scope | Import
    | ImportFrom | If | While | Loop | With | Try | Match | Function | Class
)


# --- files -----------------------------------------------------------------------------------


class Comment(Node, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """A comment that holds the word `noqa` or `bnlint`, from its `#` to the end of the line."""

    text: str


class Program(msgspec.Struct, frozen=True, eq=False, array_like=True):
    """One lowered file.

    `lines` holds the offset of the first character of each row. `lenient` says that the Python 2 pre-pass
    rewrote the text: places are still those of the original rows, but no fix may be offered. Of a notebook, `cells`
    holds the first row of each code cell, and `problems` the row, the column and the message of what was left out.
    """

    body: tuple[Stmt, ...]
    lines: tuple[int, ...]
    comments: tuple[Comment, ...]
    lenient: bool
    cells: tuple[int, ...] = ()
    problems: tuple[tuple[int, int, str], ...] = ()

    def place(self, offset: int) -> tuple[int, int]:
        """Row and column, both from 1, of a character offset."""
        row = bisect_right(self.lines, offset)
        return row, offset - self.lines[row - 1] + 1
