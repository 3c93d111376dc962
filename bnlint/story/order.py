"""The order in which the files of a project are loaded: what a file imports before the file itself.

Without it, a chain of imports would be as deep a recursion as it is long. Files that import each other keep Python's
order: the first that is reached runs first. Reads import statements only; runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bnlint.program import model as ir
from bnlint.project.project import Project


def loading_order(project: Project) -> list[Path]:
    """Every file once. (Tarjan's strongly connected components, with a stack of our own.)"""
    found: list[Path] = []
    number: dict[Path, int] = {}
    lowest: dict[Path, int] = {}
    component: list[Path] = []
    open_: set[Path] = set()
    for start in sorted(project.programs):
        if start in number:
            continue
        pending: list[tuple[Path, Iterator[Path]]] = []

        def visit(path: Path, pending: list[tuple[Path, Iterator[Path]]] = pending) -> None:
            number[path] = lowest[path] = len(number)
            component.append(path)
            open_.add(path)
            pending.append((path, imported(project, path)))

        visit(start)
        while pending:
            path, more = pending[-1]
            target = next(more, None)
            if target is None:
                pending.pop()
                if pending:
                    lowest[pending[-1][0]] = min(lowest[pending[-1][0]], lowest[path])
                if lowest[path] == number[path]:
                    at = component.index(path)
                    found.extend(component[at:])
                    open_.difference_update(component[at:])
                    del component[at:]
            elif target not in number:
                visit(target)
            elif target in open_:
                lowest[path] = min(lowest[path], number[target])
    return found


def imported(project: Project, path: Path) -> Iterator[Path]:
    """The project's files that a module body imports, in the order of the text."""
    for statement in outer_statements(project.programs[path].body):
        if isinstance(statement, ir.Import):
            targets = [project.imports.resolve(path, dotted, 0) for dotted, _ in statement.names]
        elif isinstance(statement, ir.ImportFrom):
            owner = project.imports.resolve(path, statement.module, statement.level)
            targets = [owner]
            if owner is not None:
                targets += [project.imports.submodule(owner, name) for name, _ in statement.names]
        else:
            continue
        for target in targets:
            if target in project.programs and target != path:
                yield target


def outer_statements(body: Iterable[ir.Stmt]) -> Iterator[ir.Stmt]:
    """The statements that run when a file is imported, also those in branches; not those of functions and classes."""
    pending = [iter(body)]
    while pending:
        statement = next(pending[-1], None)
        if statement is None:
            pending.pop()
            continue
        yield statement
        if isinstance(statement, ir.If):
            pending.append(iter((*statement.body, *statement.orelse)))
        elif isinstance(statement, ir.Try):
            handlers = [inner for handler in statement.handlers for inner in handler.body]
            pending.append(iter((*statement.body, *handlers, *statement.orelse, *statement.final)))
        elif isinstance(statement, ir.With):
            pending.append(iter(statement.body))
