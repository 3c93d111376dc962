"""Events of state: what a solver, a copy, a checkpoint or a cast touches.

Networks are named together with the batch norms that they hold at that moment: when rules read the story, what the
entry point wrote to its objects has been taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bnlint.findings import Place
from bnlint.story.events.core import Event
from bnlint.story.events.graph import GraphNorm
from bnlint.story.values import Obj, Symbol, Value

What = Literal["parameters", "buffers", "both"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A network whose state is touched, as it is at that moment.

    net: the network, or the symbol of something unknown that is used like one; norms: the batch norms it holds; certain:
    whether one of them is established; names: the variables and attributes it is known by, a tie-breaker only.
    """

    net: Obj | Symbol
    norms: tuple[Obj, ...] = ()
    certain: bool = False
    names: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class StateParameter(Event):
    """A statistic of batch norm that the solver may change. `kind` says how: "variable", "parameter", "group", "caffe"."""

    kind: str
    name: str
    certain: bool
    detail: str
    why: tuple[tuple[str, Place], ...] = ()
    withdrawn: bool = False
    """it was taken away from the solver afterwards"""


@dataclass(slots=True, eq=False)
class Copied(Event):
    """Tensors of a network are overwritten by, or mixed with, those of others.

    sources: the networks that the values come from; none where they come from elsewhere. what: which of the target's
    tensors are written. how: the method or function, "load_state_dict", "update_parameters" (of an averaged model), ...
    loaded: the values come from a file.
    """

    target: Holder
    sources: tuple[Holder, ...]
    what: What
    how: str
    loaded: bool = False


@dataclass(slots=True, eq=False)
class Estimated(Event):
    """A library function re-estimates the statistics of a network: `torch.optim.swa_utils.update_bn`."""

    target: Holder


@dataclass(slots=True, eq=False)
class Saved(Event):
    """State of a network goes into a file. `what` is the part of it that the file holds."""

    net: Holder
    what: What
    how: str


@dataclass(slots=True, eq=False)
class SaverBuilt(Event):
    """A saver of a TensorFlow graph, or a function that only restores.

    graph: the graph that it saves; lacking: the batch norms that it holds, where it holds no averages at all; held: the
    layers whose averages it holds; whole: it holds everything; used: what it is seen to do, "save" or "restore"; given: the
    undecided conditions that hold or do not hold where it is built.
    """

    graph: Obj
    lacking: tuple[GraphNorm, ...] = ()
    held: frozenset[Obj] = frozenset()
    whole: bool = False
    given: dict[Symbol, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Cast(Event):
    """The floating-point type of a module changes. half: to float16; contrary: only against the default of an option."""

    net: Holder
    half: bool
    how: str
    contrary: bool


@dataclass(slots=True, eq=False)
class OptimizerBuilt(Event):
    """An optimiser is built over parameters.

    whole: the networks all of whose parameters are in one group, with the weight decay of that group; None is the
    optimiser's default.
    """

    lib: str
    optimizer: Obj
    whole: tuple[tuple[Holder, Value | None], ...]
