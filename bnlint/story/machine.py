"""The machine's state while a story is told: memory, frames, loops, assumptions, and the events written so far.

It holds state and the few operations on it that every part of the story shares (places, forks, events).
What expressions, statements and calls mean stands in rooms of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from bnlint.findings import Place
from bnlint.program.model import Node
from bnlint.read.roles import is_test_file
from bnlint.story.budget import RUNS, RUNS_SHARE, UNROLLED_IN_ALL, WORK_PER_STEP, Budget
from bnlint.story.events import Event, Story, Where
from bnlint.story.frames import BREAK, CONTINUE, DEAD, NEXT, RETURN, Catch, Frame, Memo
from bnlint.story.joining import mix
from bnlint.story.memory import MISSING, Changes, Memory
from bnlint.story.values import Choice, Cls, Data, Module, Obj, Slots, Symbol, Table, Tuple, Value, light, options

if TYPE_CHECKING:
    from pathlib import Path

    from bnlint.project.project import Project
    from bnlint.story.framework import Switchboard

DEPTH = 28
SAME_FUNCTION = 2

BEGINNING: Table = {"grad": frozenset({None})}
"""what is global to a process when it begins, as far as paths that change it have to be joined with those that do not: gradients
are recorded (see `recording`)"""

E = TypeVar("E", bound=Event)


class OutOfSteps(Exception):
    """The step budget of an entry point ran out; what was told until then stands."""


class Run:
    """One machine for a project: module bodies run once, entry points run one after the other and are undone."""

    def __init__(self, project: Project, hooks: Switchboard) -> None:
        self.project = project
        self.memory = Memory()
        self.modules: dict[Path, Module] = {}
        self.state: Table = {}
        """what is global to a process: whether gradients are recorded, the default graph, ..."""
        self.frames: list[Frame] = []
        self.catches: list[Catch] = []
        """the `try` statements with handlers whose bodies are being run, innermost last"""
        self.risks = 0
        self.wide_risks = 0
        """how many calls were made that may raise; forwards are among the wide ones only: they do where something is amiss"""
        self.loops: list[tuple[Place, int]] = []
        self.unrolled = 1
        """how often the body of the loops being run is run for their known elements: all their numbers multiplied"""
        self.uncounted: set[Place] = set()
        """loops over a range of unknown length: there may be one turn only"""
        self.counting: set[int] = set()
        """identities of the statements by which the loops being run count their few turns"""
        self.calls: list[Place] = []
        self.forks = 0
        self.contrary = 0
        """how many branches are being run that the defaults of options do not take"""
        self.conditions: list[tuple[Value, bool | None]] = []
        """what the undecided `if` statements ask that are being run, outermost first, and their answer by default"""
        self.known: dict[Symbol, bool] = {}
        """symbols that are decided on the path being run; written by `suppose`, taken back by `doubt`"""
        self.supposed: list[tuple[Symbol, bool | None]] = []
        self.sides: dict[Symbol, int] = {}
        """of forks over something without a symbol that are being run, which branch is; each time is another fork"""
        self.forked: dict[Symbol, tuple[Changes, Changes, Changes]] = {}
        self.story: Story = None  # type: ignore[assignment]  # set for each entry point
        self.budget = Budget(project)
        self.steps = 0
        self.allowed = 0
        self.runs: dict[int, int] = {}
        """how often each function was run by the entry point, by the identity of its node"""
        self.in_vain: dict[int, int] = {}
        """the steps that each function took without telling anything (see `relevance`), by the identity of its node"""
        self.importing = 0
        """how many module bodies are being run, one inside the other"""
        self.postponed: list[Path] = []
        """files whose import is nested too deeply: loaded when the others are done"""
        self.serial = 0
        self.reached: set[int] = set()
        """identities of the function nodes that some resolved call ran"""
        self.choosing = 0
        """how many calls of one of several networks are being run, one inside the other"""
        self.forwards = 0
        """how many forwards are being run, one inside the other"""
        self.norms: list[dict[int, Any]] = []
        """batch norms that the forwards now running have met, innermost last"""
        self.memos: dict[Any, list[Memo]] = {}
        self.loud = 0
        """counts events and allocations of objects: a call during which it stays the same may be memoised"""
        self.closures = 0
        """counts definitions of functions and classes: what is made while it stays the same may be copied"""
        self.patterns: dict[Any, Any] = {}
        """networks that were built before, to be copied when they are built again (see `rebuilding`)"""
        self.places: dict[tuple[int, int, int], Place] = {}
        self.setters: set[str] = set()
        """names of the properties that may be assigned to"""
        self.hooks = hooks
        self.classes: list[Cls] = []
        """project classes in the order in which their bodies ran"""
        self.stories: list[Story] = []
        self.profiles: dict[Any, Any] = {}
        """what frameworks found out about a class, by the identity of its node, or about the project, by a name"""
        self.moments: frozenset[int] = frozenset()
        self.statistics: frozenset[int] = frozenset()
        """identities of the function nodes whose text speaks of moments, of running statistics"""
        self.graphs: frozenset[int] = frozenset()
        """identities of the function nodes whose text normalises in the words of TensorFlow"""
        self.probed: set[int] = set()
        """identities of the function nodes that were run for a profile"""
        self.imported: set[Path] = set()
        """files that were imported by others; what may be known of a story depends on these, and"""
        self.whole = False
        """whether the texts of all files were asked, imported or not"""
        self.asking: set[Path] = set()
        """files whose bodies did so"""
        self.owners: dict[int, Path] = {}
        """whose variables a table holds: identities of the tables of modules and classes"""
        self.outgoing: set[Path] = set()
        """files whose bodies change more than what is their own: what another module holds, or what a framework keeps"""

    # --- places and events ---------------------------------------------------------------

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def place(self, node: Node, module: Module | None = None) -> Place:
        """Where a node of the running (or the given) module stands."""
        module = module or self.frames[-1].scope.module
        key = (id(module), node.start, node.end)
        found = self.places.get(key)
        if found is None:
            row, column = module.offsets.place(node.start)
            end_row, end_column = module.offsets.place(node.end)
            found = self.places[key] = Place(str(module.path), row, column, end_row, end_column)
        return found

    def where(self, node: Node) -> Where:
        return Where(
            self.place(node),
            tuple(self.calls),
            tuple(self.loops),
            tuple(frame.name for frame in self.frames),
            self.forks,
        )

    def emit(self, kind: type[E], node: Node, /, **facts: Any) -> E:
        """Write down an event that happens at a node."""
        event = kind(len(self.story.events), self.where(node), **facts)
        self.story.events.append(event)
        self.loud += 1
        return event

    def allocate(self, cls: Any, node: Node | None, **slots: Any) -> Obj:
        self.serial += 1
        self.loud += 1
        site = self.place(node) if node is not None and self.frames else None
        if self.contrary:
            slots["#contrary"] = True
        return Obj(cls, site, Slots(self.serial, **slots), self.serial)

    def step(self, cost: int = 1) -> None:
        self.steps += cost
        if self.steps + self.memory.work // WORK_PER_STEP > self.allowed:
            raise OutOfSteps

    def repeating(self) -> bool:
        """Whether any loop around is in a later pass: one inside need not be run twice again."""
        return any(turn for _, turn in self.loops)

    def unrolling(self, most: int) -> int:
        """How many known elements of a loop or comprehension may be run one by one, inside those that already are."""
        return max(1, min(most, UNROLLED_IN_ALL // self.unrolled))

    def may_run(self, node: Node) -> bool:
        """Whether a function may run once more: a tree of calls must not grow with each of its levels."""
        runs = self.runs[id(node)] = self.runs.get(id(node), 0) + 1
        return runs <= RUNS or (runs <= self.allowed // RUNS_SHARE and self.steps <= self.allowed // 3)

    def named(self, value: Value, name: str) -> Value:
        """A value as it is once a variable holds it.

        Data is known by the name, and what is unknown is the same each time it is asked. Nests of tuples that hold one
        another many times over are not followed any further.
        """
        if type(value) is not Data:
            heavy = isinstance(value, (Tuple, Choice)) and not light(value)
            return mix([value]) if heavy else value
        symbol = value.symbol
        if symbol is None and not value.flow and not value.kind:
            self.serial += 1
            symbol = ("variable", self.serial)
        elif value.label:
            return value
        label = value.label or name
        return replace(value, symbol=symbol, label=label)

    # --- entry points --------------------------------------------------------------------

    @contextmanager
    def apart(self, path: Path, entry: str = "<module>", bound: bool = True) -> Iterator[Story]:
        """Tell a story of its own: with its own events, budget and assumptions, and the memory as it is."""
        before = (
            self.memory.trail, self.memory.reads, self.memory.work, self.frames, self.loops, self.calls, self.forks,
            self.unrolled, self.contrary, self.supposed, self.forked, self.story, self.steps, self.runs,
            self.norms, self.forwards, self.state, self.allowed, self.catches, self.in_vain,
        )  # fmt: skip
        known = dict(self.known)
        self.known.clear()  # the same table for every story: a memo may have read it
        self.memory.trail, self.memory.reads, self.memory.work = [], None, 0
        self.frames, self.loops, self.calls, self.forks, self.contrary = [], [], [], 0, 0
        self.supposed, self.forked, self.runs, self.catches, self.in_vain = [], {}, {}, [], {}
        self.norms, self.forwards, self.steps, self.unrolled, self.state = [], 0, 0, 1, dict(BEGINNING)
        program = self.project.programs.get(path)
        self.allowed = self.budget.allowed(bound, len(program.lines) if program is not None else 0)
        self.story = Story(self.project, path, entry, bound, is_test_file(path))
        self.stories.append(self.story)
        try:
            yield self.story
        finally:
            self.budget.spend(bound, self.steps + self.memory.work // WORK_PER_STEP)
            (
                self.memory.trail, self.memory.reads, self.memory.work, self.frames, self.loops, self.calls, self.forks,
                self.unrolled, self.contrary, self.supposed, self.forked, self.story, self.steps, self.runs,
                self.norms, self.forwards, self.state, self.allowed, self.catches, self.in_vain,
            ) = before  # fmt: skip
            self.known.clear()
            self.known.update(known)

    # --- branches ------------------------------------------------------------------------

    def path(self) -> dict[Symbol, int]:
        """What was decided on the path being run: paths that disagree about something exclude each other."""
        return {**self.known, **self.sides}

    def suppose(self, symbol: Symbol, side: bool) -> None:
        self.supposed.append((symbol, self.known.get(symbol)))
        self.known[symbol] = side

    def doubt(self, mark: int) -> None:
        """Take back what was supposed since `mark`, a length of `supposed`."""
        while len(self.supposed) > mark:
            symbol, before = self.supposed.pop()
            if before is None:
                del self.known[symbol]
            else:
                self.known[symbol] = before

    def fork(self, branches: list[Callable[[], int]], symbol: Symbol | None = None, default: bool | None = None) -> int:
        """Run alternatives from the same state and join those that fall through.

        With a symbol there are two branches: that it is true, that it is false. Inside them the symbol is decided,
        and what they wrote is remembered: where the same symbol is asked again, each side sees its own values.
        `default` is what the symbol is as long as options are left at their defaults.
        """
        outcomes: list[tuple[int, Changes]] = []
        self.forks += 1
        self.serial += 1
        own = ("fork", self.serial)
        try:
            order = [*enumerate(branches)]
            if default is False:
                order.reverse()  # what options are left at comes first: it is worth more, should the steps run out
            for side, branch in order:
                mark = self.memory.mark()
                supposed = len(self.supposed)
                contrary = default is not None and default is not (side == 0)
                self.contrary += contrary
                try:
                    if symbol is not None:
                        self.assume(symbol, side == 0)
                    else:
                        self.sides[own] = side
                    status = branch()
                finally:
                    self.sides.pop(own, None)
                    self.doubt(supposed)
                    self.contrary -= contrary
                changes = self.memory.changes(mark)
                self.leave(status)
                self.memory.undo(mark)
                outcomes.append((status, changes))
        finally:
            self.forks -= 1
        if default is False:
            outcomes.reverse()
        live = [changes for status, changes in outcomes if status == NEXT]
        if not live:
            return DEAD
        if not any(live) and (symbol is None or len(live) == len(outcomes)):
            return NEXT
        if symbol is None:
            self.memory.merge(live)
        elif len(live) == 1:
            self.memory.merge(live)
            self.suppose(symbol, outcomes[0][0] == NEXT)
        else:
            sides = [self.full(changes, live) for changes in live]
            joined = self.memory.merge(live)
            if default is not None:
                self.prefer(joined, sides[0 if default else 1])
            self.forked[symbol] = (sides[0], sides[1], joined)
        return NEXT

    def prefer(self, joined: Changes, usual: Changes) -> None:
        """Note in joined choices which options only the side contrary to the default gives."""
        for where, (table, key, value) in list(joined.items()):
            if isinstance(value, Choice):
                own = options(usual[where][2]) if usual[where][2] is not MISSING else ()
                contrary = tuple(option for option in value.options if not any(option is part for part in own))
                marked = Choice(value.options, contrary, value.weak)
                self.memory.write(table, key, marked)
                joined[where] = (table, key, marked)

    @staticmethod
    def full(side: Changes, all_sides: list[Changes]) -> Changes:
        """What a side wrote, and what it left as it was where another side wrote."""
        found = dict(side)
        for other in all_sides:
            for where, (table, key, _) in other.items():
                if where not in found:
                    found[where] = (table, key, table.get(key, MISSING))
        return found

    def leave(self, status: int) -> None:
        """Keep the state of a path that leaves its branch by return, break or continue."""
        frame = self.frame
        if status in (RETURN, BREAK, CONTINUE) and frame.finals:
            outer = 0 if status == RETURN else frame.loops[-1].finals
            pending = frame.finals
            for place in range(len(pending) - 1, outer - 1, -1):
                frame.finals = pending[:place]
                pending[place](False)
            frame.finals = pending
        if status == RETURN:
            if len(frame.returns) < 24:
                frame.returns.append((frame.result, self.memory.changes(frame.mark, frame.dead_table())))
        elif status == BREAK:
            loop = self.frame.loops[-1]
            if len(loop.breaks) < 8:
                loop.breaks.append(self.memory.changes(loop.mark))
        elif status == CONTINUE:
            loop = self.frame.loops[-1]
            if len(loop.continues) < 8:
                loop.continues.append(self.memory.changes(loop.pass_mark))

    def assume(self, symbol: Symbol, side: bool) -> None:
        """Decide a symbol, and give back to locations what they hold on that side of an earlier fork over it.

        Lasts until the caller doubts it and undoes the memory.
        """
        self.suppose(symbol, side)
        earlier = self.forked.get(symbol)
        if earlier is not None:
            here = earlier[0] if side else earlier[1]
            for where, (table, key, value) in earlier[2].items():
                if table.get(key) is value and here[where][2] is not MISSING:
                    self.memory.write(table, key, here[where][2])
