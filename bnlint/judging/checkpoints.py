"""Which checkpoints lack the statistics of a network's batch norm, and which restores leave them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bnlint.findings import Confidence, Cure, Edit, Place, Step
from bnlint.judging import copies, sites, updating
from bnlint.judging.modes import names, weakest
from bnlint.program import model as ir
from bnlint.story.events import Copied, Forward, Holder, Saved, SaverBuilt, Story, TrainOp
from bnlint.story.values import Obj


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Parameters that are saved, given back or read without the statistics."""

    event: Saved | Copied
    net: Holder
    kind: Literal["saved", "given back", "read"]
    confidence: Confidence


def incomplete(story: Story) -> Iterator[Incomplete]:
    """Every such statement of a story once for each network."""
    saved = [event for event in story.of(Saved) if event.net.norms]
    written = [event for event in story.of(Copied) if event.target.norms and event.what == "parameters"]
    restored = [event for event in written if event.loaded or (event.sources and event.sources[0].net is event.target.net)]
    if not saved and not restored:
        return
    modes = modes_by_norm(story)
    whole = {id(norm) for event in saved if event.what != "parameters" for norm in event.net.norms}
    known: Confidence = "certain" if story.bound else "likely"
    told: set[tuple[int, Place]] = set()
    for event in saved:
        norms = {id(norm) for norm in event.net.norms}
        if event.what == "parameters" and norms.isdisjoint(whole) and first_time(told, event.net, event.where.place):
            moved = any("train" in modes.get(norm, ()) for norm in norms)
            yield Incomplete(event, event.net, "saved", weakest(known if moved else "possible", sure(event.net)))
    renewed: dict[int, int] = {}
    for event in story.of(Copied):
        if event.what != "parameters":
            copies.renew(renewed, event.target, event.number)
    for event in restored:
        norms = {id(norm) for norm in event.target.norms}
        seen = {mode for norm in norms for mode in modes.get(norm, ())}
        if "eval" not in seen or any(renewed.get(norm, -1) > event.number for norm in norms):
            continue
        if ("train" in seen) is event.loaded or not first_time(told, event.target, event.where.place):
            continue  # trained on after it was read, or never trained before it was given back
        yield Incomplete(
            event, event.target, "read" if event.loaded else "given back", weakest("likely", sure(event.target))
        )  # fmt: skip


def sure(net: Holder) -> Confidence:
    return "certain" if net.certain else "possible"


def first_time(told: set[tuple[int, Place]], net: Holder, place: Place) -> bool:
    known = (id(net.net), place)
    fresh = known not in told
    told.add(known)
    return fresh


def modes_by_norm(story: Story) -> dict[int, set[str]]:
    """The modes in which each batch norm runs somewhere."""
    found: dict[int, set[str]] = {}
    for forward in story.of(Forward):
        for use in forward.norms:
            found.setdefault(id(use.norm), set()).update(names(use))
    return found


def steps(found: Incomplete) -> list[Step]:
    """Where the batch norm is, and where the statement is called from."""
    built = copies.built(found.net) if isinstance(found.net.net, Obj) else []
    return built + [Step("called from here", place) for place in found.event.where.calls[-2:]]


def lacking(story: Story) -> Iterator[tuple[SaverBuilt, Confidence]]:
    """Savers of a graph that leave out the averages of its batch norms, each place once.

    What only restores, or has another saver of its graph beside it that holds the averages, may start a training from other
    weights.
    """
    savers: list[SaverBuilt] = story.of(SaverBuilt)
    if not any(saver.lacking for saver in savers):
        return
    trained = {token.ref.norm.serial for train in story.of(TrainOp) for token in train.through}
    places: set[Place] = set()
    for saver in savers:
        if saver.lacking and saver.where.place not in places:
            places.add(saver.where.place)
            norms = [norm.norm for norm in saver.lacking]
            beside = [other for other in savers if other.graph.serial == saver.graph.serial and updating.together(saver, other)]
            held = {norm.serial for other in beside for norm in other.held}
            covered = any(other.whole for other in beside) or held.issuperset(norm.serial for norm in norms)
            known: Confidence = "certain" if story.bound and not all(norm.slots.get("#contrary") for norm in norms) else "likely"
            starts = saver.used == {"restore"} and any(norm.serial in trained for norm in norms)
            yield saver, "possible" if covered or starts else known


def saver_steps(saver: SaverBuilt) -> list[Step]:
    """Where one of the batch norms is built, and where the saver is asked for."""
    steps = [Step("a batch norm is built here", saver.lacking[0].where.place)]
    return steps + [Step("called from here", place) for place in saver.where.calls[-2:]]


def all_variables(story: Story, saver: SaverBuilt) -> Cure | None:
    """`tf.global_variables()` where the saver's call says `tf.trainable_variables()`, itself or by a name for it."""
    found = sites.call_site(story, saver.where.place)
    for arg in found[1].args if found is not None else ():
        if found is None or arg.keyword not in (None, "var_list"):
            continue
        listed = sites.only_value(found[0], arg.value.id) if isinstance(arg.value, ir.Name) else arg.value
        if isinstance(listed, ir.Call) and not listed.args and isinstance(listed.func, ir.Attribute):
            func, library = listed.func, sites.dotted(listed.func.value)
            if func.attr == "trainable_variables" and library is not None:
                every = f"{library}.global_variables"
                whole = found[0].place(arg.value if listed is not arg.value else func)
                return Cure("save all variables", "unsafe", (Edit(whole, every if listed is arg.value else f"{every}()"),))
    return None


def state_dict(story: Story, found: Incomplete) -> Cure | None:
    """`net.state_dict()` where what is saved is a dict of all named parameters, made in the call itself."""
    call = sites.call_site(story, found.event.where.place)
    if found.kind != "saved" or call is None or not call[1].args or sites.dotted(call[1].func) != "torch.save":
        return None
    saved = call[1].args[0].value
    source: ir.Expr | None = None
    if isinstance(saved, ir.Comprehension) and saved.kind == "dict" and len(saved.loops) == 1 and not saved.loops[0].tests:
        source = saved.loops[0].iter
    elif isinstance(saved, ir.Call) and sites.dotted(saved.func) == "dict" and len(saved.args) == 1:
        source = saved.args[0].value
    if not isinstance(source, ir.Call) or source.args or not isinstance(source.func, ir.Attribute):
        return None
    net = sites.dotted(source.func.value)
    if source.func.attr != "named_parameters" or net is None:
        return None
    return Cure(f"save `{net}.state_dict()`", "unsafe", (Edit(call[0].place(saved), f"{net}.state_dict()"),))
