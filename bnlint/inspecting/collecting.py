"""From stories to the map: which networks hold batch norm, where they are built, what is done to them.

A network is the same in two entry points when it is built at the same place. When a story is read, what it wrote to its
objects has been taken back: only its events speak.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bnlint.analysis.programs import Failed
from bnlint.cells import place_in_cell
from bnlint.findings import Place
from bnlint.inspecting.atlas import Atlas, Entry, Network, Norm, Note, Unfollowed
from bnlint.inspecting.celled import celled
from bnlint.inspecting.known import Key, Known
from bnlint.inspecting.notes import noted
from bnlint.inspecting.timeline import timeline
from bnlint.judging.traces import title
from bnlint.outcome import Lines
from bnlint.story.events import Built, Event, Forward, Story
from bnlint.story.values import Cls, Const, Lib, Obj

MOST_NETWORKS = 200
MOST_TEXTS = 4
"""different values of one argument that are told"""
LONGEST = 30
"""characters of the text of an argument"""


@dataclass(slots=True)
class _Found:
    """A network while it is collected."""

    key: Key
    framework: str
    defined: Place | None
    names: dict[str, None] = field(default_factory=dict)
    certain: bool = False
    norms: dict[tuple[str, Place | None, bool], int] = field(default_factory=dict)
    """kind, place and whether it is a network of a library -> how many at once"""
    notes: dict[Note, None] = field(default_factory=dict)


@dataclass(slots=True)
class Collector:
    """Takes one story after the other. passed: the files that the map is about, as absolute paths."""

    passed: frozenset[str]
    lines: Lines
    networks: dict[Key, _Found] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    arguments: dict[Place, dict[str, dict[str, None]]] = field(default_factory=dict)
    """place where batch norms are built -> argument -> the texts seen"""
    built: dict[Place, str] = field(default_factory=dict)
    unfollowed: list[Unfollowed] = field(default_factory=list)
    left_out: set[Key] = field(default_factory=set)
    cells: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """where the cells of notebooks begin"""

    def add(self, story: Story) -> None:
        self._note_arguments(story)
        known = Known(story)
        for event, net, norms in known.users:
            self._network(known.key(net), net, norms, event)
        numbers = {key: number for number, key in enumerate(self.networks)}

        def about(event: Event) -> Iterator[tuple[int, str]]:
            for net, part in known.about(event):
                number = numbers.get(known.key(net))
                if number is not None:
                    yield number, part

        for event in story.events:
            for text, nets in noted(event):
                for net, part in known.of(*nets):
                    found = self.networks.get(known.key(net))
                    if found is not None:
                        found.notes.setdefault(Note(text, part, event.where.place))
        turns, more = timeline(story, about)
        if turns:
            self.entries.append(Entry(str(story.path), story.entry, story.bound, story.test, story.exhausted, turns, more))
        elif story.exhausted and str(story.path) in self.passed:
            self.unfollowed.append(Unfollowed(f"the analysis budget ran out in {story.entry}", _top(story.path)))

    def atlas(self, roots: Iterable[Path], files: int, failed: Mapping[Path, Failed], speaking: Iterable[Path]) -> Atlas:
        """The map. failed: files that cannot be read, and why; speaking: files that name batch norm."""
        entries = [entry for entry in self.entries if self._concerns(entry)]
        entries.sort(key=lambda entry: (not entry.bound, entry.path))
        keys = list(self.networks)
        used = [turn.network for entry in entries for turn in entry.turns]
        shown = list(dict.fromkeys(used))
        shown += [number for number, key in enumerate(keys) if number not in set(used) and key[0] and key[0].path in self.passed]
        renumbered = {old: new for new, old in enumerate(shown, 1)}
        networks = tuple(self._settled(self.networks[keys[old]], new) for old, new in renumbered.items())
        told = tuple(_renumbered(entry, renumbered) for entry in entries)
        unfollowed = tuple(self._unfollowed(networks, told, failed, speaking))
        return celled(Atlas(tuple(roots), files, networks, told, unfollowed, len(self.left_out)), self.cells)

    # --- networks ----------------------------------------------------------------------------

    def _network(self, key: Key, net: Obj, norms: list[tuple[Obj, bool]], event: Event) -> None:
        found = self.networks.get(key)
        if found is None:
            if len(self.networks) >= MOST_NETWORKS:
                self.left_out.add(key)
                return
            framework = event.framework if isinstance(event, Forward) else ""
            found = self.networks[key] = _Found(key, framework, _defined(net))
        found.names.setdefault(title(net))
        if isinstance(event, Forward):
            found.framework = event.framework
        counted: dict[tuple[str, Place | None, bool], int] = {}
        for norm, certain in norms:
            kind = (title(norm), norm.site, _of_library(norm))
            counted[kind] = counted.get(kind, 0) + 1
            found.certain |= certain
        for kind, count in counted.items():
            found.norms[kind] = max(count, found.norms.get(kind, 0))

    def _settled(self, found: _Found, number: int) -> Network:
        norms = tuple(
            Norm(kind, place, self._told_arguments(place), count, library)
            for (kind, place, library), count in found.norms.items()
        )
        place, _, copied, _ = found.key
        first, *others = found.names
        name = f"{first} and {len(others)} more" if others else first
        return Network(
            number, name, found.framework, place, found.defined, copied, found.certain, norms, tuple(found.notes)
        )

    # --- arguments ---------------------------------------------------------------------------

    def _note_arguments(self, story: Story) -> None:
        for event in story.of(Built):
            if event.obj is None or event.obj.site is None:
                continue
            site = event.obj.site
            # a layer of another kind says nothing about batch norm
            if "batch" in event.lib.lower():
                self.built.setdefault(site, title(event.obj))
            texts = self.arguments.setdefault(site, {})
            program = story.project.programs.get(Path(site.path))
            for name, (value, expr) in event.arguments.items():
                if name in ("inputs", "input", "x"):
                    continue
                if isinstance(value, Const) and not value.assumed:
                    text = repr(value.value)
                elif expr is event.call:
                    text = "set by a scope"
                elif program is not None:
                    text = self._source(site.path, program.place(expr.start), program.place(expr.end))
                else:
                    text = "?"
                texts.setdefault(name, {}).setdefault(text)

    def _source(self, path: str, start: tuple[int, int], end: tuple[int, int]) -> str:
        place = place_in_cell(Place(path, *start, *end), self.cells)
        code = self.lines(path, place.cell)
        if place.row != place.end_row or place.row > len(code):
            return "..."
        text = code[place.row - 1][place.column - 1 : place.end_column - 1]
        return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."

    def _told_arguments(self, place: Place | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
        texts = self.arguments.get(place, {}) if place is not None else {}
        return tuple(
            (name, (*list(seen)[:MOST_TEXTS], "...") if len(seen) > MOST_TEXTS else tuple(seen)) for name, seen in texts.items()
        )

    # --- what cannot be told -----------------------------------------------------------------

    def _concerns(self, entry: Entry) -> bool:
        return entry.path in self.passed or any(turn.place.path in self.passed for turn in entry.turns)

    def _unfollowed(
        self, networks: Iterable[Network], entries: Iterable[Entry], failed: Mapping[Path, Failed], speaking: Iterable[Path]
    ) -> Iterator[Unfollowed]:
        for path, why in failed.items():
            if str(path) in self.passed:
                place = Place(str(path), why.row, why.column, why.row, why.column)
                yield Unfollowed(f"the file cannot be read: {why.message}", place)
        for entry in entries:
            if entry.exhausted:
                yield Unfollowed(f"the analysis budget ran out in {entry.name}", _top(entry.path))
        yield from self.unfollowed
        seen = {norm.place for network in networks for norm in network.norms}
        lost: dict[str, list[tuple[Place, str]]] = {}
        for place, kind in self.built.items():
            if place not in seen and place.path in self.passed:
                lost.setdefault(place.path, []).append((place, kind))
        for places in lost.values():
            place, kind = min(places)
            more = f", and {len(places) - 1} more in this file" if len(places) > 1 else ""
            yield Unfollowed(f"no network is seen to run through the {kind} built here{more}", place)
        told = {place.path for network in networks for place in (network.place, network.defined) if place}
        told |= {norm.place.path for network in networks for norm in network.norms if norm.place}
        told |= {turn.place.path for entry in entries for turn in entry.turns} | lost.keys()
        for path in sorted(speaking):
            if str(path) in self.passed and str(path) not in told and path not in failed:
                yield Unfollowed("batch norm is named here, but no network that holds it is seen", _top(path))


def _defined(net: Obj) -> Place | None:
    if not isinstance(net.cls, Cls):
        return None
    node = net.cls.node
    places = net.cls.module.offsets.place
    return Place(str(net.cls.module.path), *places(node.at), *places(node.at + len(node.name)))


def _of_library(norm: Obj) -> bool:
    if norm.site is None:
        return isinstance(norm.cls, Lib)
    return isinstance(norm.cls, Lib) and not any(word in norm.lib.rpartition(".")[2].lower() for word in ("norm", "bn"))


def _renumbered(entry: Entry, numbers: Mapping[int, int]) -> Entry:
    return replace(entry, turns=tuple(replace(turn, network=numbers[turn.network]) for turn in entry.turns))


def _top(path: Path | str) -> Place:
    return Place(str(path), 1, 1, 1, 1)
