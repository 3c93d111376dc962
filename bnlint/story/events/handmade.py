"""Events of own implementations of batch norm: what a class or function computes when it is run by itself.

They stand in stories of their own, one for each such class or function, told after all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bnlint.findings import Place
from bnlint.story.events.core import Event

Source = Literal["batch", "running", "mixed"]
"""what a number is made of: moments of the batch, running averages, or both"""


@dataclass(slots=True, eq=False)
class OwnNorm(Event):
    """A class or function that normalises by moments over the batch axis, or by averages of them.

    module: an `nn.Module`; keeps: it keeps averages of batch moments; switches: by the batch in train mode, by the averages
    in eval mode; inside, first: whether some network was seen to run it behind a trained layer, or before all of them
    (filled in by other stories).
    """

    name: str
    module: bool
    keeps: bool
    switches: bool
    batch: bool
    """it normalises by batch moments in train mode"""
    affine: bool
    """it scales by something of its own that can be learnt"""
    stateful: bool = False
    """it changes something that it keeps, or keeps something named like a statistic"""
    inside: bool = False
    first: bool = False


@dataclass(slots=True, eq=False)
class Normalised(Event):
    """`(x - centre) / scale` was computed.

    eps: how the scale is kept from zero: "inside" the root, "outside" of it, "bounded" by clipping, "none", "stored" for a
    stored deviation. detached: no gradient flows back through centre and scale. root: where the scale was first computed.
    """

    own: str
    mode: Literal["train", "eval"]
    centre: Source
    scale: Source
    eps: Literal["inside", "outside", "bounded", "none", "stored"]
    detached: bool
    root: Place
    corrections: tuple[Renormalised, ...] = ()


@dataclass(frozen=True, slots=True)
class Renormalised:
    """The r or d of batch renormalisation that a normalisation used, and whether a gradient flows through it."""

    kind: str
    detached: bool
    clipped: bool
    place: Place


@dataclass(slots=True, eq=False)
class Averaged(Event):
    """A running average was updated by a batch moment.

    total: what its weights add up to, in words, "" where that is one or unknown; gradient: the graph is kept with it;
    around: a variance was taken around this mean instead of the batch's; eps: the constant is stored with the variance.
    """

    own: str
    name: str
    kind: str
    total: str
    certain: bool
    """the weights are numbers, not names"""
    gradient: bool
    around: str
    eps: bool
    moment: Place | None
    """where the batch moment was taken"""


@dataclass(slots=True, eq=False)
class Folded(Event):
    """A batch norm was folded into the weights before it in a wrong way.

    wrong: "no eps", "no root" (the variance itself divides), "no mean" (the bias is scaled only), "no bias"
    (the bias of the layer before is left out), "bare bias" (it is added without the scale).
    """

    wrong: str
    certain: bool


@dataclass(slots=True, eq=False)
class StatisticSet(Event):
    """The running variance of another module was set to a variance with eps added."""

    name: str


@dataclass(slots=True, eq=False)
class FunctionalNorm(Event):
    """`functional.batch_norm` was called with statistics that are kept.

    flag: True or False where `training` is a constant, None where it is not; given: whether the call gives it at all;
    owner: the module whose forward calls it, "" for a function; modes: the modes in which that module was seen to run;
    dropped: a parameter around it that asks for the mode and never reaches it.
    """

    owner: str
    flag: bool | None
    given: bool
    mode: str
    dropped: str
    evaluated: Place | None = None
    """where some story runs the module in eval mode, filled in later"""
    trained: bool = False
