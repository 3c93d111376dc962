"""What may be named at a point of a program that is being generated."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Function:
    """A generated function `(net, x, flag)`, by what it gives back, and about how many forwards a call makes."""

    name: str
    kind: str
    forwards: int


@dataclass(slots=True)
class Scope:
    """Variables and functions in sight. within: the kind of the function being written; looping: whether in a loop of it."""

    nets: dict[str, str] = field(default_factory=dict)
    tensors: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)
    functions: tuple[Function, ...] = ()
    within: str = ""
    looping: bool = False
    uncounted: bool = False
    """in a loop whose turns no text tells: what each turn adds to, or swaps, is not told turn by turn"""
    forwards: int = 0
    envs: list[str] = field(default_factory=list)
    loaders: list[str] = field(default_factory=list)
