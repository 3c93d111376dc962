"""What became of the statistics of a network that parameters were copied into: copied too, estimated anew, or left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Confidence, Place, Step
from bnlint.judging import traces
from bnlint.judging.modes import names
from bnlint.story.events import Copied, Estimated, Forward, Holder, ModeSet, Saved, Story
from bnlint.story.values import Obj

AVERAGING = re.compile(r"(^|_)swag?(_|\b)", re.I)
IN_CONSTRUCTOR = "__init__"


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A network with batch norm whose parameters were written from others, and whose statistics were not.

    copy: the write that shows it best; use: the first forward in eval mode after it, None where none was seen.
    """

    copy: Copied
    use: Forward | None
    confidence: Confidence


def left_behind(story: Story) -> Iterator[LeftBehind]:
    """Every such network of a story, each once. Indexed by batch norm: linear in events and norms."""
    copies: dict[object, list[Copied]] = {}
    renewed: dict[int, int] = {}
    for event in story.events:
        if isinstance(event, Copied) and event.what == "parameters":
            if event.sources and event.sources[0].net != event.target.net:
                copies.setdefault(event.target.net, []).append(event)
        elif isinstance(event, Copied):
            renew(renewed, event.target, event.number)
        elif isinstance(event, Estimated):
            renew(renewed, event.target, len(story.events))
    if not copies:
        return
    used = forwards_by_norm(story)
    for found in copies.values():
        judged = judge(story, found, renewed, used)
        if judged is not None:
            yield judged


def renew(renewed: dict[int, int], target: Holder, number: int) -> None:
    """Note when the statistics of a network were last written."""
    for each in (target.net, *target.norms):
        renewed[key(each)] = max(number, renewed.get(key(each), -1))


def key(net: object) -> int:
    return id(net) if isinstance(net, Obj) else hash(net)


def forwards_by_norm(story: Story) -> dict[int, list[tuple[Forward, frozenset[str]]]]:
    """The forwards through each batch norm, with the modes it may be in there.

    Those in constructors probe a shape, unless a graph is built there.
    """
    found: dict[int, list[tuple[Forward, frozenset[str]]]] = {}
    for forward in story.of(Forward):
        if IN_CONSTRUCTOR not in forward.where.functions or "graph" in forward.purposes:
            for use in forward.norms:
                found.setdefault(id(use.norm), []).append((forward, frozenset(names(use))))
    return found


def judge(
    story: Story,
    copies: list[Copied],
    renewed: dict[int, int],
    used: dict[int, list[tuple[Forward, frozenset[str]]]],
) -> LeftBehind | None:
    first, shown = copies[0], shown_best(copies)
    target = shown.target
    if not isinstance(target.net, Obj):
        return LeftBehind(shown, None, "possible") if renewed.get(key(target.net), -1) < 0 else None
    sources = [source for copy in copies for source in copy.sources]
    if not target.norms or not any(source.norms or not isinstance(source.net, Obj) for source in sources):
        return None
    if any(excused(renewed.get(key(each), -1), shown, story) for each in (target.net, *target.norms)):
        return None
    uses = [use for norm in target.norms for use in used.get(id(norm), ())]
    if any("train" in modes for _, modes in uses):
        mixed = all("eval" in modes for _, modes in uses)
        return LeftBehind(shown, None, "possible") if mixed and target.certain else None
    sure = target.certain and any(source.certain for source in sources)
    if uses:
        forward = min((forward for forward, _ in uses), key=lambda forward: forward.number)
        late = [forward for forward, _ in uses if forward.number > first.number]
        confidence: Confidence = ("certain" if story.bound else "likely") if sure else "possible"
        return LeftBehind(shown, min(late, key=lambda each: each.number) if late else forward, confidence)
    meant = switched_to_eval(story, target) or any(
        isinstance(saved.net.net, Obj) and saved.net.net is target.net and saved.what == "both" for saved in story.of(Saved)
    )
    return LeftBehind(shown, None, "likely" if sure and meant and story.bound else "possible")


def excused(number: int, copy: Copied, story: Story) -> bool:
    """Whether statistics were written with the copy of parameters or later: what was done once before is no excuse."""
    if number > copy.number:
        return True
    event = story.event(number)
    if event is None:
        return False
    together = event.where.calls == copy.where.calls and event.where.functions == copy.where.functions
    around = {place for place, _ in copy.where.loops}
    return together or any(place in around for place, _ in event.where.loops)


def shown_best(copies: list[Copied]) -> Copied:
    """The copy to show: one that is repeated rather than the first that makes two networks equal."""
    later = [copy for copy in copies if IN_CONSTRUCTOR not in copy.where.functions]
    looped = [copy for copy in later if len(copy.where.loops) > 1]
    return (looped or later or copies)[0]


def switched_to_eval(story: Story, target: Holder) -> bool:
    """Whether the network itself was put in eval mode and never back in train mode."""
    modes = [event.modes for event in story.of(ModeSet) if event.net is target.net]
    return bool(modes) and all(mode == {"eval"} for mode in modes)


def averages(copy: Copied) -> bool:
    """Whether a copy keeps an average of the weights rather than following a network: by its library, else its names."""
    return copy.how == "update_parameters" or any(
        AVERAGING.search(name) for name in (*copy.target.names, *copy.where.functions)
    )


def where_evaluated(found: LeftBehind) -> Place:
    """Where the function that copies uses the network: the forward, or the call that leads to it."""
    copied, used = found.copy.where, found.use.where if found.use is not None else found.copy.where
    ways = (*copied.calls, copied.place), (*used.calls, used.place)
    return next((there for here, there in zip(*ways, strict=False) if here != there), used.place)


def title(holder: Holder) -> str:
    """A network in words, by the name it has here if it has one."""
    named = sorted(holder.names, key=lambda name: (len(name), name))
    if named:
        return named[-1]
    return traces.title(holder.net) if isinstance(holder.net, Obj) else "another network"


def built(holder: Holder) -> list[Step]:
    """Where a network's batch norm was built."""
    norm = next((norm for norm in holder.norms if norm.site is not None), None)
    if norm is None or norm.site is None or not isinstance(holder.net, Obj):
        return []
    if norm is holder.net:
        return [Step(f"{traces.norm_kind(norm)} is built here", norm.site)]
    return [Step(f"{traces.title(holder.net)} holds {traces.norm_kind(norm)}, built here", norm.site)]


def trace(found: LeftBehind, place: Place) -> tuple[Step, ...]:
    """Where the batch norm is, where the copy is called from, and where the network is used."""
    steps = built(found.copy.target)
    steps += [Step("called from here", call) for call in found.copy.where.calls[-2:]]
    if found.copy.where.place != place:
        steps.append(Step("its parameters are written here", found.copy.where.place))
    if found.use is not None:
        steps.append(Step("it runs in eval mode here, with the statistics it has", found.use.where.place))
    return traces.distinct(steps, place)


def subjects(found: LeftBehind) -> frozenset[object]:
    return frozenset({found.copy.target.net, *found.copy.target.norms})
