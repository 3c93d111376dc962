"""Which attributes the text of a program reads, and of what: for what nothing ever asks for.

Pure look-up over lowered nodes; runs nothing. An attribute that is only assigned is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bnlint.program import model as ir
from bnlint.program.inside import fields
from bnlint.program.model import Class, Node, Program

WORD = re.compile(r"\w+")
BY_NAME = frozenset({"getattr", "vars", "eval", "exec", "attrgetter", "methodcaller"})
ALL_PARTS = frozenset({"_modules", "__dict__", "children", "named_children", "get_submodule"})


@dataclass(slots=True)
class Reads:
    """own: attributes read of `self`; foreign: those of anything else; words: those in texts without blanks (keys and
    paths: `weights["bn1.weight"]`); computed: some attribute is asked for by a name that is put together, or all are.
    """

    own: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    computed: bool = False


def read_by(nodes: Iterable[object], found: Reads | None = None) -> Reads:
    """What some nodes read, those below them included; `found` is extended if given."""
    found = Reads() if found is None else found
    stack: list[object] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            stack.extend(node)
        elif isinstance(node, ir.Attribute):
            stack.append(node.value)
            note(node, found)
        elif isinstance(node, ir.Assign):
            stack.append(node.value)
            stack.extend(targets(node.targets))
        elif isinstance(node, ir.Const):
            if isinstance(node.value, str) and " " not in node.value:
                found.words.update(WORD.findall(node.value))
        elif isinstance(node, ir.Call):
            if isinstance(node.func, ir.Name) and node.func.id in BY_NAME:
                found.computed |= not any(isinstance(arg.value, ir.Const) for arg in node.args[1:2])
            stack.append(node.func)
            stack.extend(arg.value for arg in node.args)
        elif isinstance(node, Node):
            stack.extend(getattr(node, name) for name in fields(type(node)))
    return found


def note(node: ir.Attribute, found: Reads) -> None:
    itself = isinstance(node.value, ir.Name) and node.value.id == "self"
    (found.own if itself else found.foreign).add(node.attr)
    found.computed |= node.attr in ALL_PARTS


def targets(nodes: Iterable[ir.Expr]) -> Iterator[object]:
    """What is read where something is assigned: `a` and `i` of `a.b[i] = ...`, nothing of `self.b = ...`."""
    for node in nodes:
        if isinstance(node, ir.Attribute):
            yield node.value
        elif isinstance(node, ir.Sequence):
            yield from targets(node.elements)
        elif isinstance(node, ir.Starred):
            yield from targets((node.value,))
        else:
            yield node


@dataclass(slots=True)
class Index:
    """The classes of a project by the names of their bases, and what is read outside of classes or of others than `self`."""

    derived: dict[str, list[Class]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)


def index(programs: Iterable[Program]) -> Index:
    """Read all programs once."""
    made = Index()
    for program in programs:
        for statement in program.body:
            found = read_by([statement])
            made.foreign |= found.foreign
            if not isinstance(statement, Class):
                made.foreign |= found.own  # a method that is put into a class later
            else:
                for base in statement.bases:
                    name = base.value.id if isinstance(base.value, ir.Name) else getattr(base.value, "attr", "")
                    made.derived.setdefault(name, []).append(statement)
    return made


class Texts:
    """What the classes and files of a project read, each looked at when it is first asked for."""

    def __init__(self, programs: Mapping[Path, Program]) -> None:
        self.programs = programs
        self.classes: dict[int, Reads] = {}
        self.files: dict[Path, Reads] = {}
        self.index: Index | None = None

    def whole(self) -> Index:
        if self.index is None:
            self.index = index(self.programs.values())
        return self.index

    def of_class(self, node: Class) -> Reads:
        found = self.classes.get(id(node))
        if found is None:
            found = self.classes[id(node)] = read_by([*node.body])
        return found

    def of_file(self, path: Path) -> Reads:
        found = self.files.get(path)
        if found is None:
            found = self.files[path] = read_by([*self.programs[path].body])
        return found

    def descendants(self, of: str) -> list[Class]:
        """The classes that are derived from one of this name, directly or not."""
        found: dict[int, Class] = {}
        pending = [of]
        while pending:
            for cls in self.whole().derived.get(pending.pop(), ()):
                if id(cls) not in found:
                    found[id(cls)] = cls
                    pending.append(cls.name)
        return list(found.values())
