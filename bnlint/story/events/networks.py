"""Events of networks: built, switched, applied, trained, and the loaders that feed them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnlint.findings import Place
from bnlint.story.events.core import Event, Where
from bnlint.story.events.freezing import Frozen
from bnlint.story.values import Obj, Shape, Token, Value

if TYPE_CHECKING:
    from bnlint.program.model import Call, Expr


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
class Chained(Event):
    """A batch norm stands in a Sequential; `shape` is what the layers before it in the same Sequential give."""

    norm: Obj
    shape: Shape


@dataclass(slots=True, eq=False)
class Shared(Event):
    """One batch norm is used at two places. how: "positions" of a container, or "calls" in one forward of its owner."""

    norm: Obj
    owner: Obj
    how: str
    first: Place


@dataclass(slots=True, eq=False)
class AxisUsed(Event):
    """A batch norm of Keras or tf.layers was applied to what layers of a known data format gave.

    formats: "channels_first", "channels_last", or both where an option decides; assumed: the axis is only a default of an option.
    """

    norm: Obj
    axis: int
    assumed: bool
    formats: frozenset[str]


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
    single: bool | None = None
    """whether each example has one value per channel there (no or 1x1 spatial axes); None where that cannot be told"""
    shape: Shape | None = None
    """what is known of what it was given"""
    by_default: bool = False
    """nothing says the mode, no argument, scope or outer call: it is the library's default"""
    dropped: tuple[str, Place] | None = None
    """a parameter around the layer's call that asks for the mode and has no say in it, and where that call is"""
    frozen: frozenset[Frozen] = frozenset()
    """what took its parameters from the solver, where that still holds"""
    perhaps_frozen: bool = False
    """a condition that could not be decided puts it in inference mode for good"""


@dataclass(slots=True, eq=False)
class Forward(Event):
    """A network is applied to inputs. Purposes are filled in as the story goes on, by where the output flows.

    purposes: "training" (reaches backward or a train op), "acting" (reaches an environment's step),
    "auxiliary" (reaches a loss, but not its gradient), "graph" (a graph is built, nothing runs yet), "evaluation" (the library
    itself says so: an Estimator's `evaluate` or `predict`)).
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
    guarded: frozenset[int] = frozenset()
    """serials of the loaders whose last, smaller batch was asked about on the way here"""
    dropped: bool = False
    """the output is thrown away: the call is a statement of its own"""
    random: bool = False
    """a constant in the call switches dropout on, which the network holds: Keras"""
    handed: bool = False
    """the call hands on a flag that was decided elsewhere, instead of a constant of its own: Keras"""
    steps: int | None = 1
    """how many steps of training the call makes by itself; None where that is not known"""

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
    """A data loader. sampled: a sampler or batch sampler decides the order, None where that is unknown; grouped: a batch sampler
    decides the batches; length: examples of its data set; orderless: their order means nothing; None: not known.
    """

    loader: Obj
    batch: int | None
    assumed: bool
    shuffle: bool | None
    drop_last: bool | None
    sampled: bool | None = False
    grouped: bool = False
    length: int | None = None
    orderless: bool | None = None
