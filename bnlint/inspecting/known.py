"""Which networks a story knows: through which of them its batch norms ran, and which of its objects are one network.

When a story is read, what it wrote to its objects has been taken back: only its events speak.
"""

from __future__ import annotations

from collections.abc import Iterable

from bnlint.findings import Place
from bnlint.inspecting.notes import noted
from bnlint.inspecting.timeline import part_of
from bnlint.judging.modes import known_norms
from bnlint.judging.traces import title
from bnlint.story.events import Event, Forward, ModeSet, Story, Wrapped
from bnlint.story.values import Obj

Key = tuple[Place | None, str, bool, int]
"""where a network is built, its class, whether it is a copy, and which it is of those that are alike in one entry point"""


GRAPH = "tensorflow.network."
"""how the story calls the parts of a TensorFlow graph, before the name of their scope"""


class Known:
    """users: events that tell of a network, the network, and the batch norms that it holds, each with whether that is certain."""

    def __init__(self, story: Story) -> None:
        self.wrapped = {id(event.wrapper): event.net for event in story.of(Wrapped)}
        self.users: list[tuple[Event, Obj, list[tuple[Obj, bool]]]] = []
        self.nets: dict[int, Obj] = {}
        self.holders: dict[int, dict[int, Obj]] = {}
        """the identity of a batch norm -> the networks that ran through it"""
        self.marked: dict[int, dict[int, Obj]] = {}
        """the number of an event that set a mode -> the networks that ran in it"""
        self.first: dict[int, Obj] = {}
        """the identity of a network -> one that is the same; a loop builds it anew in each pass"""
        self.ranks: dict[int, int] = {}
        self.kinds: dict[tuple[Place | None, str, bool], int] = {}
        spots: dict[tuple[object, ...], Obj] = {}
        seen: set[tuple[object, ...]] = set()
        for event in story.of(Forward):
            uses = known_norms(event)
            if not uses:
                continue
            net = self.inner(event.net)
            self.nets[id(net)] = net
            self._same(net, spots.setdefault((event.where.place, event.where.calls, _kind(net)), net))
            for use in uses:
                self.holders.setdefault(id(use.norm), {})[id(net)] = net
                for mark in use.modes:
                    self.marked.setdefault(mark.event, {})[id(net)] = net
            once = (id(net), event.where.place, len(uses))
            if once not in seen:
                seen.add(once)
                self.users.append((event, net, [(use.norm, use.certain) for use in uses]))
        for event in story.events:
            for _, (subject, norms) in noted(event):
                if norms and isinstance(subject, Obj) and not self.of(subject, norms):
                    net = self.inner(subject)
                    self.nets[id(net)] = net
                    for norm in norms:
                        self.holders.setdefault(id(norm), {})[id(net)] = net
                    self.users.append((event, net, [(norm, True) for norm in norms]))

    def key(self, net: Obj) -> Key:
        """The same for a network of any story that is built at the same place."""
        net = self._root(net)
        kind = _kind(net)
        if kind[1] == GRAPH:
            return (*kind, 0)
        if id(net) not in self.ranks:
            self.ranks[id(net)] = self.kinds.get(kind, 0)
            self.kinds[kind] = self.ranks[id(net)] + 1
        return (*kind, self.ranks[id(net)])

    def _same(self, net: Obj, other: Obj) -> None:
        """What runs at one place of the program at different times is one network to its reader."""
        one, two = self._root(net), self._root(other)
        if one is not two:
            self.first[id(one)] = two

    def _root(self, net: Obj) -> Obj:
        while id(net) in self.first:
            net = self.first[id(net)]
        return net

    def inner(self, net: Obj) -> Obj:
        """The network that a wrapper wraps."""
        for _ in range(4):
            net = self.wrapped.get(id(net), net)
        return net

    def about(self, event: Event) -> list[tuple[Obj, str]]:
        if isinstance(event, Forward):
            net = self.inner(event.net)
            return [(net, "")] if event.norms else []
        if isinstance(event, ModeSet):
            found = self.of(event.net, ())
            return found or [(net, part_of(event.net, title(net))) for net in self.marked.get(event.number, {}).values()]
        return []

    def of(self, net: object, norms: Iterable[Obj]) -> list[tuple[Obj, str]]:
        """The networks that `net` is or is a part of, by the batch norms that it holds."""
        if isinstance(net, Obj):
            inner = self.inner(net)
            if id(inner) in self.nets:
                return [(inner, "")]
        found: dict[int, Obj] = {}
        for norm in norms:
            found |= self.holders.get(id(norm), {})
        return [(each, part_of(net, title(each)) if isinstance(net, Obj) else "") for each in found.values()]


def _kind(net: Obj) -> tuple[Place | None, str, bool]:
    if net.lib.startswith(GRAPH):
        # every scope is a network to the story; those that one function makes are the layers of one network
        return net.site, GRAPH, False
    return net.site, title(net), bool(net.slots.get("#copied"))
