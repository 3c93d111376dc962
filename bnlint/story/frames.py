"""What the machine keeps of the calls, loops and handlers that it stands in, and how a block of statements ends. Pure state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bnlint.findings import Place
from bnlint.story.memory import Changes
from bnlint.story.values import Cls, Func, Scope, Table, Value

if TYPE_CHECKING:
    from bnlint.story.framework import Args

NEXT, RETURN, BREAK, CONTINUE, DEAD = range(5)
"""How a block ends: it falls through, or control leaves it."""


@dataclass(slots=True, eq=False)
class LoopState:
    """The loop being run: where paths that break or continue are kept until they are joined."""

    mark: int
    pass_mark: int
    breaks: list[Changes] = field(default_factory=list)
    continues: list[Changes] = field(default_factory=list)
    finals: int = 0
    """how many `finally` blocks lie around the loop"""


@dataclass(slots=True, eq=False)
class Catch:
    """A `try` with handlers whose body is being run: where paths that raise are kept.

    depth: how many frames there are; finals: how many clean-ups of the innermost frame lie around it; wide: whether it
    catches what any call may raise, not only mistakes in values; risks: how many calls that may raise came before what is kept.
    """

    mark: int
    depth: int
    finals: int
    wide: bool = False
    risks: int = 0
    more: bool = False
    """there are more paths that may raise than are kept"""
    raised: list[Changes] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Frame:
    scope: Scope
    func: Func | None
    name: str
    mark: int
    call: Place | None
    owner: Cls | None = None
    self_value: Value | None = None
    result: Value | None = None
    returns: list[tuple[Value | None, Changes]] = field(default_factory=list)
    loops: list[LoopState] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    finals: list[Callable[[bool], object]] = field(default_factory=list)
    """what a path leaving now has to run, innermost last: `finally` blocks, exits of contexts; given whether it raises"""
    on_yield: Callable[[Value], None] | None = None
    given: Args | None = None
    """the arguments of the call that opened it"""

    def dead_table(self) -> Table | None:
        """The variables, if they end with the call: no function made inside can see them later."""
        return None if self.func is None or self.scope.captured else self.scope.table


@dataclass(slots=True)
class Memo:
    """A quiet call that may be replayed while everything it read is unchanged."""

    reads: Changes
    writes: Changes
    result: Value
    norms: tuple[tuple[Any, bool], ...]
    """batch norms that it ran through, and whether their modes are those that they are in when it is replayed"""
    scoped: Any
    """arguments that the surroundings gave; kept because the memo's key holds its identity"""
