"""Which entry points there are, and telling the story of each: module bodies, `__main__` blocks, then what nothing calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.project.project import Project
from bnlint.story import calls, entries, importing, iteration, statements
from bnlint.story.events import Failure, Story
from bnlint.story.framework import Args, Switchboard, library_base
from bnlint.story.frameworks import all_frameworks
from bnlint.story.machine import Frame, OutOfSteps, Run
from bnlint.story.values import Cls, Func, Module, Obj, Scope


def tell(project: Project) -> Iterator[Story]:
    """Yield a story for each entry point of the project's programs, in an order that depends on the programs only."""
    run = Run(project, Switchboard(all_frameworks()))
    paths = sorted(project.programs)
    told = 0
    for path in paths:
        load(run, path)
        while told < len(run.stories):
            yield run.stories[told]
            told += 1
    for path in paths:
        module = run.modules.get(path)
        if module is None:
            continue
        for block in entries.main_blocks(project.programs[path]):
            yield from alone(run, module, "__main__", lambda module=module, block=block: main(run, module, block))
    mentioned = entries.mentions(project)
    for roots_only in (True, False):
        for path in paths:
            module = run.modules.get(path)
            if module is not None:
                yield from uncalled(run, module, mentioned, roots_only)


def load(run: Run, path: Path) -> None:
    try:
        importing.load(run, path, path.stem)
    except RecursionError:
        fail(run, path, "nested too deeply")
    except Exception as error:  # the engine must never take the run down: reported as BN002
        fail(run, path, f"{type(error).__name__}: {error}")


def fail(run: Run, path: Path, message: str) -> None:
    story = next((story for story in reversed(run.stories) if story.path == path), None)
    if story is None:
        story = Story(run.project, path, "<module>", True, False)
        run.stories.append(story)
    story.failures.append(Failure(Place(str(path), 1, 1, 1, 1), message))


def alone(run: Run, module: Module, name: str, body: object, bound: bool = True) -> Iterator[Story]:
    """Run one entry point and take back everything it wrote."""
    assert callable(body)
    with run.apart(module.path, name, bound) as story:
        try:
            body()
        except OutOfSteps:
            story.exhausted = True
        except RecursionError:
            story.failures.append(Failure(Place(str(module.path), 1, 1, 1, 1), f"{name}: nested too deeply"))
        except Exception as error:  # the engine must never take the run down: reported as BN002
            story.failures.append(
                Failure(Place(str(module.path), 1, 1, 1, 1), f"{name}: {type(error).__name__}: {error}")
            )
        run.memory.undo(0)
    yield story


def main(run: Run, module: Module, block: ir.If) -> None:
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    statements.run_block(run, block.body)


# --- what nothing calls ----------------------------------------------------------------------


def uncalled(run: Run, module: Module, mentioned: frozenset[str], roots_only: bool) -> Iterator[Story]:
    """Functions and methods that no story has run so far; first those whose name nothing mentions."""
    for value in list(module.table.values()):
        if isinstance(value, Func) and value.scope.module is module and isinstance(value.node, ir.Function):
            if id(value.node) in run.reached or (roots_only and value.name in mentioned):
                continue
            if entries.is_driver(value.node):
                yield from alone(run, module, value.name, lambda value=value: function(run, module, value), False)
        elif isinstance(value, Cls) and value.module is module:
            yield from methods(run, module, value, mentioned, roots_only)


def methods(run: Run, module: Module, cls: Cls, mentioned: frozenset[str], roots_only: bool) -> Iterator[Story]:
    found = [
        value
        for value in list(cls.table.values())
        if isinstance(value, Func) and isinstance(value.node, ir.Function) and id(value.node) not in run.reached
    ]
    if id(cls.node) not in run.reached and not roots_only and entries.builds(cls.node):
        yield from alone(run, module, cls.name, lambda: instance(run, module, cls), False)
    for value in found:
        if id(value.node) in run.reached or (roots_only and value.name in mentioned):
            continue
        if value.name.endswith("_step") and library_base(cls, ("lightning",)) is not None:
            continue  # Lightning calls it, and sets the mode before
        if value.name.startswith("__") or not entries.is_driver(value.node):  # type: ignore[arg-type]
            continue
        yield from alone(run, module, f"{cls.name}.{value.name}", lambda value=value: method(run, module, cls, value), False)


def function(run: Run, module: Module, value: Func) -> None:
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    returned = calls.call_function(run, value, Args(), definition(value))
    iteration.escape(run, [returned])


def instance(run: Run, module: Module, cls: Cls) -> Obj:
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    made = calls.instantiate(run, cls, Args(), ir.Name(cls.node.at, cls.node.at + len(cls.name), cls.name))
    assert isinstance(made, Obj)
    return made


def method(run: Run, module: Module, cls: Cls, value: Func) -> None:
    made = instance(run, module, cls)
    args = Args() if value.kind == "static" else Args((cls if value.kind == "class" else made,))
    returned = calls.call_function(run, value, args, definition(value))
    iteration.escape(run, [returned])


def definition(value: Func) -> ir.Expr:
    node = value.node
    assert isinstance(node, ir.Function)
    return ir.Name(node.at, node.at + len(node.name), node.name)

