"""Variables that hold statistics of an own batch norm, and whether the solver may change them.

A name alone is no proof: a learned mean of a policy is called so too. Proof is what happens to the variable: it is assigned
a moving average, or batch normalisation normalises with it.
"""

from __future__ import annotations

import re

from bnlint.program import model as ir
from bnlint.story.events import StateParameter
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow.graph import Graphs, below, collect, of_kind, shown, surroundings
from bnlint.story.frameworks.tensorflow.layers import variable
from bnlint.story.interpreter import conditions
from bnlint.story.machine import Run
from bnlint.story.values import Cls, Data, Obj, Value, options

STATISTIC = re.compile(
    r"(^|_|/)(moving|running|pop|population|ema|mov|global|avg|average|r)_?(mean|mu|var|variance|std|sigma)s?\d*$", re.I
)
NORM = re.compile(r"(norm|bn\b|^bn|_bn|batchnorm)", re.I)

MAKERS = {
    "tensorflow.Variable": (None, 1, "name"),
    "tensorflow.get_variable": (0, 5, "name"),
    "slim.variable": (0, 5, "name"),
    "slim.model_variable": (0, 5, "name"),
}
"""how a variable is made -> positions of its name and of `trainable` (TensorFlow 1.15)"""


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    """`tf.Variable(...)`, `tf.get_variable(...)`"""
    maker = MAKERS.get(name)
    if maker is None:
        return None
    at, flag_at, keyword = maker
    given = args.get(at, keyword)
    last = shown(given)
    flag = args.get(flag_at, "trainable")
    decided = True if flag is None else conditions.decide(run, flag)[0]
    if args.double_star is not None and flag is None:
        decided = None
    path = below(surroundings(run).variables, last)
    made = variable(run, graphs, f"{path}:0", decided is not False, node)
    if name != "tensorflow.Variable":
        made.slots["#graph"] = True  # there are no such variables in eager code
    if decided is True and "#statistic" not in made.slots:
        event = run.emit(
            StateParameter, node, kind="variable", name=last if last != "?" else "", certain=True,
            detail=name.rpartition(".")[2], withdrawn=True,
        )  # fmt: skip
        made.slots["#statistic"] = event
        made.slots["#evidence"] = {"norm"} if in_norm(run) else set()
        if STATISTIC.search(last):
            made.slots["#evidence"].add("name")
        prove(made)
    return made


def in_norm(run: Run) -> bool:
    """Whether the function or class that runs now is a normalisation by its name."""
    frame = run.frame
    owner = frame.self_value
    names = [frame.name]
    if isinstance(owner, Obj) and isinstance(owner.cls, Cls):
        names.append(owner.cls.name)
    return any(NORM.search(name) for name in names)


def named(value: Value, attr: str) -> None:
    """A variable was stored under a name of its own."""
    if isinstance(value, Obj) and "#statistic" in value.slots:
        if STATISTIC.search(attr):
            value.slots["#evidence"].add("name")
        if not value.slots["#statistic"].name:
            value.slots["#statistic"].name = attr
        prove(value)


def assigned(owner: Value) -> None:
    """A variable is assigned a value by an op."""
    note(owner, "assigned")


def normalises(args: Args, first: int) -> None:
    """`tf.nn.batch_normalization(x, mean, variance, ...)`; `first`: the position of the mean."""
    for value in (args.get(first, "mean"), args.get(first + 1, "variance")):
        if value is not None:
            note(value, "used")


def note(value: Value, what: str) -> None:
    found: list[Obj] = [option for option in options(value) if isinstance(option, Obj)]
    for option in options(value):
        tokens = of_kind(collect(option)[0], "variable") if type(option) is Data else frozenset()
        if len(tokens) == 1:  # a copy of one variable; more are a computation
            found.extend(token.ref for token in tokens)
    for owner in found:
        if "#statistic" in owner.slots:
            owner.slots["#evidence"].add(what)
            prove(owner)


def prove(made: Obj) -> None:
    evidence = made.slots["#evidence"]
    event = made.slots["#statistic"]
    if {"assigned", "used"} <= evidence or ("name" in evidence and evidence & {"assigned", "used", "norm"}):
        event.withdrawn = False
        event.certain = bool(evidence & {"assigned", "used"})

