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
from bnlint.story.values import Choice, Const, Obj, Tuple, Value

SAVERS = frozenset({"tensorflow.train.Saver", "tensorflow.train.experimental.Saver", "slim.assign_from_checkpoint_fn"})
DEPTH = 3


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    """Write down a saver; what the call gives is none of this room's business."""
    if name not in SAVERS:
        return None
    given = args.get(1, "var_list") if name.startswith("slim.") else args.get(0, "var_list")
    if given is None or (type(given) is Const and given.value is None):
        if args.star is None and args.double_star is None:
            run.emit(SaverBuilt, node, whole=True)
        return None
    scales: dict[Obj, GraphNorm] = {}
    averaged: set[Obj] = set()
    collect(run, given, scales, averaged, DEPTH)
    lacking = tuple(scales.values()) if not averaged else ()  # a long list is not known to its end
    run.emit(SaverBuilt, node, lacking=lacking, held=frozenset(averaged), restores=name.startswith("slim."))
    return None


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
