"""The room of Flax linen and of the transformations of JAX that training steps are made of.

Facts: flax 0.12, "Module.apply" (`mutable` gives a pair: the output and the changed collections; without it a module that
updates its statistics raises); JAX, "jax.value_and_grad" (`has_aux`: the function gives a pair of the loss and anything else).
`flax.nnx` changes its statistics in place: there is nothing to lose.
"""

from __future__ import annotations

from collections.abc import Iterable

from bnlint.program import model as ir
from bnlint.story.events import StatisticsReturned
from bnlint.story.framework import Args, Framework
from bnlint.story.interpreter import calls, lists
from bnlint.story.joining import flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, UNKNOWN, Const, Data, Lib, Obj, Token, Tuple, Value, text, truth

COLLECTION = "batch_stats"
GRADIENTS = frozenset({"jax.value_and_grad", "jax.grad"})
SCALED = "flax.DynamicScale.value_and_grad"
SAME_FUNCTION = frozenset({
    "jax.jit", "jax.pmap", "jax.checkpoint", "jax.remat", "jax.vmap", "jax.experimental.pjit.pjit", "flax.jax_utils.replicate",
})  # fmt: skip
TRAINING = ("train", "training", "is_training", "is_train", "train_mode")
RUNNING = ("use_running_average", "eval", "is_eval")


class Flax(Framework):
    roots = ("flax", "jax")

    def __init__(self) -> None:
        self.returning = False
        """whether any statistics were given back yet: until then there is nothing to look for"""

    def lasting(self) -> object:
        return self.returning

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        if name in GRADIENTS and args.get(0, "fun") is not None:
            return gradient(run, name, args, node)
        if name in SAME_FUNCTION:
            return args.get(0, "fun")
        if name == "jax.lax.stop_gradient":
            flow = flow_of(args.get(0, "x") or UNKNOWN)[0]
            return Data(frozenset(token for token in flow if token.kind != "applied"), kind="tensor")
        return None

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        if name in ("apply", "apply_fn") and "mutable" in args.keywords:
            found = applied(run, args, node)
            self.returning |= found is not None
            return found
        if name == "value_and_grad" and type(owner) is Data and args.positional:
            return gradient(run, SCALED, args, node)
        self.use([owner])
        return None

    def apply(self, run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
        return differentiated(run, obj, args, node) if "#differentiates" in obj.slots else None

    def escaped(self, run: Run, value: Value) -> None:
        self.use([value])

    def assigned(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        self.use([value])

    def item(self, run: Run, owner: Value, index: Value, node: ir.Expr) -> Value | None:
        self.use([owner])
        return None

    def data_attribute(self, run: Run, data: Data, attr: str) -> Value | None:
        self.use([data])
        return None

    def use(self, values: Iterable[Value]) -> None:
        if self.returning:
            use(values)


def use(values: Iterable[Value]) -> None:
    """Somebody looks into statistics that were given back, or hands them on."""
    for value in values:
        for token in flow_of(value)[0]:
            if token.kind == "statistics":
                token.ref.used = True


def applied(run: Run, args: Args, node: ir.Call) -> Value | None:
    """`module.apply(variables, ..., mutable=...)`, where the statistics are among what may change."""
    collections = args.keywords["mutable"]
    names = lists.known_constants(collections)
    if names is None:
        names = [text(collections)]
    if COLLECTION not in names:
        return None
    use(args.all())
    event = run.emit(StatisticsReturned, node, flag=flag(args))
    flow, grad = flow_of(mix(args.all()))
    kept = frozenset(token for token in flow if token.kind != "statistics")
    return Tuple((Data(kept | {event.output}, grad, kind="tensor"), Data(frozenset({event.statistics}))))


def flag(args: Args) -> bool | None:
    """The constant by which an application asks for train mode."""
    for name in TRAINING:
        if name in args.keywords:
            return truth(args.keywords[name])
    for name in RUNNING:
        if name in args.keywords:
            answer = truth(args.keywords[name])
            return None if answer is None else not answer
    given = [value.value for value in args.positional[2:] if type(value) is Const and isinstance(value.value, bool)]
    return given[0] if given else None


def gradient(run: Run, name: str, args: Args, node: ir.Call) -> Obj:
    aux = args.get(None, "has_aux")
    made = run.allocate(Lib(name), node)
    made.slots["#differentiates"] = args.get(0, "fun")
    made.slots["#aux"] = aux is not None and truth(aux) is True
    return made


def differentiated(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    """Call a function for its gradient: what its loss hangs on is trained."""
    begun = len(run.story.events)
    result = calls.call(run, obj.slots["#differentiates"], args, node)
    aux = obj.slots["#aux"]
    loss = result.items[0] if aux and isinstance(result, Tuple) and result.items else result
    rest = result.items[1] if aux and isinstance(result, Tuple) and len(result.items) > 1 else UNKNOWN
    flow = flow_of(loss)[0]
    for token in flow:
        if token.kind == "applied" and token.ref.number >= begun:  # what came in as an argument is a constant to it
            token.ref.trained = True
    gradients = Data(frozenset(plain(flow)), NO_TOKENS)
    if obj.lib == "jax.grad":
        return Tuple((gradients, rest)) if aux else gradients
    value: Value = Tuple((loss, rest)) if aux else loss
    if obj.lib == SCALED:
        return Tuple((UNKNOWN, UNKNOWN, value, gradients))
    return Tuple((value, gradients))


def plain(flow: Iterable[Token]) -> list[Token]:
    return [token for token in flow if token.kind != "statistics"]
