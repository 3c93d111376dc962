"""A time line as a tree: loops that hold turns and other loops, in the order in which they are first entered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from bnlint.findings import Place
from bnlint.inspecting.atlas import Turn


@dataclass(slots=True)
class Loop:
    """calls: those that lead to the first turn in it."""

    place: Place
    calls: tuple[Place, ...]
    body: list[Node] = field(default_factory=list)


Node: TypeAlias = "Turn | Loop"


def together(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Neighbours that say the same of different networks: a session runs several of them at once."""
    groups: list[list[Turn]] = []
    for turn in turns:
        last = groups[-1][-1] if groups else None
        if last is not None and replace(last, network=turn.network, part=turn.part, counts=turn.counts) == turn:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return groups


def nested(turns: Sequence[Turn]) -> list[Node]:
    """Turns of one loop stand together: also one of a later pass, that is told after what follows the loop."""
    top: list[Node] = []
    around: list[Loop] = []
    for turn in turns:
        shared = 0
        while shared < min(len(around), len(turn.loops)) and around[shared].place == turn.loops[shared]:
            shared += 1
        del around[shared:]
        for place in turn.loops[shared:]:
            body = around[-1].body if around else top
            # by the same calls: another call of the function around it is another loop
            alike = (node for node in body if isinstance(node, Loop) and (node.place, node.calls) == (place, turn.calls))
            loop = next(alike, None)
            if loop is None:
                loop = Loop(place, turn.calls)
                body.append(loop)
            around.append(loop)
        (around[-1].body if around else top).append(turn)
    return top


def walk(nodes: Sequence[Node], depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Every loop and turn with its depth, as they stand on the page."""
    for node in nodes:
        yield depth, node
        if isinstance(node, Loop):
            yield from walk(node.body, depth + 1)
