"""What the story writes down, for rules to read. Pure data."""

from bnlint.story.events.core import Event, Failure, Story, Where
from bnlint.story.events.graph import CollectionRead, Dependencies, Fetched, GraphNorm, TrainOp
from bnlint.story.events.networks import (
    Acted,
    AxisUsed,
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
from bnlint.story.events.state import Cast, Copied, Estimated, Holder, OptimizerBuilt, Saved, StateParameter

__all__ = [
    "Acted",
    "AxisUsed",
    "Backward",
    "Built",
    "Cast",
    "CollectionRead",
    "Copied",
    "Dependencies",
    "Estimated",
    "Event",
    "Failure",
    "Fetched",
    "Forward",
    "GraphNorm",
    "Holder",
    "LoaderBuilt",
    "Mode",
    "ModeMisused",
    "ModeSet",
    "NormUse",
    "OptimizerBuilt",
    "Saved",
    "StateParameter",
    "Stepped",
    "Story",
    "TrainOp",
    "Where",
]
