"""The abstract values that the story computes with.

Immutable values (`Const`, `Data`, `Lib`, `Choice`, tuples) compare by content; heap objects (`Obj`, functions, classes)
by identity. Everything mutable about a heap object lies in its `slots` table and is written through `Memory` only,
so that branches can be undone and joined. Nothing here knows a framework.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from bnlint.findings import Place
from bnlint.program.model import Class, Function, Lambda

if TYPE_CHECKING:
    from pathlib import Path

Table: TypeAlias = dict[Any, Any]
Symbol: TypeAlias = tuple[Any, ...]
"""The identity of something unknown that stays the same: a parameter, an option, a comparison of one with a constant."""


@dataclass(frozen=True, slots=True)
class Token:
    """Something whose influence on later values is followed: the output of a forward, a loader's batch, an update op.

    `kind` is one of "forward", "batch" (of a loader), "noise", "observation", "update", "train", "loss", "read", "input".
    `ref` is the event number or the object that it stands for.
    """

    kind: str
    ref: Any


NO_TOKENS: frozenset[Token] = frozenset()


def in_order(tokens: Iterable[Token]) -> list[Token]:
    """Tokens in an order that is the same in every run: that of a set hangs on where objects lie in memory."""

    def age(token: Token) -> tuple[str, int]:
        made = getattr(token.ref, "serial", None) or getattr(token.ref, "number", token.ref)
        return token.kind, made if isinstance(made, int) else 0

    return sorted(tokens, key=age)


@dataclass(frozen=True, slots=True)
class Const:
    """A known Python scalar. An `assumed` one is a default of an option: good for sizes, never decides a branch."""

    value: bool | int | float | str | None
    assumed: bool = False
    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a tensor's shape; None stands for unknown.

    axes: how many; channels: the size of the second one; single: each example has one value per channel;
    made: the layer that gave it directly.
    """

    axes: int | None
    channels: int | None
    single: bool | None
    made: Obj | None


@dataclass(frozen=True, slots=True)
class Data:
    """Anything not followed as an object: tensors, arrays, numbers, the unknown.

    flow: what influenced it; grad: that part of it through which a gradient flows back (in a TensorFlow graph: what
    its gradient needs); batch: the size of its first axis where known (`assumed`: known from a default only);
    parts: what was concatenated along the first axis; label: the name it is known by, a tie-breaker only.
    """

    flow: frozenset[Token] = NO_TOKENS
    grad: frozenset[Token] = NO_TOKENS
    batch: int | None = None
    assumed: bool = False
    parts: tuple[Data, ...] = ()
    symbol: Symbol | None = None
    label: str = ""
    kind: str = ""
    """"" unknown, or what a framework says of it: "tensor", "placeholder", "environment", ..."""
    form: Any = None
    """how it was computed, while own normalisation code is run by itself; None everywhere else"""
    shape: Shape | None = None


UNKNOWN = Data()
NONE = Const(None)


@dataclass(frozen=True, slots=True)
class Lib:
    """A name of a library that is not part of the project: `torch.nn.BatchNorm2d`, in canonical spelling."""

    name: str


@dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple, or any sequence that nobody changes. `rest` stands for further elements of unknown number."""

    items: tuple[Value, ...]
    rest: Value | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values, by a branch that could not be decided.

    contrary: those of the options that only come about when an option of the program is not left at its default; weak: which of
    them it is says nothing of what else is chosen among them, and what is done to it may not be done to any one of them.
    """

    options: tuple[Value, ...]
    contrary: tuple[Value, ...] = ()
    weak: bool = False


class Slots(dict[Any, Any]):
    """The table of a heap object, and when it was born: the object's serial number."""

    __slots__ = ("born",)

    def __init__(self, born: int, **known: Any) -> None:
        super().__init__(known)
        self.born = born


@dataclass(slots=True, eq=False, repr=False)
class Obj:
    """A heap object, by allocation. `cls` is a project class or the library's name for what it is.

    Slots whose name begins with `#` are not Python attributes: "#mode", "#items", "#lib", ...
    """

    cls: Cls | Lib
    site: Place | None
    slots: Table = field(default_factory=dict)
    serial: int = 0

    @property
    def lib(self) -> str:
        """The library name of its kind, "" for an instance of a project class."""
        return self.cls.name if isinstance(self.cls, Lib) else ""


@dataclass(slots=True, eq=False, repr=False)
class Cls:
    """A class of the project: its namespace, and the values of its bases."""

    node: Class
    module: Module
    bases: tuple[Value, ...]
    table: Table
    scope: Scope
    order: tuple[Cls | Lib, ...] = ()
    """method resolution order, itself first; names of libraries end it"""

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(slots=True, eq=False, repr=False)
class Scope:
    """The variables of a module, function or class body, and the scope around it."""

    table: Table
    outer: Scope | None
    module: Module
    of_class: bool = False
    captured: bool = False
    """a function or class was defined in it, which may see the variables later"""


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """A file of the project once its body was run."""

    path: Path
    name: str
    table: Table
    offsets: Any
    """the file's `Program`, which turns offsets into rows and columns"""


@dataclass(slots=True, eq=False, repr=False)
class Func:
    """A function, method or lambda of the project."""

    node: Function | Lambda
    scope: Scope
    defaults: tuple[Value | None, ...]
    owner: Cls | None = None
    contexts: tuple[Value, ...] = ()
    """decorators that act like context managers: `@torch.no_grad()`"""
    kind: str = ""
    """"", "static", "class", "property", "context" (a generator that acts as a context manager)"""
    setter: Func | None = None
    """of a property, what an assignment to it calls"""
    options: tuple[tuple[str, Value], ...] = ()
    """defaults that a command line gives to its parameters: `@click.option("--size", default=1)`"""

    @property
    def name(self) -> str:
        return self.node.name if isinstance(self.node, Function) else "<lambda>"


@dataclass(frozen=True, slots=True)
class Bound:
    """A method together with its object: a project function, or the name of a library's or a Python method."""

    func: Func | str
    self: Value


@dataclass(frozen=True, slots=True)
class Super:
    """What `super()` gives: methods of `self` found after `cls` in its resolution order."""

    cls: Cls
    self: Value


@dataclass(slots=True, eq=False, repr=False)
class Partial:
    func: Value
    args: tuple[Value, ...]
    kwargs: dict[str, Value]


Value: TypeAlias = Const | Data | Lib | Tuple | Choice | Obj | Cls | Module | Func | Bound | Super | Partial

FIELDS = "#fields"
"""slot of a named tuple: the names of what it holds, in order"""
SYMBOL_PARTS = 24
WEIGHT = 1_000


def options(value: Value) -> tuple[Value, ...]:
    """The alternatives of a value: itself, or those of a choice."""
    return value.options if isinstance(value, Choice) else (value,)


def compound(*parts: Any) -> Symbol | None:
    """A symbol made of others; None for one that would grow with every statement, twice as large each time."""
    pending: list[tuple[Any, ...]] = [parts]
    for count, part in enumerate(pending):
        if count > SYMBOL_PARTS:
            return None
        pending.extend(inner for inner in part if type(inner) is tuple)
    return parts


def light(value: Value) -> bool:
    """Whether a value that compares by content is small enough to be compared: one may hold another many times over."""
    pending: list[Value] = [value]
    for count, part in enumerate(pending):
        if count > WEIGHT:
            return False
        inner: tuple[Value | None, ...] = ()
        if isinstance(part, Tuple):
            inner = (*part.items, part.rest)
        elif isinstance(part, Choice):
            inner = part.options
        elif isinstance(part, Bound):
            inner = (part.self,)
        pending.extend(each for each in inner if isinstance(each, (Tuple, Choice, Bound)))
    return True


def const(value: Value) -> Const | None:
    """The value as a known scalar, None if it is none."""
    return value if type(value) is Const else None


def number(value: Value) -> tuple[float | int, bool] | None:
    """A known number and whether it is only assumed."""
    if type(value) is Const and isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
        return value.value, value.assumed
    return None


def text(value: Value) -> str | None:
    """A known string, else None."""
    return value.value if type(value) is Const and isinstance(value.value, str) else None


def truth(value: Value) -> bool | None:
    """Whether a value is true, None if that cannot be told."""
    kind = type(value)
    if kind is Const:
        assert isinstance(value, Const)
        return None if value.assumed else bool(value.value)
    if kind is Data:
        return None
    if isinstance(value, Choice):
        answers = {truth(option) for option in value.options}
        return answers.pop() if len(answers) == 1 else None
    if isinstance(value, Tuple):
        return True if value.items else (None if value.rest is not None else False)
    if isinstance(value, Obj) and value.lib in ("list", "dict", "set"):
        if value.slots.get("#open"):
            return None
        if value.lib == "dict":
            filled = any(not str(key).startswith("#") for key in value.slots)
            return True if filled else False if value.slots.get("#closed") else None
        return True if value.slots.get("#items") else None
    return True
