"""Imports: project files are run once, names of other libraries stay names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story import libraries
from bnlint.story.events import Failure
from bnlint.story.frames import Frame
from bnlint.story.interpreter import expressions, lists, statements
from bnlint.story.machine import OutOfSteps, Run
from bnlint.story.memory import MISSING
from bnlint.story.values import UNKNOWN, Const, Lib, Module, Scope, Slots, Table, Value

NESTED = 40
"""imports inside each other from which on a file is loaded later: until then it is empty, as in a cycle of imports"""


def load(run: Run, path: Path, name: str) -> Module | None:
    """The module of a project file, its body run if this is the first time; None if the file was not parsed."""
    if run.frames and run.frames[-1].scope.module.path != path:
        run.imported.add(path)
    known = run.modules.get(path)
    if known is not None:
        return known
    program = run.project.programs.get(path)
    if program is None:
        return None
    table: Table = {"__name__": Const(name), "__file__": UNKNOWN}
    module = run.modules[path] = Module(path, name, table, program)
    run.owners[id(table)] = path
    if run.importing >= NESTED:
        run.postponed.append(path)
    else:
        run_body(run, module)
    return module


def run_body(run: Run, module: Module) -> None:
    """Run the body of a file, in a story of its own."""
    body = run.project.programs[module.path].body
    run.importing += 1
    born, modules, kept, whole = run.serial, len(run.modules), run.hooks.lasting(), run.whole
    run.whole = False
    try:
        with run.apart(module.path):
            run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
            guarded(run, "", lambda: statements.run_block(run, body))
            if len(run.modules) > modules or run.hooks.lasting() != kept or changes_others(run, module, born):
                run.outgoing.add(module.path)
            if run.whole:
                run.asking.add(module.path)
    finally:
        run.whole = whole
        run.importing -= 1


def changes_others(run: Run, module: Module, born: int) -> bool:
    """Whether what was written holds for others than the module: objects born before, variables of other modules and classes.

    Of other tables (variables that functions share) it is not known whose they are: what is overwritten counts.
    """
    seen: set[tuple[int, object]] = set()
    for table, key, before in run.memory.trail:
        if table is module.table:
            continue
        if isinstance(table, Slots):
            if table.born <= born:
                return True
            continue
        owner = run.owners.get(id(table))
        if owner is None:
            if before is not MISSING and (id(table), key) not in seen:
                return True
            seen.add((id(table), key))
        elif owner != module.path:
            return True
    return False


def guarded(run: Run, name: str, body: Callable[[], object]) -> None:
    """Run an entry point; whatever happens is told by its story, for the engine must never take the run down."""
    story = run.story
    if not run.allowed:
        story.exhausted = True
        return
    try:
        body()
        run.hooks.ended(run)
    except (OutOfSteps, RecursionError):
        story.exhausted = story.cut = True
    except Exception as error:  # reported as BN002
        message = f"{type(error).__name__}: {error}"
        story.failures.append(Failure(Place(str(story.path), 1, 1, 1, 1), f"{name}: {message}" if name else message))


def import_modules(run: Run, node: ir.Import) -> None:
    for dotted, alias in node.names:
        first = dotted.partition(".")[0]
        table = expressions.scope_for(run, alias or first).table
        if alias:
            run.memory.write(table, alias, named(run, dotted, 0))
        else:
            named(run, dotted, 0)
            run.memory.write(table, first, named(run, first, 0))


def named(run: Run, dotted: str, level: int) -> Value:
    """The module that a dotted name means here: a project module, or a library's name."""
    here = run.frame.scope.module.path
    path = run.project.imports.resolve(here, dotted, level)
    if path is not None:
        module = load(run, path, dotted) if path.suffix else package(run, path, dotted)
        return module if module is not None else UNKNOWN
    return Lib(libraries.canonical(dotted)) if level == 0 else UNKNOWN


def package(run: Run, folder: Path, name: str) -> Module:
    """A folder without `__init__.py`."""
    known = run.modules.get(folder)
    if known is None:
        known = run.modules[folder] = Module(folder, name, {}, run.frame.scope.module.offsets)
    return known


def import_names(run: Run, node: ir.ImportFrom) -> None:
    owner = named(run, node.module, node.level)
    for name, alias in node.names:
        if name == "*":
            if isinstance(owner, Module):
                star(run, owner)
            elif isinstance(owner, Lib):
                libraries.star(run, owner.name)
            continue
        table = expressions.scope_for(run, alias or name).table
        run.memory.write(table, alias or name, member(run, owner, name))


def member(run: Run, owner: Value, name: str) -> Value:
    if isinstance(owner, Module):
        value = run.memory.read(owner.table, name)
        if value is not MISSING:
            return value  # type: ignore[no-any-return]
        found = submodule(run, owner, name)
        return found if found is not None else UNKNOWN
    if isinstance(owner, Lib):
        return libraries.member(owner.name, name)
    return UNKNOWN


def submodule(run: Run, module: Module, name: str) -> Value | None:
    path = run.project.imports.submodule(module.path, name)
    if path is None:
        return None
    return load(run, path, f"{module.name}.{name}") if path.suffix else package(run, path, f"{module.name}.{name}")


def star(run: Run, module: Module) -> None:
    listed = module.table.get("__all__")
    names = lists.known_constants(listed) if listed is not None else None
    for name, value in list(module.table.items()):
        if isinstance(name, str) and (name in names if names is not None else not name.startswith(("_", "#"))):
            run.memory.write(run.frame.scope.table, name, value)
