"""Binding the arguments of a call to a function's parameters. Runs nothing; what a call does stands in `calls`."""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Const, Data, Func, Lib, Table, Tuple, Value


def assumed(run: Run, func: Func, param: ir.Param, default: Value) -> Value:
    """A parameter's default: what it is in a call that leaves it out, only assumed when nothing is known to call it."""
    if type(default) is Const and default.value is not None and not run.story.bound and len(run.frames) == 1:
        return replace(default, assumed=True, symbol=("parameter", id(func.node), param.name, run.serial))
    return default


def bind(run: Run, func: Func, args: Args, table: Table) -> Value | None:
    """Write the arguments into the new frame's variables; gives the first one, `self` of a method."""
    given = list(args.positional)
    keywords = dict(args.keywords)
    first = given[0] if given else None
    for place, param in enumerate(func.node.params.items):
        default = func.defaults[place]
        if param.kind == "star":
            table[param.name] = Tuple(tuple(given), args.star)
            given = []
        elif param.kind == "double_star":
            made = run.allocate(Lib("dict"), None)
            made.slots.update(keywords)
            made.slots["#rest"] = args.double_star if args.double_star is not None else UNKNOWN
            made.slots["#closed"] = args.double_star is None
            run.loud -= 1
            table[param.name] = made
        elif given and param.kind in ("positional", "plain"):
            table[param.name] = given.pop(0)
        elif param.name in keywords:
            table[param.name] = keywords.pop(param.name)
        elif args.star is not None and param.kind in ("positional", "plain"):
            table[param.name] = args.star
        elif args.double_star is not None and default is None:
            table[param.name] = args.double_star
        elif param.name in dict(func.options):
            table[param.name] = dict(func.options)[param.name]
        elif default is not None:
            table[param.name] = assumed(run, func, param, default)
        else:
            table[param.name] = Data(symbol=("parameter", id(func.node), param.name, run.serial), label=param.name)
        table[param.name] = run.named(table[param.name], param.name)
    return first
