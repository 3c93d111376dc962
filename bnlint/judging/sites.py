"""What stands in the program at a place that an event names: calls, the statements around them, names and arguments.

For fixes only: what a program does is told by its story. Everything here answers None where the place is not what is
asked for, or where it lies in something that is no plain code: an f-string, a lambda, a file that was read as Python 2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.program.inside import children, nodes
from bnlint.program.model import Program
from bnlint.program.paths import covers, offset, path_to
from bnlint.story import Story


@dataclass(frozen=True, slots=True)
class Site:
    """A node and those around it, outermost first and itself last."""

    program: Program
    file: str
    path: tuple[ir.Node, ...]

    @property
    def node(self) -> ir.Node:
        return self.path[-1]

    def place(self, node: ir.Node) -> Place:
        row, column = self.program.place(node.start)
        end_row, end_column = self.program.place(node.end)
        return Place(self.file, row, column, end_row, end_column)

    def to(self, node: ir.Node) -> Site:
        """The site of one of the nodes around this one."""
        return Site(self.program, self.file, self.path[: self.path.index(node) + 1])

    @property
    def statement(self) -> ir.Stmt | None:
        """The innermost statement; None where a lambda runs the node at some other time."""
        for node in reversed(self.path):
            if isinstance(node, ir.Lambda):
                return None
            if is_statement(node):
                return node  # type: ignore[return-value]
        return None

    @property
    def parents(self) -> list[ir.Stmt]:
        """The statements around the innermost one, innermost first, up to the function or class that holds them."""
        found: list[ir.Stmt] = []
        for node in reversed(self.path):
            if isinstance(node, ir.Function | ir.Class):
                break
            if is_statement(node):
                found.append(node)  # type: ignore[arg-type]
        return found[1:]


def site(story: Story, place: Place, kind: type[ir.Node]) -> Site | None:
    """The outermost node of a kind that covers exactly this place."""
    program = story.project.programs.get(Path(place.path))
    if program is None or program.lenient or place.cell is not None:
        return None
    start, end = offset(program, place.row, place.column), offset(program, place.end_row, place.end_column)
    path = path_to(program, start, end)
    for at, node in enumerate(path):
        if isinstance(node, ir.FString):
            return None
        if isinstance(node, kind) and (node.start, node.end) == (start, end):
            return Site(program, place.path, path[: at + 1])
    return None


def call_site(story: Story, place: Place) -> tuple[Site, ir.Call] | None:
    found = site(story, place, ir.Call)
    if found is None or not isinstance(found.node, ir.Call):
        return None
    return found, found.node


def gives(story: Story, place: Place, names: Collection[str]) -> bool:
    """Whether the call at a place is given one of these keyword arguments."""
    found = call_site(story, place)
    return found is not None and any(arg.keyword in names for arg in found[1].args)


def assigned_call(story: Story, place: Place) -> Place | None:
    """The call whose value the attribute or name at a place is given."""
    found = site(story, place, ir.Attribute) or site(story, place, ir.Name)
    statement = found.statement if found is not None else None
    if found is None or not isinstance(statement, ir.Assign) or not isinstance(statement.value, ir.Call):
        return None
    return found.place(statement.value) if statement.targets == (found.node,) else None


def is_statement(node: ir.Node) -> bool:
    return isinstance(
        node,
        ir.ExprStmt | ir.Assign | ir.Declare | ir.AugAssign | ir.Return | ir.Raise | ir.Assert | ir.Delete | ir.If | ir.While
        | ir.Loop | ir.With | ir.Try | ir.Match | ir.Function | ir.Class,
    )  # fmt: skip


def dotted(expr: ir.Expr) -> str | None:
    """`self.net` of a plain name or attributes of one."""
    parts: list[str] = []
    while isinstance(expr, ir.Attribute):
        parts.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(parts)]) if isinstance(expr, ir.Name) else None


def below(node: ir.Node) -> Iterator[ir.Node]:
    """A node and everything inside it."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(children(current))


def binds(node: ir.Node, name: str) -> bool:
    """Whether a variable of this name gets its value somewhere inside a node, or an attribute of that dotted name does."""
    prefixes = {name[:at] for at, sign in enumerate(name) if sign == "."} | {name}
    for part in below(node):
        targets: list[ir.Expr] = []
        match part:
            case ir.Assign():
                targets = list(part.targets)
            case ir.AugAssign() | ir.Loop() | ir.For() | ir.Walrus():
                targets = [part.target]
            case ir.With():
                targets = [target for _, target in part.items if target is not None]
            case ir.Function() | ir.Class() if part is not node and part.name in prefixes:
                return True
            case ir.Lambda() if any(param.name in prefixes for param in part.params.items):
                return True
            case ir.Handler() if part.name in prefixes:
                return True
        for target in targets:
            for each in below(target):
                if isinstance(each, ir.Name | ir.Attribute) and dotted(each) in prefixes:
                    return True
    return False


def imported(program: Program, name: str) -> bool:
    """Whether the first part of a dotted name is brought in by an import, or is one of Python's own functions."""
    root = name.partition(".")[0]
    if root in ("map", "filter", "print", "next", "zip", "super", "getattr"):
        return True
    imports = [node for node in nodes(program.body) if isinstance(node, ir.Import | ir.ImportFrom)]
    return any((alias or told.partition(".")[0]) == root for node in imports for told, alias in node.names)


def only_value(found: Site, name: str) -> ir.Expr | None:
    """What a name stands for at a site, where the function around (else the module) gives it one value, in a plain assignment."""
    body: ir.Node | tuple[ir.Stmt, ...] = next(
        (node for node in reversed(found.path) if isinstance(node, ir.Function)), found.program.body
    )
    values: list[ir.Expr] = []
    for top in nodes(body):
        if isinstance(top, ir.Function) and any(param.name == name for param in top.params.items):
            return None
        for part in below(top):
            if isinstance(part, ir.Assign) and any(dotted(target) == name for target in part.targets):
                values.append(part.value)
            elif isinstance(part, ir.AugAssign | ir.Loop | ir.For | ir.Walrus) and dotted(part.target) == name:
                return None
    return values[0] if len(values) == 1 else None


def inside(place: Place, found: Site, node: ir.Node) -> bool:
    """Whether a place lies within a node of the site's file."""
    if place.path != found.file or place.cell is not None:
        return False
    start = offset(found.program, place.row, place.column)
    return covers(node, start, offset(found.program, place.end_row, place.end_column))


def module_constant(found: Site, name: str) -> bool:
    """Whether a name is one that only the body of the module sets or imports, and no function around the site."""
    return not any(
        isinstance(node, ir.Function | ir.Lambda)
        and (any(param.name == name for param in node.params.items) or (isinstance(node, ir.Function) and binds(node, name)))
        for node in found.path
    )
