"""What the story writes down, for rules to read. Pure data."""

from bnlint.story.events.accumulation import Accumulated
from bnlint.story.events.averages import AverageUpdate, BatchMoments
from bnlint.story.events.core import Event, Failure, Story, Where
from bnlint.story.events.decay import Decayed
from bnlint.story.events.flags import BackboneThawed, FlagFixed, PhaseSet
from bnlint.story.events.flax import StatisticsReturned
from bnlint.story.events.freezing import Frozen, Held, Hidden, Thawed
from bnlint.story.events.graph import CollectionRead, Dependencies, Fetched, GraphNorm, TrainOp
from bnlint.story.events.handmade import (
    Averaged,
    Folded,
    FunctionalNorm,
    Normalised,
    OwnNorm,
    Renormalised,
    StatisticSet,
)
from bnlint.story.events.metagraphs import GraphImported, GraphSaved
from bnlint.story.events.modalities import StackedModalities
from bnlint.story.events.networks import (
    Acted,
    AxisUsed,
    Backward,
    Built,
    Chained,
    Forward,
    LoaderBuilt,
    Mode,
    ModeMisused,
    ModeSet,
    NormUse,
    Shared,
    Stepped,
)
from bnlint.story.events.parts import Contrasted, Narrow, Padded, Recurring, Unused
from bnlint.story.events.scale import Converted, Exported, Penalised, PerSample, Recomputed, Synchronised, Wrapped
from bnlint.story.events.state import Cast, Copied, Estimated, Holder, OptimizerBuilt, Saved, SaverBuilt, StateParameter
from bnlint.story.events.statistics import MomentumSet, Renorm, TrackingSet

__all__ = [
    "Accumulated",
    "Acted",
    "AverageUpdate",
    "Averaged",
    "AxisUsed",
    "BackboneThawed",
    "Backward",
    "BatchMoments",
    "Built",
    "Cast",
    "Chained",
    "CollectionRead",
    "Contrasted",
    "Converted",
    "Copied",
    "Decayed",
    "Dependencies",
    "Estimated",
    "Event",
    "Exported",
    "Failure",
    "Fetched",
    "FlagFixed",
    "Folded",
    "Forward",
    "Frozen",
    "FunctionalNorm",
    "GraphImported",
    "GraphNorm",
    "GraphSaved",
    "Held",
    "Hidden",
    "Holder",
    "LoaderBuilt",
    "Mode",
    "ModeMisused",
    "ModeSet",
    "MomentumSet",
    "Narrow",
    "NormUse",
    "Normalised",
    "OptimizerBuilt",
    "OwnNorm",
    "Padded",
    "Penalised",
    "PerSample",
    "PhaseSet",
    "Recomputed",
    "Recurring",
    "Renorm",
    "Renormalised",
    "Saved",
    "SaverBuilt",
    "Shared",
    "StackedModalities",
    "StateParameter",
    "StatisticSet",
    "StatisticsReturned",
    "Stepped",
    "Story",
    "Synchronised",
    "Thawed",
    "TrackingSet",
    "TrainOp",
    "Unused",
    "Where",
    "Wrapped",
]
