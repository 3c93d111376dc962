"""Options of absl and tf.app: their defaults are known as sizes, never as answers; and `app.run`, which calls main."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import calls
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import NONE, UNKNOWN, Const, Data, Func, Value, text


def define(run: Run, known: dict[str, Value], name: str, args: Args) -> Value | None:
    """`flags.DEFINE_integer("batch_size", 32, "...")`"""
    last = name.rpartition(".")[2]
    if not last.startswith("DEFINE_"):
        return UNKNOWN
    key = text(args.get(0, "name") or UNKNOWN)
    default = args.get(1, "default") or args.get(1, "default_value")
    if key:
        symbol = ("flag", key)
        plain = type(default) is Const and default.value is not None
        known[key] = Const(default.value, True, symbol) if plain and type(default) is Const else Data(symbol=symbol, label=key)
    return NONE


def option(known: dict[str, Value], key: str) -> Value:
    return known.get(key) or Data(symbol=("flag", key), label=key)


def run_main(run: Run, args: Args, node: ir.Call) -> Value:
    """`tf.app.run(main)`, `app.run()`"""
    func = args.get(0, "main")
    if func is None or (type(func) is Const and func.value is None):
        found = run.memory.read(run.frame.scope.module.table, "main")
        func = found if found is not MISSING else None
    if isinstance(func, Func):
        calls.call(run, func, Args((UNKNOWN,) if func.node.params.items else ()), node)
    elif func is not None:
        calls.call(run, func, Args((UNKNOWN,)), node)
    return NONE
