"""Loops and comprehensions: bodies are run for known elements one by one, for others until they see what they left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bnlint.program import model as ir
from bnlint.story import nesting
from bnlint.story.events import Mode
from bnlint.story.frames import BREAK, CONTINUE, DEAD, NEXT, RETURN, LoopState
from bnlint.story.interpreter import (
    builtins,
    conditions,
    counting,
    expressions,
    generators,
    iteration,
    lists,
    statements,
    storing,
)
from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import Data, Lib, Obj, Slots, Table, Tuple, Value, truth

UNROLLED = 24
COMPREHENDED = 96
SKIMMED = 12
MAYBE = "#maybe"
"""slot of a list: known elements were chosen by a condition that cannot be told"""


def loop(run: Run, node: ir.Loop) -> int:
    generator = generators.of_networks(run, node.iter)
    if generator is not None:
        return generators.along(run, node, *generator)
    iterable = expressions.evaluate(run, node.iter)
    items, rest = iteration.elements(run, iterable, node.iter)
    turns: list[Value] = list(items)
    if rest is not None:
        turns.extend([rest] * (1 if not items and run.repeating() else 2))
        nesting.stands_for_several(run, rest)
    count_turns(run, node, len(items), rest)
    most = run.unrolling(UNROLLED)
    if len(items) > most:
        turns = [*turns[:most], choose(turns[most:])]
    if not turns:
        return statements.run_block(run, node.orelse)

    def prepare(turn: int) -> None:
        value = turns[min(turn, len(turns) - 1)]
        if (rest is not None and turn >= len(items)) or turn >= most:
            value = iteration.fresh(run, value, node, turn)
        statements.bind(run, node.target, value)

    unrolled = run.unrolled
    run.unrolled *= max(1, min(len(items), most))
    try:
        maybe = isinstance(iterable, Obj) and bool(iterable.slots.get(MAYBE))
        status = repeat(run, node, len(turns), prepare, counted=rest is None and len(items) <= most, maybe=maybe)
        if maybe and rest is not None and items:  # any of those that are doubted may come before the others
            statements.bind(run, node.target, choose([items[-1], rest]))
        return status
    finally:
        run.unrolled = unrolled


def count_turns(run: Run, node: ir.Loop, known: int, rest: Value | None) -> None:
    """Write down how many turns a loop takes, where its elements or the bounds of a range tell it."""
    kind = rest.kind if type(rest) is Data else ""
    place = run.place(node)
    if kind == builtins.RANGE:
        run.uncounted.add(place)
    count = known if rest is None else int(kind.rpartition(" ")[2]) if kind.startswith(f"{builtins.RANGE} ") else None
    lengths = run.story.lengths
    lengths[place] = count if lengths.get(place, count) == count else None


def while_(run: Run, node: ir.While) -> int:
    value = expressions.evaluate(run, node.test)
    decided = truth(value)
    if decided is False:
        return statements.run_block(run, node.orelse)
    endless = isinstance(node.test, ir.Const) and decided is True
    symbol = conditions.symbol_of(value) if decided is None else None
    maybe = symbol is not None and symbol[0] == "mode"  # `while net.training` may have no turn
    few = counting.turns_of(run, node)
    passes = few.turns if few is not None else 1 if run.repeating() else 2
    if few is not None:
        run.counting.add(id(few.step))

    def prepare(turn: int) -> None:
        if turn:
            expressions.evaluate(run, node.test)

    try:
        return repeat(run, node, passes, prepare, counted=few is not None, maybe=maybe, endless=endless)
    finally:
        if few is not None:
            run.counting.discard(id(few.step))


def repeat(
    run: Run,
    node: ir.Loop | ir.While,
    passes: int,
    prepare: Callable[[int], None],
    *,
    counted: bool = False,
    maybe: bool = False,
    endless: bool = False,
) -> int:
    """Run a loop body several times, each from what the one before left; paths that leave it are joined after.

    What stands in its `else` is run by the paths that do not break. With `counted` there are as many turns as passes;
    with `maybe` each element may be missing.

    A loop is taken to run at least once: a path on which a training loop has no element tells nothing.
    """
    memory = run.memory
    frame = run.frame
    state = LoopState(memory.mark(), memory.mark(), finals=len(frame.finals))
    frame.loops.append(state)
    place = run.place(node)
    status = NEXT
    supposed = len(run.supposed)
    earlier: list[list[tuple[Table, frozenset[Mode]]]] = []
    born = run.serial
    turn, moved = -1, False
    while turn < passes - 1:
        turn += 1
        begun = len(run.supposed)
        state.pass_mark = memory.mark()
        state.continues.clear()
        run.loops.append((place, turn))
        try:
            prepare(turn)
            status = statements.run_block(run, node.body)
        finally:
            run.loops.pop()
        if state.continues:
            if status in (BREAK, RETURN):
                run.leave(status)  # other paths go on
            paths = list(state.continues)
            if status in (NEXT, CONTINUE):
                paths.append(memory.changes(state.pass_mark))
            memory.undo(state.pass_mark)
            memory.merge(paths)
            run.doubt(begun)  # `if flag: continue` says nothing of the flag in the next turn
            status = NEXT
        if status not in (NEXT, CONTINUE):
            break
        if counted:
            continue
        if passes == 1 and any(newly(now, before) for now, before in modes_moved(run, state.mark)):
            passes = 2  # the next turn begins in a mode in which this one did not
        changes = [either(run, modes) for modes in earlier] if turn == passes - 1 else []
        if any(changes) and not moved:
            moved, passes = True, passes + 1  # once more from all modes that there may be
        earlier.append(modes_since(run, state.mark))
    if maybe:
        either(run, modes_before(run, state.mark))
    if not counted:
        grown(run, state.mark, born)
    frame.loops.pop()
    if state.breaks:
        run.doubt(supposed)
    if status == BREAK:
        state.breaks.append(memory.changes(state.mark))
    elif status in (NEXT, CONTINUE) and not endless:
        status = statements.run_block(run, node.orelse)
        if status == NEXT:
            state.breaks.append(memory.changes(state.mark))
        elif not state.breaks:
            return status
        else:
            run.leave(status)
            status = DEAD
    elif status == RETURN and not state.breaks:
        return RETURN
    elif status == RETURN:
        run.leave(RETURN)
    if not state.breaks:
        return DEAD
    if len(state.breaks) > 1 or status in (RETURN, DEAD) or endless:
        memory.undo(state.mark)
        memory.merge(state.breaks)
    return NEXT


def modes_moved(run: Run, mark: int) -> Iterator[tuple[frozenset[Mode], frozenset[Mode]]]:
    """The modes of each network that was switched, or that took another's place, since a mark: those of now, those of then."""
    for table, before in modes_before(run, mark):
        if "#mode" in table:
            yield table["#mode"], before
    for table, key, other in run.memory.trail[mark:]:
        if type(other) is Obj and "#mode" in other.slots:
            now = table.get(key)
            if type(now) is Obj and now is not other and "#mode" in now.slots:
                yield now.slots["#mode"], other.slots["#mode"]


def newly(now: frozenset[Mode], before: frozenset[Mode]) -> bool:
    """Whether a mode is possible that was not."""
    return now is not before and not {mode.name for mode in now} <= {mode.name for mode in before}


def modes_since(run: Run, mark: int) -> list[tuple[Table, frozenset[Mode]]]:
    """The networks whose mode was written since a mark, with what it is now."""
    tables = {id(table): table for table, key, _ in run.memory.trail[mark:] if key == "#mode"}
    return [(table, table["#mode"]) for table in tables.values() if "#mode" in table]


def modes_before(run: Run, mark: int) -> list[tuple[Table, frozenset[Mode]]]:
    """The networks whose mode was written since a mark, with what it was then."""
    first: dict[int, tuple[Table, frozenset[Mode]]] = {}
    for table, key, before in run.memory.trail[mark:]:
        if key == "#mode" and isinstance(before, frozenset):
            first.setdefault(id(table), (table, before))
    return list(first.values())


def either(run: Run, earlier: list[tuple[Table, frozenset[Mode]]]) -> bool:
    """There may have been fewer turns: modes that a later one changed again are those of before as well. Says if any did."""
    changed = False
    for table, modes in earlier:
        now = table.get("#mode")
        if now is not None and now is not modes and {mode.name for mode in now} != {mode.name for mode in modes}:
            run.memory.write(table, "#mode", now | modes)
            changed = changed or not {mode.name for mode in modes} <= {mode.name for mode in now}
    return changed


def grown(run: Run, mark: int, born: int) -> None:
    """Lists of data that a loop filled hold any number of elements; those of layers are built as they are told."""
    written = run.memory.trail[mark:]
    tables = {id(table): table for table, key, _ in written if key == "#items"}
    for table in tables.values():
        items = table.get("#items", ())
        older = isinstance(table, Slots) and table.born <= born and "#mode" not in table and not table.get("#open")
        if older and items and all(type(item) is Data or data_only(item) for item in items):
            run.memory.write(table, "#rest", choose(list(items)))
            run.memory.write(table, "#open", True)


def data_only(value: Value) -> bool:
    return isinstance(value, Tuple) and all(type(item) is Data for item in value.items)


@contextmanager
def own_variables(run: Run, targets: list[ir.Expr]) -> Iterator[None]:
    """What a comprehension binds is its own: variables around it that have these names are as they were after it."""
    names = [target.id for target in flat(targets) if isinstance(target, ir.Name)]
    before = [(name, run.frame.scope.table.get(name, MISSING)) for name in names]
    closures = run.closures
    yield
    if run.closures == closures:  # else functions were made inside, which see the variables later
        table = run.frame.scope.table
        for name, value in before:
            if value is MISSING:
                run.memory.remove(table, name)
            elif table.get(name) is not value:
                run.memory.write(table, name, value)


def flat(targets: Iterable[ir.Expr]) -> Iterator[ir.Expr]:
    for target in targets:
        if isinstance(target, ir.Sequence):
            yield from flat(target.elements)
        else:
            yield target.value if isinstance(target, ir.Starred) else target


# --- comprehensions --------------------------------------------------------------------------


def comprehension(run: Run, node: ir.Comprehension) -> Value:
    """Run a comprehension; known sequences are unrolled, others give one element of unknown number."""
    items: list[Value] = []
    rests: list[Value] = []
    doubted: list[bool] = []
    keys: list[Value] = []

    def inner(depth: int, exact: bool) -> None:
        if depth == len(node.loops):
            if node.key is not None:
                keys.append(expressions.evaluate(run, node.key))
            value = expressions.evaluate(run, node.value)
            (items if exact else rests).append(value)
            return
        generator = node.loops[depth]
        known, rest = iteration.elements(run, expressions.evaluate(run, generator.iter), generator.iter)
        # a generator is most often counted or searched: its elements matter less than a list's
        most = run.unrolling(SKIMMED if node.kind == "generator" else COMPREHENDED)
        turns: list[tuple[Value, bool]] = [(value, exact) for value in known[:most]]
        if rest is not None or len(known) > most:
            turns.append((choose([*known[most:], *([rest] if rest is not None else [])]), False))
        unrolled = run.unrolled
        run.unrolled *= max(1, min(len(known), most))
        for value, sure in turns:
            run.step()
            statements.bind(run, generator.target, value)
            tests = [conditions.decide(run, expressions.evaluate(run, test))[0] for test in generator.tests]
            if False in tests:
                continue
            undecided = None in tests
            doubted.append(undecided and sure)
            run.forks += undecided
            inner(depth + 1, sure and not undecided)
            run.forks -= undecided
        run.unrolled = unrolled

    with own_variables(run, [generator.target for generator in node.loops]):
        inner(0, True)
    if node.kind == "dict":
        made = run.allocate(Lib("dict"), node)
        for key, value in zip(keys, [*items, *rests], strict=False):
            storing.set_item(run, made, key, value, node)
        return made
    rest = choose(rests) if rests else None
    if node.kind == "generator":
        return Tuple(tuple(items), rest)
    made = lists.make_list(run, items, rest, node, node.kind)
    if any(doubted):
        made.slots[MAYBE] = True
    return made
