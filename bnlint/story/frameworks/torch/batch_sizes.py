"""The size of a batch, asked for by a program: a loader's last batch may be smaller, and a condition may guard against it."""

from __future__ import annotations

from bnlint.story.machine import Run
from bnlint.story.values import Data, Obj

SIZE = "batch size"


def asked_size(owner: Data) -> Data | None:
    """The size of a batch whose loader may end with a smaller one: the same unknown each time it is asked."""
    loaders = [token.ref for token in owner.flow if token.kind == "batch"]
    if len(loaders) != 1 or not isinstance(loaders[0], Obj) or loaders[0].slots.get("#whole"):
        return None
    return Data(batch=owner.batch, assumed=owner.assumed, symbol=(SIZE, loaders[0].serial), kind="size")


def guarded(run: Run) -> frozenset[int]:
    """Serials of the loaders whose batch size a condition on the way here has asked about."""
    found: set[int] = set()
    for symbol in run.known:
        pending: list[tuple[object, ...]] = [symbol]
        while pending:
            part = pending.pop()
            if len(part) == 2 and part[0] == SIZE and isinstance(part[1], int):
                found.add(part[1])
            pending.extend(inner for inner in part if isinstance(inner, tuple))
    return frozenset(found)
