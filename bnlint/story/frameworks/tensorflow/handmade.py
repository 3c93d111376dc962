"""Own batch norms of TensorFlow and Keras: functions and classes that are recognised by what they compute and keep.

Each function that may be one is run by itself on formulas (see `measuring`), once as in training and once as in evaluation;
so is each class that is called. What that shows is told as a story of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from bnlint.program import model as ir
from bnlint.story.events import Story, Where
from bnlint.story.events.handmade import Averaged, OwnNorm
from bnlint.story.frames import Frame
from bnlint.story.framework import Args
from bnlint.story.frameworks.formulas import algebra, folding, normalising, probing
from bnlint.story.frameworks.formulas.algebra import Atom, Moment
from bnlint.story.frameworks.formulas.arithmetic import Measured
from bnlint.story.frameworks.formulas.probing import FLAG
from bnlint.story.frameworks.formulas.records import Record
from bnlint.story.frameworks.tensorflow.graph import Graphs
from bnlint.story.frameworks.tensorflow.measuring import GraphMeasuring
from bnlint.story.interpreter import calls, definitions
from bnlint.story.machine import Run
from bnlint.story.values import NONE, Cls, Const, Data, Func, Module, Obj, Scope, Value

CALLED = ("__call__", "call")


def stories(run: Run, graphs: Graphs) -> Iterator[Story]:
    """The stories of all that may be an own batch norm, by functions and classes."""
    for module in list(run.modules.values()):
        if not probing.of_tensorflow(module):
            continue
        for owner, func in sorted(probing.functions(module), key=lambda pair: pair[1].name not in CALLED):
            if id(func.node) in run.graphs and id(func.node) not in run.probed:
                story = alone(run, module, owner, func, graphs)
                if story.events:
                    yield story


def alone(run: Run, module: Module, owner: Cls | None, func: Func, graphs: Graphs) -> Story:
    """Run a function, or a method of a fresh object, in both modes."""
    hooks = GraphMeasuring(run.hooks, None)
    called = owner is not None and func.name in CALLED
    name = owner.name if owner is not None and (called or func.name == "__init__") else func.name
    passes: dict[str, Record] = {}
    story = probing.probe(run, hooks, module, name, partial(run_twice, run, hooks, module, owner, func, passes))
    if len(passes) == 2:
        record = passes["eval"]
        if folding.folded(story, record):
            return story
        at = probing.definition(run, owner) if owner is not None and called else place_of(run, module, func)
        # one that does not ask for the mode may be what its caller chooses for training
        inside = id(func.node) in (graphs.applied if hooks.asks or called else graphs.always)
        conclude(story, name, at, passes, inside)
        for event in story.of(Averaged):
            event.name = hooks.titles.get(event.name, event.name)
    return story


def run_twice(
    run: Run, hooks: GraphMeasuring, module: Module, owner: Cls | None, func: Func, passes: dict[str, Record]
) -> None:
    """An object is called for training first, for evaluation then: what it stored is there still."""
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    at = ir.Name(func.node.start, func.node.start, func.name)
    first: Value | None = None
    hooks.record = Record()
    if owner is not None and func.kind != "static":
        first = owner if func.kind == "class" else instance(run, hooks, owner, func, at)
    for mode in ("train", "eval"):
        hooks.record = passes[mode] = Record()
        hooks.training = mode == "train"
        if isinstance(first, Obj):
            for slot, value in list(first.slots.items()):
                if isinstance(slot, str) and FLAG.match(slot) and type(value) in (Const, Data):
                    run.memory.write(first.slots, slot, hooks.flag(slot))
        calls.call_function(run, func, arguments(hooks, func, first), at)


def instance(run: Run, hooks: GraphMeasuring, owner: Cls, func: Func, at: ir.Expr) -> Value:
    """What a method is called on: a layer that was made and built; of a class that does more than that, a bare object."""
    if func.name not in CALLED:
        return run.allocate(owner, at)
    init, build = owner.table.get("__init__"), owner.table.get("build")
    given = Args((), arguments(hooks, init, owner).keywords) if isinstance(init, Func) else Args()
    made = definitions.instantiate(run, owner, given, at)
    if isinstance(made, Obj) and isinstance(build, Func) and func.name == "call":
        calls.call_function(run, build, arguments(hooks, build, made), at)
    return made


def arguments(hooks: GraphMeasuring, func: Func, owner: Value | None) -> Args:
    """Arguments that say what they are: data and numbers by their names, the mode of this pass where it is asked for."""
    positional: list[Value] = [owner] if owner is not None else []
    keywords: dict[str, Value] = {}
    for place, param in enumerate(func.node.params.items):
        if param.kind in ("star", "double_star") or place < len(positional):
            continue
        if FLAG.match(param.name):
            keywords[param.name] = hooks.flag(param.name)
            continue
        symbol, default = ("measured", id(func.node), param.name), func.defaults[place]
        given = Data(symbol=symbol, label=param.name)
        if default is None or (place == len(positional) and default == NONE):
            form = Measured(algebra.single(Atom(symbol, param.name)))
            keywords[param.name] = replace(given, kind="tensor", form=form)
        elif type(default) is Const and (default.value is None or isinstance(default.value, bool)):
            keywords[param.name] = given  # an option of the layer: either may be meant
    return Args(tuple(positional), keywords)


def place_of(run: Run, module: Module, func: Func) -> Where:
    node = func.node
    at = node.at if isinstance(node, ir.Function) else node.start
    return Where(run.place(ir.Name(at, at + len(func.name), func.name), module), (), (), ("<module>",), 0)


def conclude(story: Story, name: str, at: Where, passes: dict[str, Record], applied: bool) -> None:
    train, evaluation = passes["train"], passes["eval"]
    kept = normalising.averages([*train.updates, *evaluation.updates], True)
    roles = probing.roles_of(kept)
    in_train = normalising.normalisations(train.steps, roles, True)
    in_eval = normalising.normalisations(evaluation.steps, roles, True)
    if not (in_train or in_eval or kept):
        return
    batch = any(one.centre == "batch" and one.scale == "batch" and (one.sure or kept) for one in in_train)
    running = any(one.centre == "running" and one.scale == "running" for one in in_eval)
    still = any(one.scale == "batch" for one in in_eval)
    probing.emit(
        story, OwnNorm, at, name=name, module=True, keeps=bool(kept), switches=batch and running and not still, batch=batch,
        affine=any(one.affine for one in [*in_train, *in_eval]), stateful=bool(train.updates or evaluation.updates),
        inside=applied or behind_weights(train),
    )  # fmt: skip
    both = {"train": (in_train, train.steps), "eval": (in_eval, evaluation.steps)}
    probing.write_down(story, name, kept, both, graphs=False)


def behind_weights(record: Record) -> bool:
    """Whether moments are taken of what a layer gave that stands in the same function."""
    return any(
        (isinstance(atom, Atom) and (atom.kept or (isinstance(atom.owner, tuple) and atom.owner[:1] == ("op",))))
        for step in record.steps
        for leaf in algebra.leaves(step.formula)
        if isinstance(leaf, Moment)
        for atom in algebra.leaves(leaf.of)
    )
