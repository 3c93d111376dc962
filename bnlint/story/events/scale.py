"""Events of scale and of special gradients: networks wrapped, converted, recomputed, exported, penalised."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.story.events.core import Event
from bnlint.story.events.networks import NormUse
from bnlint.story.values import Obj


@dataclass(slots=True, eq=False)
class Wrapped(Event):
    """A network is wrapped for several devices.

    plain: batch norms below it that do not synchronise; distributed: one process per device, not one process for all;
    broadcasts: whether the buffers of the first process reach the others, None where that is unknown; devices: how many
    devices one process uses, None where that is unknown; contrary: only against the default of an option.
    """

    net: Obj
    wrapper: Obj
    plain: tuple[Obj, ...]
    distributed: bool
    broadcasts: bool | None
    devices: int | None
    contrary: bool


@dataclass(slots=True, eq=False)
class Converted(Event):
    """Batch norms are exchanged for synchronised ones.

    bare: the module given is itself a batch norm, which the call leaves as it is and returns a new one;
    wrapped: it is given the wrapper for several processes, not the network; dropped: the result is thrown away.
    """

    net: Obj
    bare: bool
    wrapped: bool
    dropped: bool = False


@dataclass(slots=True, eq=False)
class Synchronised(Event):
    """State of these networks is made the same in all processes."""

    nets: frozenset[Obj]


@dataclass(slots=True, eq=False)
class Recomputed(Event):
    """Activations are thrown away and computed again in the backward pass, through these batch norms.

    recording: whether gradients are recorded there, without which nothing is computed twice.
    """

    norms: tuple[NormUse, ...]
    recording: bool | None


@dataclass(slots=True, eq=False)
class Exported(Event):
    """A network is written down in the mode it is in. how: by what; raises: it is refused in train mode."""

    net: Obj
    norms: tuple[NormUse, ...]
    how: str
    raises: bool


@dataclass(slots=True, eq=False)
class Penalised(Event):
    """A gradient with respect to inputs is taken that can be differentiated again.

    forwards: those it flows through; trained: it is part of a loss whose gradient is taken, as far as that is known (in
    TensorFlow every gradient may be differentiated again, and most are not).
    """

    forwards: frozenset[int]
    how: str
    trained: bool = True


@dataclass(slots=True, eq=False)
class PerSample(Event):
    """Gradients are taken for each example of a batch by itself.

    refused: batch norms for which the library raises an error; passed: those it lets through although their statistics mix
    the examples; how: by what.
    """

    net: Obj
    refused: tuple[Obj, ...]
    passed: tuple[Obj, ...]
    how: str
