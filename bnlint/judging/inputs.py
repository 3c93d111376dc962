"""What a forward is fed: where its inputs come from."""

from __future__ import annotations

from collections.abc import Iterable

from bnlint.story.events import Forward
from bnlint.story.joining import flow_of
from bnlint.story.values import Token, Value


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
