"""Running a class or function by itself on formulas, and writing down what that shows: what all frameworks do alike.

What a probe shows is told as a story of its own, after all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from bnlint.program import model as ir
from bnlint.story.events import Event, Story, Where
from bnlint.story.events.handmade import Averaged, Normalised, Renormalised
from bnlint.story.frameworks.formulas import algebra, normalising
from bnlint.story.frameworks.formulas.measuring import Measuring
from bnlint.story.frameworks.formulas.records import Step
from bnlint.story.interpreter import importing
from bnlint.story.machine import Run
from bnlint.story.values import Cls, Func, Lib, Module

FLAG = re.compile(r"^(is_?|bn_|phase_)?(train|training|train_mode|train_phase|is_training|test|testing)$")
STATISTIC = re.compile(r"(running|moving|population|pop|global|ema)_?(mean|mu|var|variance|std|avg)")

TENSORFLOW = frozenset({"tensorflow", "keras", "slim"})

Passes = dict[str, tuple[list[normalising.Normalisation], list[Step]]]
"""by mode: the normalisations of a pass, and its steps"""


def probe(run: Run, hooks: Measuring, module: Module, name: str, body: Callable[[], object]) -> Story:
    """Run `body` with these hooks, apart from all else; the story is empty, for its events were those of the machine."""
    before, reached = run.hooks, run.reached
    run.hooks, run.reached = hooks, set()
    try:
        with run.apart(module.path, name, bound=False) as story:
            run.stories.remove(story)
            importing.guarded(run, name, body)
            run.memory.undo(0)
    finally:
        run.probed |= run.reached
        run.hooks, run.reached = before, reached
    story.events.clear()
    story.exhausted = False
    return story


def functions(module: Module) -> Iterator[tuple[Cls | None, Func]]:
    """The functions and methods that a module defines."""
    for value in list(module.table.values()):
        if isinstance(value, Func) and value.scope.module is module:
            yield None, value
        elif isinstance(value, Cls) and value.module is module:
            yield from ((value, part) for part in list(value.table.values()) if isinstance(part, Func))


def of_tensorflow(module: Module) -> bool:
    """Whether a module's names are those of TensorFlow or Keras, and not of PyTorch."""
    roots = {value.name.partition(".")[0] for value in module.table.values() if isinstance(value, Lib)}
    return not TENSORFLOW.isdisjoint(roots) and "torch" not in roots


def definition(run: Run, cls: Cls) -> Where:
    """The name of a class, as a place."""
    node = ir.Name(cls.node.at, cls.node.at + len(cls.name), cls.name)
    return Where(run.place(node, cls.module), (), (), ("<module>",), 0)


def emit(story: Story, kind: type[Any], where: Where, /, **facts: Any) -> Any:
    event: Event = kind(len(story.events), where, **facts)
    story.events.append(event)
    return event


def roles_of(kept: list[normalising.Average]) -> normalising.Roles:
    return {one.name: "std" if one.kind.startswith("std") else one.kind for one in kept}


def write_down(story: Story, name: str, kept: list[normalising.Average], passes: Passes, *, graphs: bool) -> None:
    """The events of averages and normalisations; `graphs`: whether an average may keep the graph of its moments."""
    for one in kept:
        total, certain = normalising.total(one)
        around = " ".join(sorted({atom.name for atom in algebra.atoms(one.moment.around or frozenset())}))
        eps = one.kind == "var" and bool(one.more) and all(value > 0 for _, value in one.more)
        emit(
            story, Averaged, one.where, own=name, name=one.name, kind=one.kind, total=total, certain=certain,
            gradient=graphs and not one.moment.cut, around=around, eps=eps, moment=one.moment.place,
        )  # fmt: skip
    for mode, (found, steps) in passes.items():
        for each in found:
            root = normalising.first_seen(each.root, steps) or each.where.place
            corrections = tuple(
                Renormalised(one.kind, one.cut, one.clipped, one.place)
                for one in sorted(each.corrections, key=lambda one: one.kind)
                if one.place is not None
            )
            emit(
                story, Normalised, each.where, own=name, mode=mode, centre=each.centre, scale=each.scale, eps=each.eps,
                detached=each.detached, root=root, corrections=corrections,
            )  # fmt: skip
