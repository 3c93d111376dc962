"""Weight decay in TensorFlow graphs: penalties on variables, and whether these belong to a batch norm.

Facts: TensorFlow 1.15 ("tf.trainable_variables" holds gamma and beta; "tf.contrib.layers.apply_regularization" and a
regularizer object take a penalty of what they are given).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Decayed, GraphNorm
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow.graph import Graphs, collect, of_kind, op
from bnlint.story.interpreter import iteration
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Data, Lib, Obj, Value, options

PENALTIES = frozenset({"tensorflow.nn.l2_loss"})
REGULARIZERS = frozenset({"slim.l2_regularizer", "slim.l1_l2_regularizer", "slim.regularizers.l2_regularizer"})
MADE = "slim.l2_regularizer"
AFFINE = "#affine"
"""slot of a variable that a normalisation of the program's own scales or shifts with"""


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    """`tf.nn.l2_loss(v)`, `l2_regularizer(scale)`, `apply_regularization(regularizer, variables)`"""
    if name in PENALTIES:
        return penalty(run, graphs, args.get(0, "t") or UNKNOWN, args, node, "l2_loss")
    if name in REGULARIZERS:
        return run.allocate(Lib(MADE), node)
    if name == "slim.apply_regularization":
        given = args.get(1, "weights_list")
        known = iteration.elements(run, given, node)[0] if isinstance(given, Obj) else []
        return penalty(run, graphs, known, args, node, "apply_regularization")
    return None


def apply(run: Run, graphs: Graphs, obj: Obj, args: Args, node: ir.Call) -> Value | None:
    """A regularizer is called with a variable."""
    return penalty(run, graphs, args.get(0) or UNKNOWN, args, node, "l2_regularizer") if obj.lib == MADE else None


def penalty(run: Run, graphs: Graphs, given: Value | list[Value], args: Args, node: ir.Call, how: str) -> Data:
    """A penalty of some variables. One event stands for all that a place in the text takes."""
    made = op(run, args.all())
    values = given if isinstance(given, list) else list(options(given))
    norms = [norm for value in values for norm in concerned(value)]
    if not norms:
        return made
    graph = graphs.current(run)
    key = ("decay", run.place(node))
    event = graph.slots.get(key)
    if not isinstance(event, Decayed):
        event = run.emit(Decayed, node, how=how, norms=())
        run.memory.write(graph.slots, key, event)
    event.norms = (*event.norms, *(norm for norm in norms if norm not in event.norms))
    # where a name is not known, what is asked of it is not either
    exact = values is given or len(values) == 1
    event.sure |= exact and (not run.forks or all(named(value) for value in values))
    run.loud += 1
    return replace(made, flow=made.flow | {event.token}, grad=made.grad | {event.token})


def concerned(value: Value) -> list[Obj]:
    """The batch norm whose scale or shift a value is; or the variable itself, in a normalisation of the program's own."""
    found: list[Obj] = [value] if isinstance(value, Obj) else []
    if type(value) is Data:
        found = [token.ref for token in of_kind(collect(value)[0], "variable")]
    norms: list[Obj] = []
    for made in found:
        norm = made.slots.get("#norm")
        if isinstance(norm, GraphNorm) and not made.slots.get("#average"):
            norms.append(norm.norm)
        elif made.slots.get(AFFINE):
            norms.append(made)
    return norms


def named(value: Value) -> bool:
    """Whether the name of a variable is known."""
    return isinstance(value, Obj) and "?" not in value.slots.get("#name", "?")


def scaled(run: Run, values: list[Value | None]) -> None:
    """The scale and shift that `tf.nn.batch_normalization` is given."""
    for value in values:
        for option in options(value) if value is not None else ():
            if isinstance(option, Obj) and option.lib == "tensorflow.Variable":
                run.memory.write(option.slots, AFFINE, True)
