"""What momentum a batch norm was told, whatever its framework calls it, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bnlint.findings import Change, Confidence, Cure, Drop, Edit, Place, Step
from bnlint.judging import sites
from bnlint.judging.modes import names
from bnlint.program import model as ir
from bnlint.story import Story
from bnlint.story.events import Built, Event, Forward, MomentumSet, Where
from bnlint.story.values import Obj, Value, number

TORCH = (
    "torch.nn.BatchNorm1d", "torch.nn.BatchNorm2d", "torch.nn.BatchNorm3d", "torch.nn.SyncBatchNorm",
    "torch.nn.LazyBatchNorm1d", "torch.nn.LazyBatchNorm2d", "torch.nn.LazyBatchNorm3d",
)  # fmt: skip
COMPLEMENT = ("keras.layers.BatchNormalization", "tensorflow.layers.batch_normalization", "slim.batch_norm")
"""layers whose momentum is the share of the old average, where torch's is that of the new batch"""


@dataclass(frozen=True, slots=True)
class Told:
    """A batch norm, the momentum it was given, and whether that is torch's share of the new batch."""

    where: Where
    lib: str
    obj: Obj | None
    arguments: Mapping[str, tuple[Value, object]]
    """the arguments of the constructor; none where the momentum was set afterwards"""
    value: float
    torch: bool
    confidence: Confidence
    trace: tuple[Step, ...]


def told(story: Story) -> Iterator[Told]:
    """Each batch norm whose momentum is known, once for each place and value."""
    seen: set[object] = set()
    afterwards = {event.norm for event in story.of(MomentumSet)}
    for event in story.of(Built):
        if event.obj in afterwards:
            continue
        given = event.arguments.get("momentum") or event.arguments.get("decay")
        torch = event.lib in TORCH
        known = number(given[0]) if given is not None else None
        if known is None or not (torch or event.lib in COMPLEMENT):
            continue
        shared = given is not None and given[1] is event.call  # a scope gives it to many layers
        key = ("shared" if shared else event.where.place, known[0])
        if key in seen:
            continue
        seen.add(key)
        trace = calls(event)
        sure: Confidence = "likely" if known[1] else "certain"
        yield Told(event.where, event.lib, event.obj, event.arguments, float(known[0]), torch, sure, trace)
    if afterwards:
        yield from told_afterwards(story)


def told_afterwards(story: Story) -> Iterator[Told]:
    """Batch norms of torch whose momentum is set once they are built, to the one value that it keeps.

    One that is set twice is put back, or follows a schedule; one that was trained before is frozen on purpose, and so may be
    one whose network came with trained weights, or that is in eval mode while the rest is trained.
    """
    by_norm: dict[Obj, list[MomentumSet]] = {}
    for event in story.of(MomentumSet):
        by_norm.setdefault(event.norm, []).append(event)
    trained: dict[object, int] = {}
    frozen: set[object] = set()
    for forward in story.of(Forward):
        if "training" in forward.purposes:
            for use in forward.norms:
                for norm in (use.norm, use.norm.slots.get("<norms>")):  # the latter stands for those of a library's network
                    trained.setdefault(norm, forward.number)
                    frozen |= {norm} if names(use) == {"eval"} else set()
    seen: set[object] = set()
    for norm, events in by_norm.items():
        first = events[0]
        known = number(first.value)
        whole = norm.slots.get("#part_of")
        learnt = any(holder.slots.get(slot) for holder in (norm, whole) if isinstance(holder, Obj) for slot in LEARNT)
        if known is None or any(event.value != first.value for event in events) or learnt or norm in frozen:
            continue
        if trained.get(norm, first.number) < first.number or (first.where.place, known[0]) in seen:
            continue
        seen.add((first.where.place, known[0]))
        lib = norm.lib if norm.lib in TORCH else TORCH[0]
        yield Told(first.where, lib, norm, {}, float(known[0]), True, "likely", calls(first))


def calls(event: Event) -> tuple[Step, ...]:
    return tuple(Step("called from here", place) for place in event.where.calls[-1:] if place != event.where.place)


LEARNT = ("#pretrained", "#loaded")


def never_read(story: Story, norm: object) -> bool:
    """Whether a batch norm runs, but never in eval mode: nothing depends on its averages."""
    uses = [use for forward in story.of(Forward) for use in forward.norms if use.norm is norm]
    return (bool(uses) or story.test) and not any("eval" in names(use) for use in uses)


DEFAULT = 0.1
"""torch 2.13"""


def chosen(story: Story) -> dict[int, float | None]:
    """The momentum that each torch batch norm was given, by the identity of the object; None where it is not known."""
    found: dict[int, float | None] = {}
    for event in story.of(Built):
        given = event.arguments.get("momentum")
        if given is not None and event.obj is not None and event.lib in TORCH:
            known = number(given[0])
            found[id(event.obj)] = float(known[0]) if known is not None else None
    return found


DEFAULTS = {"keras.layers.BatchNormalization": 0.99, "tensorflow.layers.batch_normalization": 0.99, "slim.batch_norm": 0.999}
"""Keras 2.15 and 3.15, TensorFlow 1.15"""


def kept(story: Story) -> dict[int, float]:
    """The share of the old average that each batch norm of Keras and TensorFlow keeps in a step, where it is known."""
    found: dict[int, float] = {}
    for event in story.of(Built):
        if event.obj is None or event.lib not in DEFAULTS:
            continue
        given = event.arguments.get("momentum") or event.arguments.get("decay")
        known = number(given[0]) if given is not None else (DEFAULTS[event.lib], False)
        if known is not None:
            found[id(event.obj)] = float(known[0])
    return found


def complement(value: float) -> str:
    """The same momentum in the other convention, as people write it."""
    return f"{(1 - Decimal(repr(value))).normalize():f}"


def swapped(story: Story, told: Told) -> Cure | None:
    """`1 - value` where the number stands in the call itself, or is a constant of its module."""
    given = told.arguments.get("momentum") or told.arguments.get("decay")
    found = sites.call_site(story, told.where.place)
    if given is None or found is None or not any(arg.value is given[1] for arg in found[1].args):
        return None
    site, expr = found[0], given[1]
    if isinstance(expr, ir.Const) and isinstance(expr.value, float) and 0 < expr.value < 1:
        other = complement(expr.value)
    elif isinstance(expr, ir.Name) and sites.module_constant(site, expr.id):
        other = f"1 - {expr.id}"
    else:
        return None
    return Cure(f"write {other}", "unsafe", (Edit(site.place(expr), other),))


def as_eps(story: Story, place: Place, expr: ir.Expr, value: float | None) -> Cure | None:
    """`momentum=` in front of a momentum that landed in the position of eps; a number of channels goes."""
    found = sites.call_site(story, place)
    if found is None:
        return None
    site, call = found
    at = next((at for at, arg in enumerate(call.args) if arg.value is expr), None)
    behind = call.args[at + 1 :] if at is not None else ()
    if at is None or any(arg.star for arg in call.args) or any(arg.keyword in (None, "momentum", "eps") for arg in behind):
        return None
    name = expr.id if isinstance(expr, ir.Name) else expr.attr if isinstance(expr, ir.Attribute) else ""
    change: Change
    if value is not None and 0 < value < 1 and not (isinstance(value, float) and value >= 0.9 and name):
        # from 0.9 on it can only be meant as other frameworks mean it
        told = complement(value) if value >= 0.9 else ""
        start = call.args[at].start
        front = site.place(ir.Name(start, expr.end if told else start, ""))
        change = Edit(front, f"momentum={told}")
        return Cure(f"write `momentum={told}`" if told else "write `momentum=` in front", "unsafe", (change,))
    if value is None and "mom" in name.lower():
        front = site.place(ir.Name(call.args[at].start, call.args[at].start, ""))
        return Cure("write `momentum=` in front", "unsafe", (Edit(front, "momentum="),))
    if behind or "decay" in name.lower() or (value is not None and value != int(value)):
        return None
    change = Drop(site.place(call), site.place(call.args[at]), site.place(call.args[at - 1]) if at else None)
    return Cure("take the number of channels away", "unsafe", (change,))
