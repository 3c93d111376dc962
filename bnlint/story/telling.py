"""Which entry points there are, and telling the story of each: module bodies, `__main__` blocks, then what nothing calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bnlint.program import model as ir
from bnlint.project.project import Project
from bnlint.story import entries
from bnlint.story.events import Mode, Story
from bnlint.story.framework import Args, Switchboard, library_base
from bnlint.story.frameworks import all_frameworks
from bnlint.story.frameworks.trainers import DRIVING
from bnlint.story.interpreter import calls, importing, iteration, statements
from bnlint.story.machine import Frame, Run
from bnlint.story.nesting import descendants
from bnlint.story.order import loading_order
from bnlint.story.values import Cls, Func, Module, Obj, Scope

RECURSION = 5_000


def tell(project: Project) -> Iterator[Story]:
    """Yield a story for each entry point of the project's programs, in an order that depends on the programs only."""
    run = Run(project, Switchboard(all_frameworks()))
    paths = sorted(project.programs)
    seen = entries.survey(project)
    run.moments, run.statistics, run.graphs = seen.moments, seen.statistics, seen.graphs
    told = 0
    for path in loading_order(project):
        load(run, path)
        while told < len(run.stories):
            yield run.stories[told]
            told += 1
    for path in paths:
        module = run.modules.get(path)
        if module is None:
            continue
        for block in entries.main_blocks(project.programs[path]):
            yield from alone(run, module, "__main__", partial(main, run, module, block))
    for roots_only in (True, False):
        for path in paths:
            module = run.modules.get(path)
            if module is not None:
                yield from uncalled(run, module, seen, roots_only)
    with deep_recursion():
        yield from run.hooks.told(run)


def load(run: Run, path: Path) -> None:
    """Run a file's body, and then what was imported too deep inside it."""
    with deep_recursion():
        importing.load(run, path, path.stem)
        while run.postponed:
            late = run.postponed.pop(0)
            importing.run_body(run, run.modules[late])


def alone(run: Run, module: Module, name: str, body: Callable[[], object], bound: bool = True) -> Iterator[Story]:
    """Run one entry point and take back everything it wrote."""
    with run.apart(module.path, name, bound) as story, deep_recursion():
        importing.guarded(run, name, body)
        run.memory.undo(0)
    yield story


@contextmanager
def deep_recursion() -> Iterator[None]:
    """The machine recurses with the code it reads; each of Python's frames is small."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def main(run: Run, module: Module, block: ir.If) -> None:
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    statements.run_block(run, block.body)


# --- what nothing calls ----------------------------------------------------------------------


def uncalled(run: Run, module: Module, seen: entries.Survey, roots_only: bool) -> Iterator[Story]:
    """Functions and methods that no story has run so far; first those whose name nothing mentions."""
    for value in list(module.table.values()):
        if isinstance(value, Func) and value.scope.module is module and isinstance(value.node, ir.Function):
            if id(value.node) in run.reached or (roots_only and value.name in seen.names):
                continue
            if id(value.node) in seen.drivers or (roots_only and id(value.node) in seen.callers):
                run.reached.add(id(value.node))  # once, although it may run out of steps before it begins
                yield from alone(run, module, value.name, partial(function, run, module, value), False)
        elif isinstance(value, Cls) and value.module is module:
            yield from methods(run, module, value, seen, roots_only)


def methods(run: Run, module: Module, cls: Cls, seen: entries.Survey, roots_only: bool) -> Iterator[Story]:
    found = [
        value
        for value in list(cls.table.values())
        if isinstance(value, Func) and isinstance(value.node, ir.Function) and id(value.node) not in run.reached
    ]
    if id(cls.node) not in run.reached and not roots_only and id(cls.node) in seen.builders:
        yield from alone(run, module, cls.name, partial(instance, run, module, cls), False)
    if library_base(cls, DRIVING) is not None:
        return  # the library calls them, and sets the mode before
    for value in found:
        if id(value.node) in run.reached or (roots_only and value.name in seen.names):
            continue
        if value.name.startswith("__"):
            continue
        if id(value.node) not in seen.drivers and not (roots_only and id(value.node) in seen.callers):
            continue
        run.reached.add(id(value.node))
        yield from alone(run, module, f"{cls.name}.{value.name}", partial(method, run, module, cls, value), False)


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
    if "#mode" in made.slots:  # a network that only its unknown caller could have switched
        for part in descendants(made):
            either = frozenset({*part.slots["#mode"], Mode("train", -1), Mode("eval", -1)})
            run.memory.write(part.slots, "#mode", either)
    args = Args() if value.kind == "static" else Args((cls if value.kind == "class" else made,))
    returned = calls.call_function(run, value, args, definition(value))
    iteration.escape(run, [returned])


def definition(value: Func) -> ir.Expr:
    node = value.node
    assert isinstance(node, ir.Function)
    return ir.Name(node.at, node.at + len(node.name), node.name)

