"""Events of the flag that decides between training and inference, where it is set apart from the call that it concerns."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.story.events.core import Event
from bnlint.story.values import Obj


@dataclass(slots=True, eq=False)
class PhaseSet(Event):
    """Keras' learning phase was set to a constant: calls that say nothing follow it from then on."""

    training: bool


@dataclass(slots=True, eq=False)
class FlagFixed(Event):
    """A constant became part of a functional Keras model: `layer(x, training=True)` on something symbolic.

    version: for which major version of Keras the project is written, None where nothing says so; in version 2 the constant
    holds whatever runs the model.
    """

    layer: Obj
    norms: tuple[Obj, ...]
    training: bool
    version: int | None


@dataclass(slots=True, eq=False)
class BackboneThawed(Event):
    """A pretrained network of keras.applications, or its layers one by one, was made trainable.

    again: it was frozen before. refrozen: its layers were frozen after that, not only a slice of them. spared: some of its
    layers are told apart from the others when they are frozen or thawed: batch norm, as a rule.
    """

    net: Obj
    again: bool
    spared: bool
    refrozen: bool = False
