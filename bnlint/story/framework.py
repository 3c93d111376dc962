"""What a framework room offers to the machine, and the switchboard that asks each of them in turn.

A framework answers None where it has nothing to say. Everything it knows about its library lives in its own room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bnlint.program import model as ir
from bnlint.story.values import Cls, Data, Func, Lib, Obj, Value

if TYPE_CHECKING:
    from bnlint.story.events import Story
    from bnlint.story.machine import Run


@dataclass(slots=True)
class Args:
    """The evaluated arguments of a call, with the expressions they came from."""

    positional: tuple[Value, ...] = ()
    keywords: dict[str, Value] = field(default_factory=dict)
    star: Value | None = None
    """further positional arguments of unknown number"""
    double_star: Value | None = None
    """further keyword arguments of unknown names"""
    nodes: tuple[ir.Expr, ...] = ()
    keyword_nodes: dict[str, ir.Expr] = field(default_factory=dict)

    def get(self, position: int | None, name: str = "") -> Value | None:
        """The argument at a position or by its name, None if it was not given."""
        if name and name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None

    def node(self, position: int | None, name: str = "") -> ir.Expr | None:
        """The expression given at a position or by a name."""
        if name and name in self.keyword_nodes:
            return self.keyword_nodes[name]
        if position is not None and position < len(self.nodes):
            return self.nodes[position]
        return None

    def all(self) -> list[Value]:
        """Every value that was handed over."""
        more = [value for value in (self.star, self.double_star) if value is not None]
        return [*self.positional, *self.keywords.values(), *more]


Exit = Callable[[], None]

Scoped = dict[object, dict[str, Value]]
"""arguments that the surroundings give to functions: by a library name, or the identity of a project function's node"""


class Framework:
    """The questions that the machine asks. Every answer may be None: not mine."""

    roots: tuple[str, ...] = ()
    """first components of the library names it owns"""

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        """A library function or class is called."""
        return None

    def unowned(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        """A function or class of a library that no framework owns is called."""
        return None

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        """A method that the project does not define is called on an object or on data."""
        return None

    def apply(self, run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
        """An object is called that has no `__call__` of the project's."""
        return None

    def follow(self, run: Run, func: Func, owner: Obj, args: Args, node: ir.Call) -> Value | None:
        """A method that the project defines is about to be followed; a value given here stands for it."""
        return None

    def representatives(self, run: Run, results: list[Value], count: int) -> list[Value] | None:
        """Of many values that a call may give, those that stand for all."""
        return None

    def made(self, run: Run, obj: Obj, cls: Cls) -> None:
        """An instance of a project class was allocated, before its `__init__` runs."""

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        """An attribute is read that neither the object nor its project classes hold."""
        return None

    def data_attribute(self, run: Run, data: Data, attr: str) -> Value | None:
        """An attribute of data is read."""
        return None

    def library(self, run: Run, name: str) -> Value | None:
        """The value that a dotted name of the library stands for, where it is more than a name."""
        return None

    def escaped(self, run: Run, value: Value) -> None:
        """A value was handed to something that cannot be followed."""

    def ended(self, run: Run) -> None:
        """The code of an entry point was run; nothing of what it wrote is taken back yet."""

    def skipped(self, run: Run, value: Value, node: ir.Expr) -> None:
        """A value was handed to a function of the project that is not run any more, for it was run often enough."""

    def assigned(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        """An attribute is assigned."""

    def stated(self, run: Run, node: ir.Attribute, value: Value) -> None:
        """An attribute stands as a statement of its own: `model.eval`."""

    def operator(self, run: Run, op: str, left: Value, right: Value, node: ir.Expr) -> Value | None:
        """A binary operator is applied."""
        return None

    def augmented(self, run: Run, owner: Value, more: Value, node: ir.Expr) -> Value | None:
        """`owner += more` or its like; a value given here is what the target holds afterwards."""
        return None

    def stored(self, run: Run, owner: Data, value: Value, node: ir.Expr) -> None:
        """An item of data is assigned: `tensor[...] = value`."""

    def told(self, run: Run) -> Iterator[Story]:
        """Stories that the framework tells by itself, once all others are told."""
        yield from ()

    def loaded(self, run: Run) -> None:
        """The bodies of all modules have been run."""

    def notes(self, run: Run) -> object:
        """What stories have noted for the framework's own since this was asked last: data; it is forgotten."""
        return None

    def noted(self, run: Run, notes: Any) -> None:
        """Take over the notes of a story that was told in another process."""

    def lasting(self) -> object:
        """What the framework keeps from one story to the next, to be compared: it changes when that does."""
        return None

    def enter(self, run: Run, value: Value, node: ir.Expr) -> Exit | None:
        """A library's context manager is entered; gives what its exit does."""
        return None

    def asked(self, run: Run, value: Value, classes: list[Value], answer: bool | None, node: ir.Expr) -> None:
        """`isinstance(value, classes)` was evaluated; without classes: the class of a value was asked for, and then, with that
        class or its name as the value, compared with these.
        """

    def decorator(self, run: Run, value: Value) -> bool:
        """Whether a decorator acts as a context manager around each call."""
        return False

    def elements(self, run: Run, value: Value, node: ir.Expr) -> tuple[list[Value], Value | None] | None:
        """What iterating over a library object gives: known elements, and what stands for the rest."""
        return None

    def item(self, run: Run, owner: Value, index: Value, node: ir.Expr) -> Value | None:
        """`owner[index]` of a library object or of data."""
        return None


class Switchboard:
    """Asks the frameworks: by the root of a library name where there is one, else all in turn."""

    def __init__(self, frameworks: tuple[Framework, ...]) -> None:
        self.frameworks = frameworks
        self.by_root = {root: framework for framework in frameworks for root in framework.roots}

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        framework = self.by_root.get(name.partition(".")[0])
        if framework is not None:
            return framework.call(run, name, args, node)
        for framework in self.frameworks:
            found = framework.unowned(run, name, args, node)
            if found is not None:
                return found
        return None

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        if isinstance(owner, Obj) and owner.lib:
            framework = self.by_root.get(owner.lib.partition(".")[0])
            if framework is not None:
                return framework.method(run, owner, name, args, node)
        for framework in self.frameworks:
            found = framework.method(run, owner, name, args, node)
            if found is not None:
                return found
        return None

    def apply(self, run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
        for framework in self.frameworks:
            found = framework.apply(run, obj, args, node)
            if found is not None:
                return found
        return None

    def follow(self, run: Run, func: Func, owner: Obj, args: Args, node: ir.Call) -> Value | None:
        for framework in self.frameworks:
            found = framework.follow(run, func, owner, args, node)
            if found is not None:
                return found
        return None

    def representatives(self, run: Run, results: list[Value], count: int) -> list[Value]:
        for framework in self.frameworks:
            results = framework.representatives(run, results, count) or results
        return results

    def made(self, run: Run, obj: Obj, cls: Cls) -> None:
        for framework in self.frameworks:
            framework.made(run, obj, cls)

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        for framework in self.frameworks:
            found = framework.attribute(run, obj, attr, node)
            if found is not None:
                return found
        return None

    def library(self, run: Run, name: str) -> Value | None:
        framework = self.by_root.get(name.partition(".")[0])
        return framework.library(run, name) if framework is not None else None

    def escaped(self, run: Run, value: Value) -> None:
        for framework in self.frameworks:
            framework.escaped(run, value)

    def ended(self, run: Run) -> None:
        for framework in self.frameworks:
            framework.ended(run)

    def skipped(self, run: Run, value: Value, node: ir.Expr) -> None:
        for framework in self.frameworks:
            framework.skipped(run, value, node)

    def data_attribute(self, run: Run, data: Data, attr: str) -> Value | None:
        for framework in self.frameworks:
            found = framework.data_attribute(run, data, attr)
            if found is not None:
                return found
        return None

    def attribute_set(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        for framework in self.frameworks:
            framework.assigned(run, owner, attr, value, node)

    def attribute_statement(self, run: Run, node: ir.Attribute, value: Value) -> None:
        for framework in self.frameworks:
            framework.stated(run, node, value)

    def operator(self, run: Run, op: str, left: Value, right: Value, node: ir.Expr) -> Value | None:
        for framework in self.frameworks:
            found = framework.operator(run, op, left, right, node)
            if found is not None:
                return found
        return None

    def augmented(self, run: Run, owner: Value, more: Value, node: ir.Expr) -> Value | None:
        for framework in self.frameworks:
            found = framework.augmented(run, owner, more, node)
            if found is not None:
                return found
        return None

    def stored(self, run: Run, owner: Data, value: Value, node: ir.Expr) -> None:
        for framework in self.frameworks:
            framework.stored(run, owner, value, node)

    def named(self, run: Run, name: str, value: Data, node: ir.Expr) -> None:
        """A variable is given a value that carries how it was computed (see `Data.form`)."""

    def unpacked(self, run: Run, value: Data, count: int) -> list[Value] | None:
        """So many values are made of one that carries how it was computed (see `Data.form`)."""
        return None

    def told(self, run: Run) -> Iterator[Story]:
        for framework in self.frameworks:
            yield from framework.told(run)

    def loaded(self, run: Run) -> None:
        for framework in self.frameworks:
            framework.loaded(run)

    def notes(self, run: Run) -> list[object]:
        return [framework.notes(run) for framework in self.frameworks]

    def noted(self, run: Run, notes: list[object]) -> None:
        for framework, own in zip(self.frameworks, notes, strict=True):
            framework.noted(run, own)

    def lasting(self) -> object:
        return [framework.lasting() for framework in self.frameworks]

    def enter(self, run: Run, value: Value, node: ir.Expr) -> Exit | None:
        for framework in self.frameworks:
            found = framework.enter(run, value, node)
            if found is not None:
                return found
        return None

    def asked(self, run: Run, value: Value, classes: list[Value], answer: bool | None, node: ir.Expr) -> None:
        for framework in self.frameworks:
            framework.asked(run, value, classes, answer, node)

    def decorator(self, run: Run, value: Value) -> bool:
        return any(framework.decorator(run, value) for framework in self.frameworks)

    def elements(self, run: Run, value: Value, node: ir.Expr) -> tuple[list[Value], Value | None] | None:
        for framework in self.frameworks:
            found = framework.elements(run, value, node)
            if found is not None:
                return found
        return None

    def item(self, run: Run, owner: Value, index: Value, node: ir.Expr) -> Value | None:
        for framework in self.frameworks:
            found = framework.item(run, owner, index, node)
            if found is not None:
                return found
        return None


def library_base(cls: Cls, roots: tuple[str, ...]) -> Lib | None:
    """The first library class of these roots among the bases of a project class."""
    for base in cls.order:
        if isinstance(base, Lib) and base.name.partition(".")[0] in roots:
            return base
    return None
