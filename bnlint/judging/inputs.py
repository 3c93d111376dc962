"""What a forward is fed: where its inputs come from."""

from __future__ import annotations

from collections.abc import Iterable

from bnlint.story.events import Forward
from bnlint.story.events.dummies import Made
from bnlint.story.joining import flow_of
from bnlint.story.values import Data, Token, Value


def sources(value: Value) -> frozenset[Token]:
    return flow_of(value)[0]


def input_tokens(forward: Forward) -> frozenset[Token]:
    found: frozenset[Token] = frozenset()
    for value in forward.inputs:
        found |= sources(value)
    return found


def kinds(tokens: Iterable[Token]) -> set[str]:
    return {token.kind for token in tokens}


def only_noise(forward: Forward) -> bool:
    """Whether the input is made of random numbers or constants only: sampling, warm-up, probing a shape."""
    found = kinds(input_tokens(forward))
    return bool(found) and found <= {"noise", "constant"}


PICTURE = 3
"""axes from which on noise is a probe rather than what a generator draws its samples from"""


def made_up(forward: Forward) -> bool:
    """Whether the input is nothing but zeros, ones or noise of a size that is written down as numbers."""
    if not forward.inputs or not all(type(value) is Data and value.flow for value in forward.inputs):
        return False
    made: list[Made] = []
    for token in input_tokens(forward):
        if token.kind not in ("noise", "constant") or not isinstance(token.ref, Made):
            return False
        made.append(token.ref)
    if any(None in each.sizes or not each.sizes for each in made):
        return False
    return forward.dropped or not any(len(each.sizes) < PICTURE or set(each.sizes[2:]) == {1} for each in made)
