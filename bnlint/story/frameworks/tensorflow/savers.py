"""Savers of TensorFlow 1: which batch norms they save or restore with their moving averages, and which without.

Facts: TensorFlow 1.15, "tf.train.Saver" (without `var_list` everything), "tf.trainable_variables" (gamma and beta, but not
the moving mean and variance).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import SaverBuilt
from bnlint.story.events.graph import GraphNorm
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow.graph import Graphs
from bnlint.story.interpreter import iteration
from bnlint.story.machine import Run
from bnlint.story.values import Choice, Const, Lib, Obj, Tuple, Value

SAVERS = frozenset({"tensorflow.train.Saver", "tensorflow.train.experimental.Saver", "slim.assign_from_checkpoint_fn"})
DEPTH = 3
SAVER = "#saver"


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    """A saver; or a function that restores what it is given."""
    if name not in SAVERS:
        return None
    restores = name.startswith("slim.")
    given = args.get(1, "var_list") if restores else args.get(0, "var_list")
    made = None if restores else run.allocate(Lib(name), node)
    graph = graphs.current(run)
    if given is None or (type(given) is Const and given.value is None):
        if args.star is not None or args.double_star is not None:
            return made
        event = run.emit(SaverBuilt, node, graph=graph, whole=True, given=run.path())
    else:
        scales: dict[Obj, GraphNorm] = {}
        averaged: set[Obj] = set()
        collect(run, given, scales, averaged, DEPTH)
        lacking = tuple(scales.values()) if not averaged else ()  # a long list is not known to its end
        event = run.emit(SaverBuilt, node, graph=graph, lacking=lacking, held=frozenset(averaged), given=run.path())
    if made is None:
        event.used.add("restore")
    else:
        made.slots[SAVER] = event
    return made


def method(run: Run, owner: Obj, name: str) -> None:
    """What is done with a saver."""
    event = owner.slots.get(SAVER)
    if isinstance(event, SaverBuilt) and name in ("save", "restore"):
        event.used.add(name)
        run.loud += 1


def collect(run: Run, value: Value | None, scales: dict[Obj, GraphNorm], averaged: set[Obj], depth: int) -> None:
    """The batch norms whose scale is among some variables, and those whose averages are."""
    if isinstance(value, Obj) and value.lib == "tensorflow.Variable":
        norm = value.slots.get("#norm")
        if isinstance(norm, GraphNorm):
            if value.slots.get("#average"):
                averaged.add(norm.norm)
            else:
                scales[norm.norm] = norm
        return
    if not depth:
        return
    parts: list[Value] = []
    if isinstance(value, Choice):
        parts = list(value.options)
    elif isinstance(value, Tuple):
        parts = [*value.items, *([value.rest] if value.rest is not None else [])]
    elif isinstance(value, Obj) and value.lib in ("list", "set"):
        known, rest = iteration.list_parts(run, value)
        parts = [*known, *([rest] if rest is not None else [])]
    elif isinstance(value, Obj) and value.lib == "dict":
        parts = iteration.dict_values(value)
    for part in parts:
        collect(run, part, scales, averaged, depth - 1)
