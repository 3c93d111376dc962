"""Replaying quiet calls: one that allocated nothing and told nothing gives the same again while what it read is the same.

The memo is by function, arguments and the locations of the heap that the call read; its writes are replayed, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bnlint.program import model as ir
from bnlint.story.events import NormUse
from bnlint.story.frames import Memo
from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.meeting import meet
from bnlint.story.memory import unchanged
from bnlint.story.values import Bound, Choice, Cls, Const, Data, Func, Lib, Module, Super, Table, Tuple, Value

MEMO_READS = 400
MEMOS = 6
ALL_MEMOS = 20_000
"""functions and arguments that are remembered at a time: a bound for the memory that they hold"""


def key_of(run: Run, func: Func, args: Args) -> Any:
    """A key by function, arguments and what frameworks keep around a call; None where the call must not be memoised."""
    if func.kind == "context" or (isinstance(func.node, ir.Function) and func.node.generator):
        return None
    if args.star is not None or args.double_star is not None:
        return None
    values = [argument_key(value) for value in args.positional]
    named = [(name, argument_key(value)) for name, value in args.keywords.items()]
    state = run.state
    return (func, tuple(values), tuple(named), state.get("ambient"), id(state.get("scoped")), state.get("context"))


def argument_key(value: Value) -> Any:
    if isinstance(value, (Const, Lib)):
        return (type(value).__name__, type(getattr(value, "value", None)).__name__, value)
    if isinstance(value, Data):
        return value
    if isinstance(value, Tuple):
        rest = argument_key(value.rest) if value.rest is not None else None
        return ("tuple", tuple(argument_key(item) for item in value.items), rest)
    if isinstance(value, Choice):
        return ("choice", value.weak, tuple(argument_key(item) for item in value.options))
    if isinstance(value, Bound):
        return ("bound", value.func, argument_key(value.self))
    if isinstance(value, Super):
        return ("super", value.cls, argument_key(value.self))
    return value  # objects compare by identity; the key keeps them alive, else another might take their place


def keep(run: Run, key: Any, mark: int, table: Table, result: Value, norms: tuple[Any, ...]) -> None:
    """Remember a call that has just ended; `mark` is where it began, `table` held its variables."""
    reads = run.memory.reads
    if reads is None or len(reads) > MEMO_READS or not plain(result):
        return
    if len(run.memos) >= ALL_MEMOS:
        run.memos.clear()
    kept = run.memos.setdefault(key, [])
    if len(kept) < MEMOS:
        uses = tuple((use, follows(use)) for use in norms)
        kept.append(Memo(reads, run.memory.changes(mark, table), result, uses, run.state.get("scoped")))


def follows(use: NormUse) -> bool:
    """Whether the mode that a batch norm ran in is the one that it was put in, whatever that is at another time."""
    return use.modes is use.norm.slots.get("#mode")


def now(use: NormUse) -> NormUse:
    modes = use.norm.slots["#mode"]
    return use if modes is use.modes else replace(use, modes=modes)


def replay(run: Run, key: Any) -> Value | None:
    for memo in run.memos.get(key, ()):
        if unchanged(memo.reads):
            run.memory.apply(memo.writes)
            if run.memory.reads is not None:
                for where, entry in memo.reads.items():
                    run.memory.reads.setdefault(where, entry)
            if run.norms:
                meet(run.norms[-1], (now(use) if follows else use for use, follows in memo.norms))
            return memo.result
    return None


def plain(value: Value) -> bool:
    """Whether a result may be given out again: nothing that a caller could change."""
    if isinstance(value, (Tuple, Choice)):
        inner = value.items if isinstance(value, Tuple) else value.options
        return all(plain(item) for item in inner) and (not isinstance(value, Tuple) or value.rest is None or plain(value.rest))
    return isinstance(value, (Const, Data, Lib, Cls, Module))
