"""What the story writes down, for rules to read. Pure data."""

from bnlint.story.events.core import Event, Failure, Story, Where
from bnlint.story.events.graph import CollectionRead, Dependencies, Fetched, GraphNorm, TrainOp
from bnlint.story.events.networks import (
    Acted,
    Backward,
    Built,
    Forward,
    LoaderBuilt,
    Mode,
    ModeMisused,
    ModeSet,
    NormUse,
    Stepped,
)
from bnlint.story.events.state import StateParameter

__all__ = [
    "Acted",
    "Backward",
    "Built",
    "CollectionRead",
    "Dependencies",
    "Event",
    "Failure",
    "Fetched",
    "Forward",
    "GraphNorm",
    "LoaderBuilt",
    "Mode",
    "ModeMisused",
    "ModeSet",
    "NormUse",
    "StateParameter",
    "Stepped",
    "Story",
    "TrainOp",
    "Where",
]
