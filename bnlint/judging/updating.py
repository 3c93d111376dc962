"""Which train ops of a TensorFlow graph run the updates of the batch norms they train, and what went wrong where they do not.

Questions that BN101, BN102 and BN103 share. Pure functions over a story's events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bnlint.findings import Confidence, Cure, Edit, Step, Wrap
from bnlint.judging import sites
from bnlint.program import model as ir
from bnlint.story.events import CollectionRead, Dependencies, Fetched, GraphNorm, SaverBuilt, Story, TrainOp
from bnlint.story.values import Token, truth

UPDATES = "update_ops"
KERAS_UPDATES = "layer.updates"
DISCRIMINATOR = re.compile(r"(^|/|_)(disc\w*|critic|d|d_net|netd)(_\d+)?/", re.I)


@dataclass(frozen=True, slots=True)
class Missing:
    """A train op that does not run the updates of these batch norms, and the statement that shows the mistake best."""

    train: TrainOp
    norms: tuple[GraphNorm, ...]
    kind: Literal["never", "early", "ineffective"]
    shown: CollectionRead | Dependencies | TrainOp
    confidence: Confidence


def missing(story: Story) -> list[Missing]:
    """Every train op of a story whose updates nothing runs."""
    trains: list[TrainOp] = story.of(TrainOp)
    if not trains:
        return []
    found: list[Missing] = []
    for train in trains:
        run = ran(story, [other for other in trains if together(train, other)])
        norms = [norm for norm in concerned(train) if norm.key == UPDATES and not covered(norm, run)]
        if norms:
            judged = judge(story, train, norms)
            if judged is not None:
                found.append(judged)
    return found


def left_to_keras(story: Story) -> Iterator[tuple[TrainOp, list[GraphNorm]]]:
    """Train ops that train through Keras layers whose own lists of updates nothing runs."""
    trains: list[TrainOp] = story.of(TrainOp)
    for train in trains:
        mine = [token.ref for token in train.through if token.ref.key == KERAS_UPDATES]
        if not mine:
            continue
        run = {id(norm.norm) for norm in ran(story, [other for other in trains if together(train, other)])}
        norms = [norm for norm in mine if id(norm.norm) not in run]
        if norms:
            norms.sort(key=lambda norm: norm.norm.serial)
            yield train, norms


def together(train: TrainOp | SaverBuilt, other: TrainOp | SaverBuilt) -> bool:
    """Whether both may be built in one run of the program: no condition stands between them."""
    return all(other.given.get(symbol, side) == side for symbol, side in train.given.items())


def ran(story: Story, trains: Iterable[TrainOp]) -> list[GraphNorm]:
    """The layers whose update ops run: with some train op, or fetched by themselves."""
    tokens: set[Token] = set()
    for train in trains:
        tokens |= train.runs
    for event in story.of(Fetched):
        fetched = {token.kind for token in event.flow}
        if "read" in fetched and "norm" not in fetched:  # the updates by themselves, not a tensor that hangs on them
            tokens |= event.flow
    for token in list(tokens):
        if token.kind == "read" and "live" in token.ref.used:
            tokens |= {event.update for event in story.of(GraphNorm)}
    return [token.ref for token in tokens if token.kind == "update"]


def concerned(train: TrainOp) -> list[GraphNorm]:
    """The batch norms that a train op trains through and whose network it changes."""
    norms: list[GraphNorm] = sorted((token.ref for token in train.through), key=lambda norm: norm.norm.serial)
    if train.variables is None:
        return norms
    paths = [name.rpartition("/")[0] for name in train.variables]
    return [norm for norm in norms if any(touches(norm.name, path) for path in paths)]


def touches(norm: str, path: str) -> bool:
    """Whether a variable of this path belongs to a layer, as far as both are known."""
    if "?" in norm or "?" in path:
        known = norm.partition("?")[0].rstrip("/"), path.partition("?")[0].rstrip("/")
        shorter = min(known, key=len)
        return all(part.startswith(shorter) for part in known)
    return norm == path


def covered(norm: GraphNorm, run: Iterable[GraphNorm]) -> bool:
    """Whether the updates of this layer run, or those of the same layer in another tower."""
    return any(
        other is norm
        or (other.name == norm.name and "?" not in norm.name)
        or (other.where.place == norm.where.place and other.where.calls == norm.where.calls)
        for other in run
    )


def judge(story: Story, train: TrainOp, norms: list[GraphNorm]) -> Missing | None:
    """What kind of mistake it is; None where the updates may run where the story does not see it."""
    reads = known_reads(story, train)
    tokens = {norm.update for norm in norms}
    mine = [read for read in reads if read.key in (UPDATES, "?") and tokens & read.held]
    if any(read.used & {"escaped"} for read in reads) or any(read.key == "?" for read in reads):
        return None
    if any("kept" in read.used for read in mine) and not (story.bound and train.fetched):
        return None
    confidence: Confidence = "certain" if story.bound else "likely"
    if all(norm.maybe for norm in norms) or never_evaluated(story, train, norms):
        confidence = "possible"
    given = tuple(norms)
    blocks = [event for event in story.of(Dependencies) if event.where.forks <= train.where.forks + 1]
    early = [
        read
        for read in reads
        if read.key == UPDATES and all(before(story, read, norm) for norm in norms) and used(story, train, read)
    ]
    if early and not mine:
        optional = any(early[-1].token in block.otherwise for block in blocks)
        return Missing(train, given, "early", early[-1], "likely" if optional and confidence == "certain" else confidence)
    for block in reversed(blocks):
        if block.none and block.token in train.runs:
            sure: Confidence = "likely" if block.assumed and confidence == "certain" else confidence
            return Missing(train, given, "ineffective", block, sure)
        if any(token.kind == "read" and token.ref in mine for token in block.flow):
            return Missing(train, given, "ineffective", block, confidence)
    wrong = [read for read in reads if mistyped(read.key)]
    if mine or wrong:
        return Missing(train, given, "ineffective", (mine or wrong)[-1], confidence)
    return Missing(train, given, "never", train, confidence)


def never_evaluated(story: Story, train: TrainOp, norms: list[GraphNorm]) -> bool:
    """Whether only a discriminator is concerned that is in train mode by a constant: nobody asks for its averages."""
    if len({other.where.place for other in story.of(TrainOp)}) < 2:
        return False
    words = [norm.name for norm in norms]
    return all(DISCRIMINATOR.search(word) for word in words) and all(truth(norm.flag) is True for norm in norms)


def known_reads(story: Story, train: TrainOp) -> list[CollectionRead]:
    """Reads of the story, and those of imported modules that reached the train op."""
    found: list[CollectionRead] = list(story.of(CollectionRead))
    found += [token.ref for token in train.runs if token.kind == "read" and token.ref not in found]
    return found


def before(story: Story, read: CollectionRead, norm: GraphNorm) -> bool:
    """Whether a list was read before a layer existed; what another story did was done before this one."""
    known = {id(event) for event in story.events}
    if id(norm) not in known:
        return False
    return id(read) not in known or read.number < norm.number


def used(story: Story, train: TrainOp, read: CollectionRead) -> bool:
    """Whether somebody took the list for the updates: the train op, or a block of dependencies, hangs on it."""
    if read.held:
        return read.token in train.built
    return read.token in train.runs or any(read.token in block.flow | block.otherwise for block in story.of(Dependencies))


def mistyped(key: str) -> bool:
    """A key that is meant to be `update_ops` and is not."""
    plain = key.lower().replace("_", "").replace("-", "").replace(" ", "").rpartition(".")[2]
    return key != UPDATES and plain in ("updateops", "updateop", "updatesops", "updates", "batchnormupdates")


def trace(found: Missing) -> tuple[Step, ...]:
    steps = [Step(f"{title(found.norms[0])} puts its update ops into the collection here", found.norms[0].where.place)]
    if found.shown is not found.train:
        steps.append(Step("the train op is built here", found.train.where.place))
    steps += [Step("called from here", place) for place in found.train.where.calls[-1:]]
    return tuple(step for step in steps if step.place != found.shown.where.place)


def title(norm: GraphNorm) -> str:
    return norm.norm.lib.rpartition(".")[2]


def subjects(found: Missing) -> frozenset[object]:
    return frozenset({found.train})


def run_first(story: Story, found: Missing) -> Cure | None:
    """Build the train op in a block that depends on the update ops, if it is the only one that trains batch norm."""
    train = found.train
    if train.how.rstrip("()").endswith("optimize_loss"):
        return collected(story, train)
    if sum(bool(other.through) for other in story.of(TrainOp)) != 1 or train.how.rstrip("()").rpartition(".")[2] not in BUILDS:
        return None
    call = sites.call_site(story, train.where.place)
    tf = spelling(call[0].program) if call is not None else None
    if call is None or tf is None or not isinstance(call[0].statement, ir.Assign | ir.ExprStmt | ir.Return):
        return None
    header = f"with {tf}.control_dependencies({tf}.get_collection({tf}.GraphKeys.UPDATE_OPS)):"
    return Cure("build it after the update ops", "unsafe", (Wrap(call[0].place(call[0].statement), header),))


def collected(story: Story, train: TrainOp) -> Cure | None:
    """None for an empty list of update ops: the ones of the collection (TensorFlow 1.15, `contrib.layers.optimize_loss`)."""
    call = sites.call_site(story, train.where.place)
    given = next((arg.value for arg in call[1].args if arg.keyword == "update_ops"), None) if call is not None else None
    if call is None or not isinstance(given, ir.Sequence) or given.elements:
        return None
    return Cure("run the update ops of the collection", "unsafe", (Edit(call[0].place(given), "None"),))


BUILDS = ("minimize", "apply_gradients")


def spelling(program: ir.Program) -> str | None:
    """How a file speaks of TensorFlow 1: "tf", or "tf.compat.v1" where it says so."""
    for node in program.body:
        if not isinstance(node, ir.Import | ir.ImportFrom):
            continue
        for name, alias in node.names:
            if isinstance(node, ir.Import) and name == "tensorflow.compat.v1" and alias:
                return alias
            if isinstance(node, ir.ImportFrom) and (node.module, name) == ("tensorflow.compat", "v1"):
                return alias or name
            if isinstance(node, ir.Import) and name == "tensorflow":
                short = alias or name
                newer = any(
                    isinstance(part, ir.Attribute) and sites.dotted(part) == f"{short}.compat.v1"
                    for statement in program.body
                    for part in sites.below(statement)
                )
                return f"{short}.compat.v1" if newer else short
    return None
