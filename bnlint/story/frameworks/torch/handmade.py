"""Own batch norms: project classes and functions that are recognised by what they compute and keep, not by name.

Each class that may be one is run once by itself, in train mode and in eval mode, on formulas (see `measuring`); what that
shows is told as a story of its own. The classes that switch between batch and averages count as batch norms everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story.events import Mode, NormUse, Story
from bnlint.story.events.handmade import FunctionalNorm, OwnNorm
from bnlint.story.frames import Frame
from bnlint.story.framework import Args
from bnlint.story.frameworks.formulas import algebra, folding, normalising, probing
from bnlint.story.frameworks.formulas.algebra import Atom
from bnlint.story.frameworks.formulas.arithmetic import Measured
from bnlint.story.frameworks.formulas.measuring import Measuring
from bnlint.story.frameworks.formulas.probing import FLAG, STATISTIC, definition, emit, functions, roles_of, write_down
from bnlint.story.frameworks.formulas.records import Record
from bnlint.story.frameworks.torch.measuring import TorchMeasuring
from bnlint.story.interpreter import calls, definitions, objects
from bnlint.story.machine import Run
from bnlint.story.nesting import children
from bnlint.story.values import (
    Choice,
    Cls,
    Const,
    Data,
    Func,
    Lib,
    Module,
    Obj,
    Scope,
    Token,
    Value,
    options,
    truth,
)  # fmt: skip

FORWARDS = ("forward", "__call__", "call")
LIBRARY_NORM = re.compile(r"\.(_?BatchNorm(\d?d)?|SyncBatchNorm|_NormBase)$")


@dataclass(slots=True)
class Profile:
    """What running a class by itself showed.

    norm: it is a batch norm for whoever holds it; holds: it is more than that, and does the work of one among others.
    """

    norm: bool = False
    holds: bool = False
    story: Story | None = None
    summary: OwnNorm | None = None
    functional: tuple[FunctionalNorm, ...] = ()


# --- what others ask -------------------------------------------------------------------------


def is_own(run: Run, obj: Obj) -> bool:
    """Whether an object of a project class is a batch norm of its own making."""
    return isinstance(obj.cls, Cls) and profile(run, obj.cls).norm


def profile(run: Run, cls: Cls) -> Profile:
    known: Profile | None = run.profiles.get(id(cls.node))
    if known is None:
        known = run.profiles[id(cls.node)] = Profile()  # also what a class finds that holds itself
        if not isinstance(run.hooks, Measuring) and candidate(run, cls):
            probe(run, cls, known)
    return known


def met(run: Run, obj: Obj, node: ir.Expr) -> None:
    """A forward runs through an object: notes for what its class shows whether a trained layer lies before it."""
    if not isinstance(obj.cls, Cls):
        return
    known = profile(run, obj.cls)
    if known.summary is not None:
        if run.memory.read(run.state, "learnt") is True:
            known.summary.inside = True
        else:
            known.summary.first = True
    if known.holds and run.norms:
        run.norms[-1][id(obj)] = NormUse(obj, run.memory.read(obj.slots, "#mode"), not obj.slots.get("#contrary"))
    for event in known.functional:
        names = {mark.name for mark in run.memory.read(obj.slots, "#mode")}
        if names == {"eval"} and event.evaluated is None:
            event.evaluated = run.place(node)
        event.trained |= names == {"train"}


# --- between stories ---------------------------------------------------------------------------

Note = tuple[bool, bool, tuple[tuple[Place | None, bool], ...]]
"""inside, first; and of each functional norm: evaluated, trained"""


def loaded(run: Run) -> None:
    """What every class shows is found out before any story asks for it, so that no story depends on another's asking."""
    for cls in list(run.classes):
        profile(run, cls)
    run.profiles["noting"] = [cls for cls in run.classes if notes_of(run, cls) is not None]


def notes_of(run: Run, cls: Cls) -> Profile | None:
    """What a class shows, where stories add to it."""
    known: Profile | None = run.profiles.get(id(cls.node))
    return None if known is None or (known.summary is None and not known.functional) else known


def notes(run: Run) -> dict[int, Note]:
    """By class, what `met` has noted since this was asked last."""
    found: dict[int, Note] = {}
    for cls in run.profiles.get("noting", run.classes):  # not every class after every story
        known = notes_of(run, cls)
        if known is None:
            continue
        own = known.summary
        by_function = tuple((event.evaluated, event.trained) for event in known.functional)
        note: Note = (own is not None and own.inside, own is not None and own.first, by_function)
        if any(note[:2]) or any(place is not None or trained for place, trained in by_function):
            found[id(cls.node)] = note
            if own is not None:
                own.inside = own.first = False
            for event in known.functional:
                event.evaluated, event.trained = None, False
    return found


def noted(run: Run, notes: dict[int, Note]) -> None:
    """Add what was noted elsewhere; a place that is known already comes first."""
    for node, (inside, first, by_function) in notes.items():
        known: Profile = run.profiles[node]
        if known.summary is not None:
            known.summary.inside |= inside
            known.summary.first |= first
        for event, (evaluated, trained) in zip(known.functional, by_function, strict=True):
            event.evaluated = event.evaluated or evaluated
            event.trained |= trained


# --- classes ---------------------------------------------------------------------------------


def candidate(run: Run, cls: Cls) -> bool:
    """Whether a class is worth running by itself: it has a forward, and its text speaks of moments."""
    libraries = [base.name for base in cls.order if isinstance(base, Lib)]
    if forward_of(run, cls) is None or not all(name.startswith(("torch.nn.", "builtins.", "abc.")) for name in libraries):
        return False
    module = any(name.startswith("torch.nn.") for name in libraries)
    wanted = run.moments if module else run.statistics
    own = [value for base in cls.order if isinstance(base, Cls) for value in base.table.values() if isinstance(value, Func)]
    return any(id(func.node) in wanted for func in own)


def forward_of(run: Run, cls: Cls) -> Func | None:
    for name in FORWARDS:
        found = objects.find(run, cls.order, name)
        if isinstance(found, Func):
            return found
    return None


def probe(run: Run, cls: Cls, known: Profile) -> None:
    """Run a class by itself and write down what it shows."""
    hooks = TorchMeasuring(run.hooks, None)
    passes: dict[str, Record] = {}
    shape: list[bool] = []
    body = partial(run_class, run, hooks, cls, passes, shape)
    known.story = probing.probe(run, hooks, cls.module, cls.name, body)
    if len(passes) == 2:
        conclude(run, cls, known, passes, shape, hooks.by_grad)


def run_class(run: Run, hooks: Measuring, cls: Cls, passes: dict[str, Record], shape: list[bool]) -> None:
    run.frames.append(Frame(Scope(cls.module.table, None, cls.module), None, "<module>", 0, None))
    at = ir.Name(cls.node.at, cls.node.at + len(cls.name), cls.name)
    made = definitions.instantiate(run, cls, Args(), at)
    forward = forward_of(run, cls)
    if not isinstance(made, Obj) or forward is None:
        return
    hooks.owner = made
    keep(run, made)
    shape.append(not any(True for _ in children(made)))
    shape.append(any(isinstance(name, str) and STATISTIC.search(name) for name in made.slots))
    for mode in ("train", "eval"):
        mark = run.memory.mark()
        if "#mode" in made.slots:
            run.memory.write(made.slots, "#mode", frozenset({Mode(mode, -1)}))
        record = hooks.record = Record()
        hooks.training = mode == "train"
        calls.call_function(run, forward, arguments(hooks, forward, made), at)
        run.memory.undo(mark)
        passes[mode] = record


def keep(run: Run, made: Obj) -> None:
    """The module's own tensors become names in formulas."""
    for name, value in list(made.slots.items()):
        if isinstance(name, str) and not name.startswith("#") and is_tensor(name, value):
            form = Measured(algebra.single(Atom(made.serial, name, kept=True)), name)
            kept = Data(kind="buffer", symbol=("slot", made.serial, name), label=name, form=form)
            run.memory.write(made.slots, name, kept)


def is_tensor(name: str, value: Value) -> bool:
    if isinstance(value, Choice):
        return any(is_tensor(name, option) for option in value.options)
    if isinstance(value, Obj):
        return value.lib == "torch.nn.Parameter"
    if type(value) is Data:
        made = any(token.kind in ("constant", "noise") for token in value.flow)
        return made or value.kind in ("buffer", "tensor") or STATISTIC.search(name) is not None
    return type(value) is Const and value.value is None and STATISTIC.search(name) is not None


def arguments(hooks: Measuring, func: Func, owner: Value | None) -> Args:
    """Arguments that say what they are: the first is data, those that ask for the mode are followed."""
    positional: list[Value] = [owner] if owner is not None else []
    keywords: dict[str, Value] = {}
    hooks.flags = {}
    params = func.node.params.items[len(positional) :]
    for place, param in enumerate(params):
        if param.kind in ("star", "double_star"):
            continue
        symbol = ("measured", id(func.node), param.name)
        default = func.defaults[place + len(positional)]
        if FLAG.match(param.name):
            hooks.flags[param.name] = symbol
            keywords[param.name] = Data(frozenset({Token("flag", param.name)}), symbol=symbol, label=param.name)
        elif default is None and (place == 0 or hooks.owner is None):
            form = Measured(algebra.single(Atom(symbol, param.name)), param.name if hooks.owner is None else None)
            keywords[param.name] = Data(symbol=symbol, label=param.name, kind="tensor", form=form)
    return Args(tuple(positional), keywords)


# --- conclusions -----------------------------------------------------------------------------


def conclude(run: Run, cls: Cls, known: Profile, passes: dict[str, Record], shape: list[bool], by_grad: bool) -> None:
    assert known.story is not None
    leaf, named = shape
    story = known.story
    module = any(isinstance(base, Lib) and base.name.startswith("torch.nn.") for base in cls.order)
    train, evaluation = passes["train"], passes["eval"]
    kept = normalising.averages(train.updates, True)
    roles = roles_of(kept)
    in_train = normalising.normalisations(train.steps, roles, True)
    in_eval = normalising.normalisations(evaluation.steps, roles, True)
    batch = any(one.centre == "batch" and one.scale == "batch" and (one.sure or kept) for one in in_train)
    running = any(one.centre == "running" and one.scale == "running" for one in in_eval)
    still = any(one.scale == "batch" for one in in_eval)
    by_function = functional(story, cls.name, passes)
    switching = any(event.flag is not False and event.mode == "train" for event in by_function) and any(
        event.flag is False and event.mode == "eval" for event in by_function
    )
    at = definition(run, cls)
    if in_train or in_eval or kept:
        known.summary = OwnNorm(
            len(story.events), at, cls.name, module, bool(kept), batch and running and not still, batch,
            any(one.affine for one in [*in_train, *in_eval]), bool(train.updates) or named,
        )  # fmt: skip
        story.events.append(known.summary)
    passes_of = {"train": (in_train, train.steps), "eval": (in_eval, evaluation.steps)}
    write_down(story, cls.name, kept, passes_of, graphs=True)
    known.functional = tuple(by_function)
    switching |= batch and running and not still and bool(kept)
    switching &= module and not by_grad
    known.norm, known.holds = leaf and switching, not leaf and switching
    folding.assigned(story, [*train.assigned, *evaluation.assigned])


def functional(story: Story, owner: str, passes: dict[str, Record]) -> list[FunctionalNorm]:
    """The calls of `functional.batch_norm` with statistics that are kept."""
    found: list[FunctionalNorm] = []
    for mode, record in passes.items():
        for one in record.applied:
            if one.kept and not (owner and one.borrowed):
                answers = {truth(option) for option in options(one.flag)} if one.flag is not None else {False}
                flag = answers.pop() if len(answers) == 1 else None
                facts = {"owner": owner, "flag": flag, "given": one.flag is not None, "mode": mode, "dropped": one.dropped}
                found.append(emit(story, FunctionalNorm, one.where, **facts))
    return found


# --- functions -------------------------------------------------------------------------------


def stories(run: Run) -> Iterator[Story]:
    """The stories of all own batch norms, and of the functions that work with statistics by themselves."""
    told: set[int] = set()
    for cls in run.classes:
        known, forward = profile(run, cls), forward_of(run, cls)
        if known.story is not None and known.story.events and forward is not None and id(forward.node) not in told:
            told.add(id(forward.node))  # once, for the class that defines it
            yield known.story
    for module in list(run.modules.values()):
        if probing.of_tensorflow(module):
            continue
        for owner, func in functions(module):
            if worth_running(run, func):
                story = alone(run, module, owner, func)
                if story.events:
                    yield story


def worth_running(run: Run, func: Func) -> bool:
    """A function that names statistics, or takes moments and asks for the mode, and that no class has shown already."""
    if id(func.node) in run.probed:
        return False
    asks = id(func.node) in run.moments and any(FLAG.match(param.name) for param in func.node.params.items)
    return asks or id(func.node) in run.statistics


def alone(run: Run, module: Module, owner: Cls | None, func: Func) -> Story:
    """Run a function by itself on formulas: folding, conversions, a batch norm written as a function."""
    hooks = TorchMeasuring(run.hooks, None)
    name = f"{owner.name}.{func.name}" if owner is not None else func.name
    story = probing.probe(run, hooks, module, name, partial(run_function, run, hooks, module, owner, func))
    record = hooks.record
    functional(story, "", {"any": record})
    folding.assigned(story, record.assigned)
    if not folding.folded(story, record):
        own_function(story, func.name, record)
    return story


def run_function(run: Run, hooks: Measuring, module: Module, owner: Cls | None, func: Func) -> None:
    run.frames.append(Frame(Scope(module.table, None, module), None, "<module>", 0, None))
    at = ir.Name(func.node.start, func.node.start, func.name)
    first: Value | None = None
    if owner is not None and func.kind != "static":
        first = owner if func.kind == "class" else definitions.instantiate(run, owner, Args(), at)
    calls.call_function(run, func, arguments(hooks, func, first), at)


def own_function(story: Story, name: str, record: Record) -> None:
    """A batch norm that is a function: it gives back averages that it updated."""
    kept = normalising.averages(record.updates, False)
    kinds = {one.kind for one in kept}
    if "mean" not in kinds or len(kinds) < 2:
        return
    roles = roles_of(kept)
    found = normalising.normalisations(record.steps, roles, False)
    if not any(one.scale == "batch" for one in found):
        return
    summary = emit(
        story, OwnNorm, found[0].where, name=name, module=False, keeps=True,
        switches=any(one.scale == "running" for one in found), batch=True, affine=any(one.affine for one in found),
    )  # fmt: skip
    summary.inside = True
    write_down(story, name, kept, {"train": (found, record.steps)}, graphs=True)
