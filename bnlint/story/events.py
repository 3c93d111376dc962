"""What the story writes down: one `Story` per entry point, a list of events in the order in which they happen.

Pure data for the rules. Events are appended only; a branch that is undone keeps its events, for they may happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnlint.findings import Place
from bnlint.story.values import Obj, Token, Value

if TYPE_CHECKING:
    from bnlint.program.model import Call, Expr
    from bnlint.project.project import Project


@dataclass(frozen=True, slots=True)
class Where:
    """The circumstances of an event: its place, the calls that led there, the loops and functions around it."""

    place: Place
    calls: tuple[Place, ...]
    """call sites from the entry point inwards"""
    loops: tuple[tuple[Place, int], ...]
    """loops around it through all callers, outermost first: where the loop stands, and which pass over it"""
    functions: tuple[str, ...]
    """names of the functions around it, outermost first"""
    forks: int
    """how many undecided branches lie between the entry point and here"""


@dataclass(slots=True, eq=False)
class Event:
    number: int
    where: Where


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode that a module may be in: "train" or "eval", and the number of the event that put it there (-1: built so)."""

    name: str
    event: int


@dataclass(slots=True, eq=False)
class Built(Event):
    """A layer or a library network was constructed."""

    lib: str
    obj: Obj | None
    call: Call
    arguments: dict[str, tuple[Value, Expr]]
    """parameter name by the library's signature -> value and the expression given; star arguments are left out"""
    positional: int
    """how many of them were given by position"""


@dataclass(slots=True, eq=False)
class ModeSet(Event):
    """`net.train()` or `net.eval()`, by whatever means. `modes` are the possible ones."""

    net: Obj
    modes: frozenset[str]
    how: str


@dataclass(slots=True, eq=False)
class ModeMisused(Event):
    """An attempt to set the mode that does not. `kind`: "not called", "training assigned", "method replaced"."""

    net: Value
    kind: str
    attribute: str
    known: bool
    """whether the object is known to hold batch norm"""
    withdrawn: bool = False
    """the same statement set the flag on the batch norms themselves, too"""


@dataclass(frozen=True, slots=True)
class NormUse:
    """A batch norm that a forward runs through, and the modes it may be in there."""

    norm: Obj
    modes: frozenset[Mode]
    certain: bool
    """False where only the network as a whole is known to hold batch norm"""


@dataclass(slots=True, eq=False)
class Forward(Event):
    """A network is applied to inputs. Purposes are filled in as the story goes on, by where the output flows.

    purposes: "training" (reaches backward or a train op), "acting" (reaches an environment's step),
    "auxiliary" (reaches a loss, but not its gradient).
    """

    net: Obj
    norms: tuple[NormUse, ...]
    inputs: tuple[Value, ...]
    batch: int | None
    batch_assumed: bool
    grad: bool | None
    """whether gradients are recorded: False under no_grad, None where that cannot be told"""
    grad_off: Place | None
    """where they were switched off"""
    framework: str
    purposes: set[str] = field(default_factory=set)
    reached: dict[str, Where] = field(default_factory=dict)
    """purpose -> where it was decided"""
    dropped: bool = False
    """the output is thrown away: the call is a statement of its own"""

    @property
    def token(self) -> Token:
        return Token("forward", self.number)


@dataclass(slots=True, eq=False)
class Backward(Event):
    """A gradient is computed from these forwards."""

    forwards: frozenset[int]
    flow: frozenset[Token]


@dataclass(slots=True, eq=False)
class Stepped(Event):
    """An optimiser changes parameters."""

    optimizer: Value


@dataclass(slots=True, eq=False)
class Acted(Event):
    """An environment makes a step with a value that these forwards influenced."""

    forwards: frozenset[int]


@dataclass(slots=True, eq=False)
class LoaderBuilt(Event):
    loader: Obj
    batch: int | None
    assumed: bool
    shuffle: bool | None
    drop_last: bool | None


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


# --- TensorFlow graphs -----------------------------------------------------------------------
#
# Tokens of a graph refer to these events themselves, not to their numbers: a graph may be built by a module's body and
# trained by another story.


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

    @property
    def token(self) -> Token:
        return Token("read", self)


@dataclass(slots=True, eq=False)
class Dependencies(Event):
    """A `with tf.control_dependencies(...)` block: what it runs, and what was created inside it."""

    flow: frozenset[Token]
    none: bool
    """its argument is a variable that holds None"""
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
    given: dict[Any, bool] = field(default_factory=dict)
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


# --- the story -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """The engine failed at a place: a finding BN002."""

    place: Place
    message: str


@dataclass(slots=True, eq=False)
class Story:
    """What happens when one entry point runs.

    path: the file it stands in; entry: its name; bound: whether it runs with what its program gives it
    (module bodies and `__main__`), or is a function that nothing calls, run with unknown arguments.
    """

    project: Project
    path: Path
    entry: str
    bound: bool
    test: bool
    """whether the entry point is test code: nothing in it is judged as evaluation or acting"""
    events: list[Event] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    exhausted: bool = False

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def event(self, number: int) -> Event | None:
        return self.events[number] if 0 <= number < len(self.events) else None
