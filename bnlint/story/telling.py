"""Which entry points there are, and telling the story of each: module bodies, `__main__` blocks, then what nothing calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bnlint.program import model as ir
from bnlint.project.project import Project
from bnlint.read.roles import is_test_file
from bnlint.story import entries
from bnlint.story.events import Mode, Story
from bnlint.story.frames import Frame
from bnlint.story.framework import Args, Switchboard, library_base
from bnlint.story.frameworks import all_frameworks
from bnlint.story.frameworks.trainers import DRIVING
from bnlint.story.interpreter import calls, definitions, importing, lists, statements
from bnlint.story.machine import Run
from bnlint.story.nesting import descendants
from bnlint.story.order import loading_order
from bnlint.story.values import Cls, Func, Module, Obj, Scope

RECURSION = 5_000


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry point that may be told: what runs it, and what must not have been reached by the stories before it.

    node: the identity of the function or class, 0 for a `__main__` block; marks: whether telling it counts as reaching it.
    """

    module: Module
    name: str
    node: int
    body: Callable[[], object]
    bound: bool = False
    marks: bool = False


def tell(project: Project) -> Iterator[Story]:
    """Yield a story for each entry point of the project's programs, in an order that depends on the programs only."""
    teller = Teller(project)
    yield from teller.modules()
    for stage in teller.stages():
        for entry in stage:
            if teller.wanted(entry):
                yield teller.tell(entry)
    yield from teller.rest()


class Teller:
    """Tells a project's stories: of the modules' bodies, then of the entry points in stages, then those of the frameworks.

    What a story says depends on the modules' bodies and on its own entry point only, so that the entry points of a stage may
    be told in any order, or in several processes; which of them are told at all is decided in their order.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.run = Run(project, Switchboard(all_frameworks()))
        self.seen = entries.survey(project)
        self.run.moments, self.run.statistics, self.run.graphs = self.seen.moments, self.seen.statistics, self.seen.graphs

    def modules(self) -> Iterator[Story]:
        run, told = self.run, 0
        for path in loading_order(self.project):
            load(run, path)
            while told < len(run.stories):
                yield run.stories[told]
                told += 1
        with deep_recursion():
            run.hooks.loaded(run)

    def stages(self) -> Iterator[list[Entry]]:
        """`__main__` blocks, what nothing mentions, what nothing has called so far: each when those before have been told.

        Tests come last: of what the program needs they leave out much, and there may be many.
        """
        run = self.run
        concerned = self.project.programs if self.project.concerned is None else self.project.concerned
        modules = [(path, run.modules[path]) for path in sorted(concerned) if path in run.modules]
        yield [
            Entry(module, "__main__", 0, partial(main, run, module, block), bound=True)
            for path, module in modules
            for block in entries.main_blocks(self.project.programs[path])
        ]
        for tests, roots_only in ((False, True), (False, False), (True, True), (True, False)):
            some = [module for path, module in modules if is_test_file(path) is tests]
            alike = entries.Likenesses(self.project)
            yield [entry for module in some for entry in uncalled(run, module, self.seen, alike, roots_only)]

    def wanted(self, entry: Entry) -> bool:
        return entry.node not in self.run.reached

    def tell(self, entry: Entry) -> Story:
        """Run one entry point and take back everything it wrote."""
        run = self.run
        if entry.marks:
            run.reached.add(entry.node)  # once, although it may run out of steps before it begins
        # what calls gave in other stories would be right here too, but not cost the same
        run.memos, run.patterns = {}, {}
        with run.apart(entry.module.path, entry.name, entry.bound) as story, deep_recursion():
            importing.guarded(run, entry.name, entry.body)
            run.memory.undo(0)
        return story

    def rest(self) -> Iterator[Story]:
        with deep_recursion():
            yield from self.run.hooks.told(self.run)


def load(run: Run, path: Path) -> None:
    """Run a file's body, and then what was imported too deep inside it."""
    with deep_recursion():
        importing.load(run, path, path.stem)
        while run.postponed:
            late = run.postponed.pop(0)
            importing.run_body(run, run.modules[late])


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


def uncalled(
    run: Run, module: Module, seen: entries.Survey, alike: entries.Likenesses, roots_only: bool
) -> Iterator[Entry]:
    """Functions and methods that drive networks; first those whose name nothing mentions."""
    for value in list(module.table.values()):
        if isinstance(value, Func) and value.scope.module is module and isinstance(value.node, ir.Function):
            driven = id(value.node) in seen.drivers or (roots_only and id(value.node) in seen.callers)
            if not driven or (roots_only and value.name in seen.names):
                continue
            if id(value.node) in seen.drivers or alike.another(module.path, value.node):
                yield Entry(module, value.name, id(value.node), partial(function, run, module, value), marks=True)
        elif isinstance(value, Cls) and value.module is module:
            yield from methods(run, module, value, seen, roots_only)


def methods(run: Run, module: Module, cls: Cls, seen: entries.Survey, roots_only: bool) -> Iterator[Entry]:
    if not roots_only and id(cls.node) in seen.builders:
        yield Entry(module, cls.name, id(cls.node), partial(instance, run, module, cls))
    if library_base(cls, DRIVING) is not None:
        return  # the library calls them, and sets the mode before
    for value in list(cls.table.values()):
        if not isinstance(value, Func) or not isinstance(value.node, ir.Function) or value.name.startswith("__"):
            continue
        driven = id(value.node) in seen.drivers or (roots_only and id(value.node) in seen.callers)
        if driven and not (roots_only and value.name in seen.names):
            body = partial(method, run, module, cls, value)
            yield Entry(module, f"{cls.name}.{value.name}", id(value.node), body, marks=True)


def function(run: Run, module: Module, value: Func) -> None:
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    returned = calls.call_function(run, value, Args(), definition(value))
    lists.escape(run, [returned])


def instance(run: Run, module: Module, cls: Cls) -> Obj:
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    made = definitions.instantiate(run, cls, Args(), ir.Name(cls.node.at, cls.node.at + len(cls.name), cls.name))
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
    lists.escape(run, [returned])


def definition(value: Func) -> ir.Expr:
    node = value.node
    assert isinstance(node, ir.Function)
    return ir.Name(node.at, node.at + len(node.name), node.name)

