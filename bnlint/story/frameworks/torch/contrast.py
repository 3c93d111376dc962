"""Momentum encoders and contrastive losses: a network that follows another, and scores that are made of what both give.

Followers are known from copies of parameters (`copying`). What they give without gradient are keys, what the networks they
follow give are queries; both carry a token. A softmax over scores that carry both, and random initial content of a queue
besides, tells positives from negatives of earlier batches: then it matters what the batches of queries and keys had in common.

Facts: He et al., "Momentum Contrast for Unsupervised Visual Representation Learning" (2020), section 3.3, "Shuffling BN".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story.events import Contrasted, Holder
from bnlint.story.events.dummies import Made
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import networks, scaling
from bnlint.story.joining import flow_of
from bnlint.story.machine import Run
from bnlint.story.recording import recorded
from bnlint.story.values import Data, Obj, Token, Tuple, Value

KEYS, QUERIES = "keys", "queries"
"""kinds of tokens: the first stands for a `Key`, the second for the network"""
SOFTMAX = frozenset({"cross_entropy", "log_softmax", "logsumexp", "CrossEntropyLoss", "LogSoftmax"})
ORDERS = frozenset({"randperm", "permutation"})
SHUFFLED = Token("shuffled", None)
"""carried by what was indexed by an order that may be random"""


@dataclass(frozen=True, slots=True)
class Key:
    """One call of a follower: the batch norms in train mode that it ran through, each device's own; shuffled: its input was."""

    net: Obj
    norms: tuple[Obj, ...]
    place: Place
    shuffled: bool


def copied(run: Run, target: Holder, sources: Iterable[Holder]) -> None:
    """The parameters of one network were written from others."""
    if isinstance(target.net, Obj) and target.norms:
        followers: dict[int, set[int]] = run.state.setdefault("followers", {})
        followers.setdefault(id(target.net), set()).update(id(each.net) for each in sources if each.net is not target.net)


def given(run: Run, net: Obj, args: Args, result: Value, node: ir.Call) -> Value:
    """What a network gives, marked if it is one of such a pair."""
    followers: dict[int, set[int]] | None = run.state.get("followers")
    if not followers:
        return result
    if id(net) in followers and recorded(run) is False:
        norms = [norm for norm in networks.norms_below(run, net) if trains(norm) and scaling.is_plain(norm)]
        flow = flow_of(Tuple(tuple(args.all())))[0]
        return marked(result, Token(KEYS, Key(net, tuple(norms), run.place(node), SHUFFLED in flow)))
    if any(id(net) in sources for sources in followers.values()):
        return marked(result, Token(QUERIES, net))
    return result


def reordered(run: Run, owner: Data, index: Value) -> Data | None:
    """`x[order]`: an index that is computed may be a random order; None for any other."""
    if not run.state.get("followers"):
        return None
    first = index.items[0] if isinstance(index, Tuple) and index.items else index
    if type(first) is not Data:
        return None
    return replace(owner, flow=owner.flow | {SHUFFLED}, parts=(), symbol=None, shape=None)


def trains(norm: Obj) -> bool:
    return {mark.name for mark in norm.slots["#mode"]} == {"train"}


def marked(value: Value, token: Token) -> Value:
    if type(value) is Data:
        return replace(value, flow=value.flow | {token})
    if isinstance(value, Tuple):
        return replace(value, items=tuple(marked(item, token) for item in value.items))
    return value


def compared(run: Run, name: str, args: Args, node: ir.Call) -> None:
    """A softmax over scores: write down what keys it tells apart."""
    followers: dict[int, set[int]] | None = run.state.get("followers")
    if not followers or name.rpartition(".")[2] not in SOFTMAX or not args.positional:
        return
    flow = flow_of(args.positional[0])[0]
    if not any(token.kind == "noise" and isinstance(token.ref, Made) and token.ref.name not in ORDERS for token in flow):
        return  # no queue: all negatives are of this batch
    queries = {id(token.ref) for token in flow if token.kind == QUERIES}
    for token in flow:
        if token.kind == KEYS and queries & followers.get(id(token.ref.net), set()):
            key: Key = token.ref
            told: set[object] = run.state.setdefault("contrasted", set())
            if key.norms and not key.shuffled and key.place not in told:
                told.add(key.place)
                run.emit(Contrasted, node, net=key.net, norms=key.norms, called=key.place)
