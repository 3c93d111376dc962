"""What one pass over own normalisation code computed: its formulas, and the updates of what it keeps. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

from bnlint.story.events import Where
from bnlint.story.frameworks.formulas.algebra import Formula
from bnlint.story.values import Value


@dataclass(frozen=True, slots=True)
class Step:
    """A formula that the code computed, and where."""

    formula: Formula
    where: Where


@dataclass(frozen=True, slots=True)
class Update:
    """A new value of something kept (or, in a function, of a variable that was given)."""

    name: str
    formula: Formula
    where: Where


@dataclass(frozen=True, slots=True)
class Assigned:
    """A statistic of another module is set."""

    name: str
    formula: Formula
    where: Where


@dataclass(frozen=True, slots=True)
class Applied:
    """A call of `functional.batch_norm`: its flag, and whether it was given statistics that are kept."""

    flag: Value | None
    kept: bool
    borrowed: bool
    """its weight is an argument of the forward: functional meta-learning"""
    dropped: str
    """the parameter of a function around it that asks for the mode and does not reach it, "" if there is none"""
    where: Where


@dataclass(slots=True)
class Record:
    """What one pass over the code computed."""

    steps: list[Step] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    assigned: list[Assigned] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    biases: set[object] = field(default_factory=set)
    """owners whose bias was read"""
    biased: set[object] = field(default_factory=set)
    """layers that are known to have a bias"""
