"""The abstract values that the story computes with.

Immutable values (`Const`, `Data`, `Lib`, `Choice`, tuples) compare by content; heap objects (`Obj`, functions, classes)
by identity. Everything mutable about a heap object lies in its `slots` table and is written through `Memory` only,
so that branches can be undone and joined. Nothing here knows a framework.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
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


@dataclass(frozen=True, slots=True)
class Const:
    """A known Python scalar. An `assumed` one is a default of an option: good for sizes, never decides a branch."""

    value: bool | int | float | str | None
    assumed: bool = False
    symbol: Symbol | None = None


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

    contrary: those of the options that only come about when an option of the program is not left at its default.
    """

    options: tuple[Value, ...]
    contrary: tuple[Value, ...] = ()


@dataclass(slots=True, eq=False)
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


@dataclass(slots=True, eq=False)
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


@dataclass(slots=True, eq=False)
class Scope:
    """The variables of a module, function or class body, and the scope around it."""

    table: Table
    outer: Scope | None
    module: Module
    of_class: bool = False
    captured: bool = False
    """a function or class was defined in it, which may see the variables later"""


@dataclass(slots=True, eq=False)
class Module:
    """A file of the project once its body was run."""

    path: Path
    name: str
    table: Table
    offsets: Any
    """the file's `Program`, which turns offsets into rows and columns"""


@dataclass(slots=True, eq=False)
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


@dataclass(slots=True, eq=False)
class Partial:
    func: Value
    args: tuple[Value, ...]
    kwargs: dict[str, Value]


Value: TypeAlias = Const | Data | Lib | Tuple | Choice | Obj | Cls | Module | Func | Bound | Super | Partial

FLOW_DEPTH = 3
FLOW_WIDTH = 64
FLOW_PARTS = 512
"""how deep containers are searched for what influenced them, and how many parts of one and of all are looked at"""
SYMBOL_PARTS = 24
WEIGHT = 1_000
MAX_OPTIONS = 6
MAX_CALLABLES = 40
"""a factory may know many classes by name"""


def options(value: Value) -> tuple[Value, ...]:
    """The alternatives of a value: itself, or those of a choice."""
    return value.options if isinstance(value, Choice) else (value,)


def choose(values: list[Value]) -> Value:
    """One value for several possible ones; more than a few different ones are unknown data."""
    if len(values) == 1:
        return values[0]
    found: list[Value] = []
    data: Data | None = None
    for value in values:
        for option in options(value):
            if type(option) is Data:
                data = option if data is None or data is option else join_data(data, option)
            elif len(found) > MAX_CALLABLES:
                data = join_data(data, mix([option])) if data is not None else mix([option])
            elif not any(option is seen or (type(option) is type(seen) and option == seen) for seen in found):
                found.append(option)
    if data is not None:
        found.append(data)
    if len(found) == 1:
        return found[0]
    if len(found) > MAX_OPTIONS or not found:
        callables = all(isinstance(option, (Cls, Func, Lib, Module, Partial)) for option in found)
        if not callables or len(found) > MAX_CALLABLES or not found:
            return mix(found)
    contrary = [option for value in values if isinstance(value, Choice) for option in value.contrary]
    return Choice(tuple(found), tuple(option for option in found if any(option is other for other in contrary)))


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


def join_data(a: Data, b: Data) -> Data:
    if a == b:
        return a
    same = a.batch == b.batch
    return Data(
        a.flow | b.flow,
        a.grad | b.grad,
        a.batch if same else None,
        a.assumed or b.assumed,
        a.parts if a.parts == b.parts else (),
        a.symbol if a.symbol == b.symbol else None,
        a.label if a.label == b.label else "",
        a.kind if a.kind == b.kind else "",
    )


def join(a: Any, b: Any) -> Any:
    """The value of a location after two paths met: also for sets of modes and for what is only bookkeeping."""
    if a is b:
        return a
    if isinstance(a, frozenset) and isinstance(b, frozenset):
        return a | b
    if isinstance(a, (bool, int, str)) or isinstance(b, (bool, int, str)) or a is None or b is None:
        return a if b is None else b
    if isinstance(a, tuple) and isinstance(b, tuple):
        return join_items(a, b)
    return choose([a, b])


def join_items(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """Element lists of two paths: those of the longer one, joined where both have one."""
    if len(a) < len(b):
        a, b = b, a
    return tuple(x if x is y else join(x, y) for x, y in zip(a, b, strict=False)) + a[len(b) :]


def flow_of(value: Value, depth: int = FLOW_DEPTH) -> tuple[frozenset[Token], frozenset[Token]]:
    """Everything that influenced a value, and what of it a gradient reaches; looks into containers."""
    kind = type(value)
    if kind is Data:
        return value.flow, value.grad  # type: ignore[union-attr]
    if kind is Const or kind is Lib or kind is Func or kind is Cls:
        return NO_TOKENS, NO_TOKENS
    flow, grad = NO_TOKENS, NO_TOKENS
    level = parts_of(value)
    left = FLOW_PARTS
    for _ in range(depth):
        deeper: list[Value] = []
        for part in level[:left]:
            if type(part) is Data:
                flow = flow | part.flow if flow else part.flow
                grad = grad | part.grad if grad else part.grad
            else:
                deeper.extend(parts_of(part))
        left -= len(level)
        if not deeper or left <= 0:
            break
        level = deeper
    return flow, grad


def parts_of(value: Value) -> list[Value]:
    """What a container, a choice or a bound method holds, as far as its influence on others goes."""
    kind = type(value)
    if kind is Const or kind is Lib:
        return []
    if isinstance(value, Tuple):
        return [*value.items[:FLOW_WIDTH], *([value.rest] if value.rest is not None else [])]
    if isinstance(value, Choice):
        return list(value.options)
    if isinstance(value, Bound):
        return [value.self]
    if not isinstance(value, Obj) or not isinstance(value.cls, Lib):
        return []
    slots = value.slots
    found: list[Value] = [slots["#flow"]] if isinstance(slots.get("#flow"), Data) else []
    if value.lib in ("list", "set", "dict"):
        if "#rest" in slots and not slots.get("#closed"):
            found.append(slots["#rest"])
        found.extend(slots.get("#items", ())[:FLOW_WIDTH])
        if value.lib == "dict":
            known = (part for key, part in slots.items() if not (isinstance(key, str) and key.startswith("#")))
            found.extend(islice(known, FLOW_WIDTH))
    return found


def mix(values: list[Value] | tuple[Value, ...]) -> Data:
    """Unknown data made of these values."""
    flow, grad = NO_TOKENS, NO_TOKENS
    for value in values:
        more = flow_of(value)
        flow, grad = flow | more[0], grad | more[1]
    if not flow and not grad:
        return UNKNOWN
    return Data(flow, grad)


def detached(value: Data) -> Data:
    return replace(value, grad=NO_TOKENS) if value.grad else value


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
            return True if any(not str(key).startswith("#") for key in value.slots) else None
        return True if value.slots.get("#items") else None
    return True
