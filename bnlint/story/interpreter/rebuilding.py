"""Building a network again: a copy of what its constructor made before, instead of running the constructor once more.

Networks are built of a few kinds of blocks, each many times with the same arguments, and a factory builds the same network
on many paths. A constructor whose whole effect is the new objects themselves gives the same again while everything it read
from outside is the same. The first time a constructor is only counted, the second time a copy is kept, from then on it is
copied; the layers that it built are written down anew each time.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields, replace
from typing import Any

from bnlint.program import model as ir
from bnlint.story.events import Built, Chained, Event, Shared, Where
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, replaying
from bnlint.story.machine import Run
from bnlint.story.memory import Changes, unchanged
from bnlint.story.values import Bound, Choice, Cls, Data, Func, Obj, Partial, Slots, Super, Tuple, Value

REPEATABLE = frozenset({Built, Chained, Shared})
"""events that only say what was built: those of other kinds are referred to by what they changed"""
PATTERNS = 2_000
"""networks and blocks that are kept at a time: a bound for the memory that they hold"""
OBJECTS = 2_000
READS = 1_000
"""how many objects a network may consist of, and how much it may have read from outside"""
NESTED = 16
"""frames beyond which calls may not have been followed to their end"""


@dataclass(slots=True, eq=False)
class Pattern:
    """What a constructor made, as a copy that nothing else refers to.

    span: the serial numbers of its objects; built: the layers that were written down on the way, with their circumstances
    as seen from the constructor's call.
    """

    reads: Changes
    made: Obj
    span: tuple[int, int]
    built: tuple[Event, ...]


def build(run: Run, cls: Cls, init: Func, args: Args, node: ir.Expr) -> Obj:
    """A new instance of a project class that has a constructor."""
    key = key_of(run, cls, args)
    known = run.patterns.get(key) if key is not None else None
    if isinstance(known, Pattern):
        if unchanged(known.reads):
            return again(run, known, node)
        known = None
    if key is not None:
        if len(run.patterns) >= PATTERNS:
            run.patterns.clear()
        run.patterns[key] = True  # seen once
    return keep(run, key, cls, init, args, node) if known else construct(run, cls, init, args, node)


def construct(run: Run, cls: Cls, init: Func, args: Args, node: ir.Expr) -> Obj:
    obj = run.allocate(cls, node)
    run.hooks.made(run, obj, cls)
    calls.call_function(run, init, calls.with_self(obj, args), node)
    return obj


def keep(run: Run, key: Any, cls: Cls, init: Func, args: Args, node: ir.Expr) -> Obj:
    """Run a constructor and remember what it made, if that is all that it did."""
    memory, start, closures = run.memory, run.serial, run.closures
    mark, first, exhausted = memory.mark(), len(run.story.events), run.story.exhausted
    outer, memory.reads = memory.reads, {}
    try:
        obj = construct(run, cls, init, args, node)
    finally:
        reads, memory.reads = memory.reads or {}, outer
        if outer is not None:
            for where, entry in reads.items():
                outer.setdefault(where, entry)
    events = run.story.events[first:]
    if "#mode" not in obj.slots or run.closures != closures or run.story.exhausted != exhausted or len(run.frames) > NESTED:
        return obj
    if any(type(event) not in REPEATABLE for event in events) or not own(run, mark, start):
        return obj
    outside = {where: entry for where, entry in reads.items() if not young(entry[0], start)}
    if len(outside) > READS:
        return obj
    copier = Copier(run, (start, run.serial))
    low = run.serial
    made = copier.copy(obj)
    if copier.count <= OBJECTS and isinstance(made, Obj):
        built = tuple(inner(run, event, copier) for event in events)
        run.patterns[key] = Pattern(outside, made, (low, run.serial), built)
    return obj


def again(run: Run, pattern: Pattern, node: ir.Expr) -> Obj:
    """A copy of what a constructor made before, as if it had run at this call."""
    run.step()
    if run.memory.reads is not None:
        for location, entry in pattern.reads.items():
            run.memory.reads.setdefault(location, entry)
    copier = Copier(run, pattern.span)
    made = copier.copy(pattern.made)
    assert isinstance(made, Obj)
    made.site = run.place(node)
    calls_, loops = (*run.calls, made.site), tuple(run.loops)
    functions = tuple(frame.name for frame in run.frames)
    events = run.story.events
    for event in pattern.built:
        at = event.where
        where = Where(at.place, calls_ + at.calls, loops + at.loops, functions + at.functions, run.forks + at.forks)
        events.append(told_anew(event, len(events), where, copier))
    run.memory.work += len(pattern.built)
    return made


def inner(run: Run, event: Event, copier: Copier) -> Event:
    """An event of the constructor, told from the constructor's call inwards."""
    at = event.where
    calls_, loops, functions = at.calls[len(run.calls) + 1 :], at.loops[len(run.loops) :], at.functions[len(run.frames) :]
    where = Where(at.place, calls_, loops, functions, at.forks - run.forks)
    return told_anew(event, event.number, where, copier)


def told_anew(event: Event, number: int, where: Where, copier: Copier) -> Event:
    """An event about the copies."""
    made = copy(event)
    made.number, made.where = number, where
    for field in fields(made):
        value = getattr(event, field.name)
        if type(value) is Obj:
            setattr(made, field.name, copier.obj(value))
    return made


def own(run: Run, mark: int, start: int) -> bool:
    """Whether everything written since the mark belongs to objects that are younger than `start`."""
    trail = run.memory.trail
    run.memory.work += len(trail) - mark
    return all(young(trail[place][0], start) for place in range(mark, len(trail)))


def young(table: Any, start: int) -> bool:
    return type(table) is Slots and table.born > start


def key_of(run: Run, cls: Cls, args: Args) -> Any:
    """A key by class, arguments and what frameworks keep around a call; None where nothing is to be remembered."""
    if args.star is not None or args.double_star is not None or run.forwards or run.state.get("scoped") is not None:
        return None
    values = tuple(argument_key(value) for value in args.positional)
    named = tuple((name, argument_key(value)) for name, value in args.keywords.items())
    state = run.state
    return (cls, values, named, bool(run.contrary), state.get("ambient"), state.get("context"))


def argument_key(value: Value) -> Any:
    """Lists that nobody has opened count by what they hold."""
    if isinstance(value, Obj) and value.lib == "list" and not value.slots.get("#open"):
        return ("list", tuple(replaying.argument_key(item) for item in value.slots.get("#items", ())))
    return replaying.argument_key(value)


class Copier:
    """Copies the objects whose serial numbers lie in a span, each once; everything else is shared."""

    def __init__(self, run: Run, span: tuple[int, int]) -> None:
        self.run = run
        self.low, self.high = span
        self.seen: dict[int, Obj] = {}
        self.count = 0
        run.loud += 1

    def copy(self, value: Any) -> Any:
        kind = type(value)
        if kind is Obj:
            return self.obj(value)
        if kind is tuple:
            return tuple(self.copy(item) for item in value)
        if kind is Tuple:
            return Tuple(tuple(self.copy(item) for item in value.items), self.copy(value.rest))
        if kind is Choice:
            return Choice(tuple(map(self.copy, value.options)), tuple(map(self.copy, value.contrary)), value.weak)
        if kind is Bound or kind is Super:
            return replace(value, self=self.copy(value.self))
        if kind is Partial:
            kwargs = {name: self.copy(part) for name, part in value.kwargs.items()}
            return Partial(self.copy(value.func), tuple(map(self.copy, value.args)), kwargs)
        if kind is Data and value.flow:
            return replace(value, flow=self.tokens(value.flow), grad=self.tokens(value.grad))
        return value

    def obj(self, value: Obj) -> Obj:
        if not self.low < value.serial <= self.high or self.count > OBJECTS:
            return value
        known = self.seen.get(value.serial)
        if known is not None:
            return known
        run = self.run
        run.serial += 1
        self.count += 1
        run.memory.work += len(value.slots)
        made = self.seen[value.serial] = Obj(value.cls, value.site, Slots(run.serial), run.serial)
        slots = made.slots
        for key, part in value.slots.items():
            slots[key] = self.copy(part) if type(part) in HOLDING else part
        return made

    def tokens(self, tokens: Any) -> Any:
        if any(type(token.ref) is Obj for token in tokens):
            return frozenset(replace(token, ref=self.obj(token.ref)) if type(token.ref) is Obj else token for token in tokens)
        return tokens


HOLDING = frozenset({Obj, tuple, Tuple, Choice, Bound, Super, Partial, Data})
"""kinds of values that may hold an object"""
