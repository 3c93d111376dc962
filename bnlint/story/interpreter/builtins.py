"""Python's built-in functions, as far as the story needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls, computed, conditions, expressions, iteration, lists, loops, objects, sorting, storing
from bnlint.story.joining import choose, mix
from bnlint.story.values import (
    NONE,
    UNKNOWN,
    Choice,
    Cls,
    Const,
    Data,
    Func,
    Lib,
    Module,
    Obj,
    Tuple,
    Value,
    compound,
    options,
    text,
    truth,
)

if TYPE_CHECKING:
    from bnlint.story.machine import Run

RANGE = "range"
"""the kind of the numbers of a range; a known length follows after a blank, none where only the default of an option tells it"""
LONGEST = 1_000_000_000
FROM_ZERO = "index from zero"
"""the label of the numbers of a range that begins with 0"""
ITERATOR = "iterator"
"""the kind of what `iter` makes of known elements: those that are left"""
Handler = Callable[["Run", Args, ir.Call], Value]


def range_(run: Run, args: Args, node: ir.Call) -> Value:
    """Short known ranges are given number by number, others as unknown numbers."""
    bounds = [value.value if type(value) is Const and not value.assumed else None for value in args.positional]
    if bounds and all(isinstance(bound, int) for bound in bounds) and len(bounds) <= 3 and bounds[2:] != [0]:
        numbers = range(*bounds)  # type: ignore[arg-type]
        if not numbers[3:]:  # a length may be more than len() can give
            return Tuple(tuple(Const(n) for n in numbers))
        if not numbers[LONGEST:]:
            return Tuple((), Data(label="index", kind=f"{RANGE} {len(numbers)}"))
        return Tuple((), Data(label="index"))
    # three bounds go through something piece by piece; otherwise there may be one turn only
    label = FROM_ZERO if args.star is None and (len(bounds) == 1 or bounds[:1] == [0]) else "index"
    return Tuple((), Data(label=label, kind="" if len(args.positional) > 2 else RANGE))


def enumerate_(run: Run, args: Args, node: ir.Call) -> Value:
    inner = args.get(0)
    if inner is None:
        return UNKNOWN
    items, rest = iteration.elements(run, inner, node)
    start = args.get(1, "start")
    first = start.value if type(start) is Const and isinstance(start.value, int) else 0
    pairs = tuple(Tuple((Const(first + place), item)) for place, item in enumerate(items))
    return Tuple(pairs, Tuple((Data(label="index"), rest)) if rest is not None else None)


def zip_(run: Run, args: Args, node: ir.Call) -> Value:
    columns = [iteration.elements(run, value, node) for value in args.positional]
    if not columns:
        return transposed(args.star)
    known = [len(items) for items, rest in columns if rest is None]
    length = min(known) if known else 0
    rows: list[Value] = []
    for place in range(length):
        row = [items[place] if place < len(items) else rest or UNKNOWN for items, rest in columns]
        rows.append(Tuple(tuple(row)))
    if known:
        return Tuple(tuple(rows))
    return Tuple((), Tuple(tuple(choose([*items, *([rest] if rest is not None else [])]) for items, rest in columns)))


def transposed(rows: Value | None) -> Value:
    """`zip(*rows)` of an unknown number of rows that are alike."""
    if isinstance(rows, Tuple) and rows.rest is None:
        return Tuple(tuple(Tuple((), item) for item in rows.items))
    return Tuple((), rows) if rows is not None else Tuple(())


def len_(run: Run, args: Args, node: ir.Call) -> Value:
    value = args.get(0)
    if isinstance(value, Tuple) and value.rest is None:
        return Const(len(value.items))
    if isinstance(value, Obj) and value.lib == "list" and not value.slots.get("#open") and not run.loops:
        return Const(len(iteration.list_parts(run, value)[0]))
    if type(value) is Data and value.batch is not None:
        return Const(value.batch, value.assumed)
    return UNKNOWN


def isinstance_(run: Run, args: Args, node: ir.Call) -> Value:
    value, cls = args.get(0), args.get(1)
    if value is None or cls is None:
        return UNKNOWN
    answer = objects.is_instance(value, cls)
    if type(value) is Obj:
        run.hooks.asked(run, value, objects.class_options(cls), answer, node)
    if answer is not None:
        return Const(answer)
    symbol = conditions.symbol_of(value)
    names = tuple(option.name for option in objects.class_options(cls) if isinstance(option, (Lib, Cls)))
    return Data(symbol=compound("isinstance", symbol, names)) if symbol is not None and names else UNKNOWN


def getattr_(run: Run, args: Args, node: ir.Call) -> Value:
    owner, name = args.get(0), args.get(1)
    if owner is None or name is None:
        return UNKNOWN
    known = text(name)
    if known is not None:
        if type(name) is Const and name.assumed and isinstance(owner, Module) and len(args.positional) > 2:
            return computed.optional_member(run, owner, known, args.positional[2], node)
        member = expressions.get_attribute(run, owner, known, node)
        return args.positional[2] if member is UNKNOWN and isinstance(owner, Module) and len(args.positional) > 2 else member
    if isinstance(owner, Module):
        found = computed.members(run, owner, computed.parts_of(name))
        return choose(found) if found else UNKNOWN
    flow = mix([owner])
    if isinstance(name, Choice):
        return choose([expressions.get_attribute(run, owner, part, node) for option in name.options if (part := text(option))])
    if isinstance(owner, Lib):
        return Lib(f"{owner.name}.*")
    if isinstance(owner, Choice) and all(isinstance(option, Module) for option in owner.options):
        return choose([getattr_(run, Args((option, name)), node) for option in owner.options])
    return flow


def hasattr_(run: Run, args: Args, node: ir.Call) -> Value:
    owner, name = args.get(0), args.get(1)
    known = text(name) if name is not None else None
    if isinstance(owner, Obj) and known is not None:
        if known in owner.slots:
            return Const(True)
        if isinstance(owner.cls, Cls):
            if objects.find(run, owner.cls.order, known) is not None:
                return Const(True)
            if owner.cls.order[1:] == () or known == "module":
                return Const(False)
    return UNKNOWN


def setattr_(run: Run, args: Args, node: ir.Call) -> Value:
    owner, name, value = args.get(0), args.get(1), args.get(2)
    known = text(name) if name is not None else None
    if owner is not None and value is not None and known is not None:
        target = ir.Attribute(node.start, node.end, ir.Opaque(node.start, node.end), known, node.start)
        expressions.set_attribute(run, owner, known, value, target)
    elif isinstance(owner, Obj) and value is not None:
        run.serial += 1
        run.memory.write(owner.slots, f"<attribute {run.serial}>", value)
    return NONE


def map_(run: Run, args: Args, node: ir.Call) -> Value:
    func = args.get(0)
    if func is None or len(args.positional) < 2:
        return UNKNOWN
    items, rest = iteration.elements(run, args.positional[1], node)
    results = [calls.call(run, func, Args((item,)), node) for item in items[: loops.UNROLLED]]
    return Tuple(tuple(results), calls.call(run, func, Args((rest,)), node) if rest is not None else None)


def filter_(run: Run, args: Args, node: ir.Call) -> Value:
    func = args.get(0)
    if func is None or len(args.positional) < 2:
        return UNKNOWN
    items, rest = iteration.elements(run, args.positional[1], node)
    kept: list[Value] = []
    for item in items[:64]:
        answer = truth(calls.call(run, func, Args((item,)), node)) if type(func) is not Const else truth(item)
        if answer is not False:
            kept.append(item)
    return Tuple(tuple(kept), rest)


def reversed_(run: Run, args: Args, node: ir.Call) -> Value:
    """The elements the other way round, where all are known."""
    made = sequence("list")(run, args, node)
    if isinstance(made, Obj) and "#rest" not in made.slots:
        made.slots["#items"] = made.slots.get("#items", ())[::-1]
    return made


def sequence(kind: str) -> Handler:
    def make(run: Run, args: Args, node: ir.Call) -> Value:
        inner = args.get(0)
        if inner is None:
            return Tuple(()) if kind == "tuple" else lists.make_list(run, [], None, node, kind)
        items, rest = iteration.elements(run, inner, node)
        if kind == "tuple":
            return Tuple(tuple(items), rest)
        made = lists.make_list(run, items, rest, node, kind)
        if isinstance(inner, Obj) and sorting.UNORDERED in inner.slots:
            made.slots[sorting.UNORDERED] = True
        return made

    return make


def sorted_(run: Run, args: Args, node: ir.Call) -> Value:
    made = sequence("list")(run, args, node)
    if isinstance(made, Obj):
        sorting.sort(run, made, args, node)
    return made


def dict_(run: Run, args: Args, node: ir.Call) -> Value:
    made = run.allocate(Lib("dict"), node)
    first = args.get(0)
    if isinstance(first, Obj) and first.lib == "dict":
        iteration.update(run, made, first)
    elif first is not None:
        items, rest = iteration.elements(run, first, node)
        for item in items:
            if isinstance(item, Tuple) and len(item.items) == 2:
                storing.set_item(run, made, item.items[0], item.items[1], node)
        if rest is not None:
            pair = isinstance(rest, Tuple) and len(rest.items) == 2
            made.slots["#rest"] = rest.items[1] if isinstance(rest, Tuple) and pair else UNKNOWN
    made.slots.update(args.keywords)
    if args.double_star is not None:
        made.slots["#rest"] = args.double_star
    return made


def iter_(run: Run, args: Args, node: ir.Call) -> Value:
    inner = args.get(0)
    if isinstance(inner, Obj) and isinstance(inner.cls, Cls):
        own = objects.find(run, inner.cls.order, "__iter__")
        made = calls.call_function(run, own, Args((inner,)), node) if isinstance(own, Func) else UNKNOWN
        return inner if type(made) is Data else made  # unknown, or what a generator gives
    if isinstance(inner, Tuple) or (isinstance(inner, Obj) and inner.lib == "list"):
        items, rest = iteration.elements(run, inner, node)
        if items and rest is None:
            return run.allocate(Lib(ITERATOR), node, **{"#items": tuple(items)})
    return inner if inner is not None else UNKNOWN


def next_(run: Run, args: Args, node: ir.Call) -> Value:
    inner = args.get(0)
    if inner is None:
        return UNKNOWN
    if isinstance(inner, Obj) and isinstance(inner.cls, Cls):
        own = objects.find(run, inner.cls.order, "__next__")
        if isinstance(own, Func):
            return calls.call_function(run, own, Args((inner,)), node)
    items, rest = iteration.elements(run, inner, node)
    if rest is not None and not items:
        return rest
    if isinstance(inner, Obj) and inner.lib == ITERATOR and not inner.slots.get("#started"):
        if not run.loops and not run.forks and len(items) > 1:
            run.memory.write(inner.slots, "#items", tuple(items[1:]))
            return items[0]
        run.memory.write(inner.slots, "#started", True)  # nobody knows how many were taken
    if rest is None and items and isinstance(node.args[0].value, (ir.Call, ir.Comprehension)):
        return items[0]  # nobody else has the iterator
    return choose([*items, *([rest] if rest is not None else [])]) if items else UNKNOWN


def scalar(convert: Callable[[object], object]) -> Handler:
    def make(run: Run, args: Args, node: ir.Call) -> Value:
        value = args.get(0)
        if type(value) is Const and value.value is not None:
            try:
                return Const(convert(value.value), value.assumed, value.symbol)  # type: ignore[arg-type]
            except (ValueError, TypeError, OverflowError):
                return UNKNOWN
        return mix(args.all())

    return make


def bool_(run: Run, args: Args, node: ir.Call) -> Value:
    value = args.get(0)
    if value is None:
        return Const(False)
    decided, symbol, positive = conditions.decide(run, value)
    if decided is not None:
        return Const(decided)
    return Data(symbol=symbol if positive or symbol is None else ("not", symbol))


def quantified(deciding: bool) -> Handler:
    """`any` and `all`, where the elements tell."""

    def make(run: Run, args: Args, node: ir.Call) -> Value:
        first = args.get(0)
        if isinstance(first, Tuple):
            answers = {conditions.decide(run, item)[0] for item in first.items}
            if deciding in answers:
                return Const(deciding)
            if first.rest is None and None not in answers:
                return Const(not deciding)
        return mix(args.all())

    return make


def extreme(pick: Callable[..., float]) -> Handler:
    def make(run: Run, args: Args, node: ir.Call) -> Value:
        numbers = [value.value for value in args.positional if type(value) is Const and isinstance(value.value, (int, float))]
        if len(numbers) == len(args.positional) >= 2:
            return Const(pick(*numbers), any(type(value) is Const and value.assumed for value in args.positional))
        return mix(args.all())

    return make


def leave(run: Run, args: Args, node: ir.Call) -> Value:
    return calls.NEVER


def type_(run: Run, args: Args, node: ir.Call) -> Value:
    value = args.get(0)
    if isinstance(value, Obj):
        run.hooks.asked(run, value, [], None, node)
        return value.cls
    if value is not None and len(args.positional) == 1 and len(options(value)) == 1:
        symbol = conditions.symbol_of(value)
        return Data(symbol=compound("type", symbol)) if symbol is not None else UNKNOWN
    return UNKNOWN


def print_(run: Run, args: Args, node: ir.Call) -> Value:
    return NONE


CALLS: dict[str, Handler] = {
    "__import__": computed.dunder_import,
    "eval": computed.evaluated,
    "globals": computed.global_names,
    "locals": computed.local_names,
    "vars": computed.local_names,
    "range": range_,
    "xrange": range_,
    "enumerate": enumerate_,
    "zip": zip_,
    "len": len_,
    "isinstance": isinstance_,
    "getattr": getattr_,
    "hasattr": hasattr_,
    "setattr": setattr_,
    "map": map_,
    "filter": filter_,
    "list": sequence("list"),
    "set": sequence("set"),
    "tuple": sequence("tuple"),
    "sorted": sorted_,
    "reversed": reversed_,
    "dict": dict_,
    "iter": iter_,
    "next": next_,
    "int": scalar(int),  # type: ignore[arg-type]
    "float": scalar(float),  # type: ignore[arg-type]
    "str": scalar(str),
    "bool": bool_,
    "any": quantified(True),
    "all": quantified(False),
    "min": extreme(min),
    "max": extreme(max),
    "exit": leave,
    "quit": leave,
    "type": type_,
    "print": print_,
}
