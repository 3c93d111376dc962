"""What is in the batches that train batch norm: which loader they come from, how many examples, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bnlint.findings import Step
from bnlint.judging import modes
from bnlint.judging.inputs import input_tokens
from bnlint.judging.traces import title
from bnlint.story.events import Forward, LoaderBuilt, NormUse, Story
from bnlint.story.values import Obj


@dataclass(frozen=True, slots=True)
class Trained:
    """A loader, and the training forwards in train mode that its batches reach."""

    loader: LoaderBuilt
    forwards: tuple[Forward, ...]


def training(story: Story) -> list[Forward]:
    """The forwards that train a network whose batch norm is in train mode for certain."""
    if story.test:
        return []
    return [
        forward
        for forward in story.of(Forward)
        if "training" in forward.purposes and forward.norms and modes.in_train_mode(forward) == "certain"
    ]


def loaders(forward: Forward) -> list[Obj]:
    """The loaders whose batches a forward is given."""
    found = {token.ref for token in input_tokens(forward) if token.kind == "batch" and isinstance(token.ref, Obj)}
    return sorted(found, key=lambda loader: loader.serial)


def trained(story: Story) -> Iterator[Trained]:
    """Every loader that batch norm is trained from."""
    built = {id(event.loader): event for event in story.of(LoaderBuilt)}
    reached: dict[int, list[Forward]] = {}
    for forward in training(story):
        for loader in loaders(forward):
            reached.setdefault(id(loader), []).append(forward)
    for key, forwards in reached.items():
        if key in built:
            yield Trained(built[key], tuple(forwards))


def steps(forward: Forward, uses: Sequence[NormUse] = ()) -> list[Step]:
    """Where the batches go; `uses`: the batch norms that matter, most important first, by default all."""
    told = [Step(f"its batches train {title(forward.net)} here", forward.where.place)]
    for use in (uses or modes.known_norms(forward))[:1]:
        if use.norm.site is not None:
            told.append(Step(f"which holds {title(use.norm)}, built here", use.norm.site))
    return told
