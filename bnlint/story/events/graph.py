"""Events of TensorFlow graphs.

Tokens of a graph refer to these events themselves, not to their numbers: a graph may be built by a module's body and
trained by another story.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bnlint.findings import Place
from bnlint.story.events.core import Event
from bnlint.story.values import Obj, Token, Value


@dataclass(slots=True, eq=False)
class GraphNorm(Event):
    """A batch-norm layer was put into a graph.

    name: the path of its variables; path: that of its ops; either holds "?" where a part is unknown. key: the collection that
    its update ops were put into, None where it made none or runs them itself. maybe: whether it makes them hangs on something
    unknown. flag: the value that decides between training and inference.
    """

    norm: Obj
    name: str
    path: str
    key: str | None
    maybe: bool
    flag: Value
    under: tuple[tuple[Value, bool], ...] = ()
    """the predicates of `tf.cond` around it, and in which of their branches it is"""
    by_default: bool = False
    """no argument and no scope gives the flag: it is the library's default"""
    graph: Obj | None = None
    """the graph that it is in"""
    handed: bool = False
    """the call itself hands on something that is no constant"""
    in_place: bool = False
    """whenever it runs in train mode, its averages are updated with it"""
    written: Place | None = None
    """where the constant stands in the text that is the flag"""
    dropped: str = ""
    """the name of what asks for the mode around it and has no say in it"""

    @property
    def token(self) -> Token:
        """Stands for a value that was computed through the layer."""
        return Token("norm", self)

    @property
    def update(self) -> Token:
        """Stands for its update ops."""
        return Token("update", self)


@dataclass(slots=True, eq=False)
class CollectionRead(Event):
    """`get_collection(key)`: the update ops that the collection held then."""

    key: str
    held: frozenset[Token]
    used: set[str] = field(default_factory=set)
    """"kept" (as an attribute), "escaped" (went where it cannot be followed)"""
    named: bool = False
    """the program looks at the names of the ops: it may choose some of them"""

    @property
    def token(self) -> Token:
        return Token("read", self)


@dataclass(slots=True, eq=False)
class Dependencies(Event):
    """A `with tf.control_dependencies(...)` block: what it runs, and what was created inside it."""

    flow: frozenset[Token]
    none: bool
    """its argument is a variable that holds None"""
    assumed: bool = False
    """it holds None as long as an option is left at its default"""
    otherwise: frozenset[Token] = frozenset()
    """what it runs where that option is given"""
    made: set[str] = field(default_factory=set)
    """kinds of ops created inside: "train", "gradient", "identity", "op" """

    @property
    def token(self) -> Token:
        return Token("block", self)


@dataclass(slots=True, eq=False)
class TrainOp(Event):
    """An op that changes trainable variables by a gradient.

    through: the batch norms that the gradient flows through; variables: names of what it trains, None where that is everything
    or unknown; runs: what runs with it, by dependencies, groups or a common fetch.
    """

    how: str
    through: frozenset[Token]
    variables: frozenset[str] | None
    built: frozenset[Token] = frozenset()
    """what runs with it by the way it was built"""
    given: dict[Any, int] = field(default_factory=dict)
    """the undecided conditions that hold or do not hold where it is built"""
    runs: set[Token] = field(default_factory=set)
    fetched: bool = False

    @property
    def token(self) -> Token:
        return Token("train", self)


@dataclass(slots=True, eq=False)
class Fetched(Event):
    """A session runs these."""

    flow: frozenset[Token]
