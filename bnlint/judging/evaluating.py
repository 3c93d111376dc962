"""Which runs of a TensorFlow graph evaluate: validation, test or inference, as against a look at a training batch."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Place
from bnlint.judging.inputs import input_tokens, kinds, only_noise
from bnlint.judging.modes import names
from bnlint.judging.purposes import EVALUATION, TRAINING
from bnlint.judging.traces import labels
from bnlint.story.events import Fetched, Forward, GraphNorm, Story, TrainOp
from bnlint.story.values import Data


def sessions(story: Story) -> list[Forward]:
    """The forwards of a session: a graph is run, not built."""
    return [forward for forward in story.of(Forward) if forward.framework == "tensorflow" and "graph" not in forward.purposes]


def layers(story: Story) -> dict[int, GraphNorm]:
    """By the identity of a batch norm, the event that put it into a graph."""
    return {id(event.norm): event for event in story.of(GraphNorm)}


def evaluations(story: Story) -> Iterator[tuple[Forward, Confidence]]:
    """The runs of a session that evaluate, and how sure that is."""
    if story.test:
        return
    runs = sessions(story)
    known = layers(story)
    trained = [forward for forward in runs if "training" in forward.purposes]
    seen = {value for forward in trained for value in forward.inputs if type(value) is Data}
    trains: list[TrainOp] = story.of(TrainOp)
    through = {token for train in trains for token in train.through}
    shared = {token.ref.name for token in through}
    loops = {place for forward in trained for place, _ in forward.where.loops}
    # what runs before anything is trained may choose what is trained on
    early = {forward.where.place for forward in runs if not trained or forward.number < trained[0].number}
    for forward in runs:
        if "training" in forward.purposes:
            continue
        if "evaluation" in forward.purposes:
            yield forward, "certain"
            continue
        found = evaluates(forward, known, bool(trained), seen, bool(trains), story.bound)
        if found in (None, "possible") and trained and "noise" not in kinds(input_tokens(forward)):
            mine = [known[id(use.norm)] for use in forward.norms if id(use.norm) in known]
            if not any(norm.token in through for norm in mine) and any(norm.name in shared for norm in mine):
                found = "likely"  # a second tower over the same variables, which nothing is trained through
        if found == "possible" and loops and forward.where.place not in early and in_a_loop_of_its_own(forward, loops):
            found = "possible" if updating(story, forward) else "likely"
        if found is not None:
            yield forward, found


def evaluates(
    forward: Forward, known: dict[int, GraphNorm], trained: bool, seen: set[Data], built: bool, bound: bool
) -> Confidence | None:
    """Whether a run evaluates: by what it says to other batch norms, what it is fed with, and what it is called.

    trained: some run trains, on the inputs `seen`; built: there is a train op; bound: the program is known as a whole.
    """
    for use in forward.norms:
        layer = known.get(id(use.norm))
        if layer is not None and names(use) == {"eval"} and type(layer.flag) is Data:
            return "certain"  # the same run is told by a feed that it does not train
    named = any(EVALUATION.search(name) for name in forward.where.functions[-2:])
    learns = any(TRAINING.search(name) for name in forward.where.functions[-1:])
    data = [value for value in forward.inputs if type(value) is Data]
    if only_noise(forward) and ("noise" in kinds(input_tokens(forward)) or not built):
        return "possible"  # a sample of a generator, or a network that is only tried out
    if trained:
        if not data or all(value in seen for value in data):
            return None
        return "likely" if named or any(EVALUATION.search(labels(value)) for value in data) else "possible"
    if learns and not named:
        return None
    return "likely" if bound or named or built else "possible"


def in_a_loop_of_its_own(forward: Forward, trained: set[Place]) -> bool:
    """Whether a run goes over data in a loop in which nothing is trained; samples of a generator go over noise."""
    loops = forward.where.loops
    return bool(loops) and loops[-1][0] not in trained and "noise" not in kinds(input_tokens(forward))


def updating(story: Story, forward: Forward) -> bool:
    """Whether the same run fetches update ops: the statistics are estimated anew, on purpose."""
    here = (event for event in story.of(Fetched) if event.where.place == forward.where.place)
    return any(token.kind in ("read", "update") for event in here for token in event.flow)
