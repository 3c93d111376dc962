"""Keras layers and models that run: what they hold, in which mode a call runs them, and what fit and its like do.

Facts: Keras 2.15 and 3.15 ("BatchNormalization": training=False unless a call, an outer call or fit says so; trainable=False
means inference mode; fit and train_on_batch train, predict and evaluate do not; fit's batch_size is 32 by default).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Forward, Mode, NormUse
from bnlint.story.framework import Args
from bnlint.story.frameworks.keras import building, contexts, copying, formats, generators, graphs, neighbours
from bnlint.story.frameworks.keras.building import FUNCTIONAL, SEQUENTIAL, SYMBOLIC, is_keras, is_norm
from bnlint.story.frameworks.tensorflow import biases, penalties
from bnlint.story.frameworks.tensorflow.graph import collect
from bnlint.story.frameworks.torch.networks import batch_of, tag
from bnlint.story.frameworks.torch.tensors import mark
from bnlint.story.interpreter import calls, conditions, objects
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import (
    NO_TOKENS,
    NONE,
    UNKNOWN,
    Choice,
    Cls,
    Const,
    Data,
    Func,
    Obj,
    Token,
    Tuple,
    Value,
    options,
    truth,
)

BY_DEFAULT = ("training", "default")
"""the symbol of a flag that only the default of a `call`'s own parameter gives"""


def parts(obj: Obj) -> Iterator[tuple[Obj, Obj | None]]:
    """The layers that a model holds, and the one whose mode a flag of its own decides, in a functional model."""
    for item in (*obj.slots.get("#items", ()), *((obj.slots["#rest"],) if "#rest" in obj.slots else ())):
        for option in options(item):
            if isinstance(option, Obj):
                yield option, None
    for token in sorted(obj.slots.get("#within", NO_TOKENS), key=lambda token: token.ref.serial):
        yield token.ref, token.ref if token.kind == "fixed layer" else None
    if isinstance(obj.cls, Cls):
        for key, value in list(obj.slots.items()):
            if isinstance(key, str) and not key.startswith("#"):
                for option in flat(value):
                    if is_keras(option):
                        yield option, None  # type: ignore[misc]


def flat(value: Value) -> Iterator[Value]:
    if isinstance(value, Obj) and value.lib == "list":
        yield from value.slots.get("#items", ())
    elif isinstance(value, (Tuple, Choice)):
        yield from value.items if isinstance(value, Tuple) else value.options
    else:
        yield value


# --- calling ---------------------------------------------------------------------------------


def apply(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    """A layer or model is called on something: on symbolic inputs it is built into a model, else it runs."""
    given = [value for value in args.all() if symbolic(value)]
    if given:
        flag = args.get(None, "training")
        kind = "layer"
        if flag is not None and not (type(flag) is Const and flag.value is None):
            kind = "fixed layer"
            contexts.fix(run, obj, norms_within(run, obj), flag, node)
        flow = frozenset({Token(kind, obj)})
        for value in args.all():
            flow |= collect(value)[0]
        flow = formats.passed(run, obj, flow, node)
        first = args.get(0)
        batch, assumed = batch_of(first) if first is not None else (None, False)
        if is_norm(run, obj):
            neighbours.applied(run, obj, first, node)
        else:
            biases.given_elsewhere(args.all())
        run.serial += 1
        made = Data(flow, NO_TOKENS, batch, assumed, symbol=("keras output", run.serial), kind=SYMBOLIC)
        return neighbours.given(made, obj, first)
    training = args.get(None, "training")
    if training is None and not isinstance(obj.cls, Cls) and len(args.positional) > 1:
        training = args.positional[1] if obj.lib in FUNCTIONAL | SEQUENTIAL or is_norm(run, obj) else None
    if run.forwards:
        return inner(run, obj, args, training, node)
    return forward(run, obj, args, training, node)


def symbolic(value: Value, depth: int = 2) -> bool:
    if type(value) is Data:
        return value.kind == SYMBOLIC
    if depth and isinstance(value, Tuple):
        return any(symbolic(item, depth - 1) for item in value.items)
    if depth and isinstance(value, Obj) and value.lib == "list":
        return any(symbolic(item, depth - 1) for item in value.slots.get("#items", ()))
    return False


def forward(
    run: Run, obj: Obj, args: Args, training: Value | None, node: ir.Call, batch: tuple[int | None, bool] | None = None
) -> Value:
    """The outermost call: written down with the batch norms it runs through."""
    first = args.positional[0] if args.positional else next(iter(args.keywords.values()), UNKNOWN)
    count, assumed = batch if batch is not None else batch_of(first)
    inputs = (*args.positional, *(value for name, value in args.keywords.items() if name != "training"))
    event = run.emit(
        Forward, node, net=obj, norms=(), inputs=inputs, batch=count, batch_assumed=assumed, grad=True, grad_off=None,
        framework="keras",
    )  # fmt: skip
    norms: dict[int, NormUse] = {}
    run.norms.append(norms)
    run.forwards += 1
    try:
        result = inner(run, obj, args, training, node)
    finally:
        run.forwards -= 1
        run.norms.pop()
    unsure = perhaps_frozen(obj)
    event.norms = tuple(replace(use, perhaps_frozen=True) if unsure else use for use in norms.values())
    if training is None:
        event.norms = contexts.dropped_outside(run, event.norms, node)
    else:
        event.handed = not isinstance(args.node(None, "training"), ir.Const) and "training" in args.keywords
    event.random = training is not None and truth(training) is True and any(is_dropout(part) for part in within(obj))
    token = frozenset({event.token})
    return graphs.noted(run, event, tag(result, token, token, False, count, assumed), node)


def inner(run: Run, obj: Obj, args: Args, training: Value | None, node: ir.Call) -> Value:
    run.step()
    before = run.state.get("context")
    if training is None or (type(training) is Const and training.value is None):
        training = contexts.context(run)
    run.memory.write(run.state, "context", training)
    try:
        if isinstance(obj.cls, Cls) and not is_norm(run, obj):
            own = objects.find(run, obj.cls.order, "call")
            if isinstance(own, Func):
                held = [(key, part) for key, part in obj.slots.items() if isinstance(part, Obj) and isinstance(key, str)]
                neighbours.called(run, obj, own, [(key, part) for key, part in held if is_norm(run, part)])
                return calls.call_function(run, own, with_training(own, obj, args, training), node)
        freeze(run, obj)
        hold(run, obj, None)
        contexts.note_dropped(run, obj, node)
        result, first = output(args), args.get(0)
        if not is_norm(run, obj):
            biases.given_elsewhere(args.all())
        met = run.norms[-1].get(id(obj)) if run.norms else None
        if met is not None and type(first) is Data:
            run.norms[-1][id(obj)] = replace(met, shape=first.shape)
        return neighbours.given(replace(result, flow=formats.passed(run, obj, result.flow, node)), obj, first)
    finally:
        run.memory.write(run.state, "context", before)


def with_training(own: Func, obj: Obj, args: Args, training: Value | None) -> Args:
    """The arguments of a project's `call`: Keras hands `training` on to those that take it."""
    names = [param.name for param in own.node.params.items]
    keywords = {name: value for name, value in args.keywords.items() if name != "training"}
    if "training" in names and training is not None and names.index("training") > len(args.positional):
        keywords["training"] = training
    if "training" in names and training is None and "training" not in keywords:
        default = own.defaults[names.index("training")]
        if type(default) is Const and default.value is False:
            keywords["training"] = Const(False, symbol=BY_DEFAULT)
    return calls.with_self(obj, replace(args, keywords=keywords))


def hold(run: Run, obj: Obj, fixed: Obj | None, seen: set[int] | None = None) -> None:
    """Write down the batch norms of a layer or model, in the mode that the call around says."""
    seen = set() if seen is None else seen
    if id(obj) in seen or len(seen) > 2000:
        return
    seen.add(id(obj))
    if is_norm(run, obj) or obj.slots.get("#norms") in ("yes", "maybe"):
        use(run, obj, fixed)
        return
    for part, constant in parts(obj):
        before = run.state.get("context")
        freeze(run, part)
        hold(run, part, None if frozen(part) else fixed if fixed is not None else constant, seen)
        if run.state.get("context") is not before:
            run.memory.write(run.state, "context", before)


def norms_within(run: Run, obj: Obj) -> list[Obj]:
    """The batch norms of a layer or model."""
    return [part for part in within(obj, run) if is_norm(run, part) or part.slots.get("#norms") in ("yes", "maybe")]


def within(obj: Obj, run: Run | None = None) -> list[Obj]:
    """A layer or model and all layers in it; with a machine, a batch norm is not looked into."""
    found: list[Obj] = []
    seen: set[int] = set()
    stack = [obj]
    while stack and len(seen) < 2000:
        current = stack.pop()
        if id(current) not in seen:
            seen.add(id(current))
            found.append(current)
            if run is None or not is_norm(run, current):
                stack.extend(part for part, _ in parts(current))
    return found


def is_dropout(obj: Obj) -> bool:
    return obj.lib.startswith("keras.layers.") and "Dropout" in obj.lib


def use(run: Run, norm: Obj, fixed: Obj | None) -> None:
    flag = contexts.context(run)
    phase = contexts.phase(run) if flag is None else None
    answer: bool | None = phase is not None
    source: int = phase.number if phase is not None else -1
    if flag is not None:
        answer = conditions.decide(run, flag)[0]
        if answer is None and type(flag) is Const and isinstance(flag.value, int):
            answer = bool(flag.value) if not flag.assumed else None
    constant, holds = contexts.fixed(fixed, flag) if fixed is not None else (None, False)
    if frozen(norm):
        answer = False
    elif holds:
        answer, source = (constant.training, constant.number) if constant is not None else (None, -1)
    modes = {"train", "eval"} if answer is None else {"train" if answer else "eval"}
    if run.norms:
        certain = norm.slots.get("#norms") != "maybe"
        unsaid = phase is None and (flag is None or (type(flag) is Const and flag.symbol == BY_DEFAULT))
        by_default = unsaid and not frozen(norm) and fixed is None
        marks = frozenset(Mode(mode, source) for mode in modes)
        run.norms[-1][id(norm)] = NormUse(norm, marks, certain, by_default=by_default, perhaps_frozen=perhaps_frozen(norm))


def frozen(obj: Obj) -> bool:
    """Whether `trainable = False` puts a layer in inference mode; a model compiled before trains on."""
    flag = obj.slots.get("trainable")
    return flag is not None and truth(flag) is False and not obj.slots.get("#compiled")


def perhaps_frozen(obj: Obj) -> bool:
    """Whether only some path froze it, which one is not known."""
    flag = obj.slots.get("trainable")
    return isinstance(flag, Choice) and not obj.slots.get("#compiled") and any(truth(option) is False for option in flag.options)


def freeze(run: Run, obj: Obj) -> None:
    """What is frozen runs in inference mode, whatever the call around says; what may be frozen, perhaps."""
    if frozen(obj):
        run.memory.write(run.state, "context", Const(False))
    elif perhaps_frozen(obj):
        flag = contexts.context(run)
        if (flag is not None and truth(flag) is not False) or contexts.phase(run) is not None:
            run.memory.write(run.state, "context", Choice((Const(True), Const(False))))


def output(args: Args) -> Data:
    first = args.positional[0] if args.positional else UNKNOWN
    made = mix([value for value in args.all() if type(value) is not Const])
    return replace(made, batch=first.batch, assumed=first.assumed, kind="tensor") if type(first) is Data else made


# --- methods ---------------------------------------------------------------------------------

TRAINING = frozenset({"fit", "fit_generator", "train_on_batch"})
EVALUATING = frozenset({
    "predict", "predict_on_batch", "predict_generator", "evaluate", "evaluate_generator", "test_on_batch", "predict_classes",
    "predict_proba",
})  # fmt: skip


def method(run: Run, obj: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method that Keras gives to every layer or model."""
    if name in ("__call__", "call"):
        return apply(run, obj, args, node)
    if name in TRAINING:
        return train(run, obj, name, args, node)
    if name in EVALUATING:
        if name == "evaluate":
            step(run, obj, "test_step", name, args, node)
        given = Args(args.positional[:1] or tuple(args.keywords.get(key, UNKNOWN) for key in ("x",)))
        return forward(run, obj, given, Const(False), node, generators.given_batch(name, args))
    if name == "add":
        layer = args.get(0, "layer")
        if layer is not None:
            building.append(run, obj, layer, node)
        return NONE
    if name == "compile":
        flag = obj.slots.get("trainable")
        optimizer = args.get(0, "optimizer")
        if penalties.private(optimizer):
            penalties.unprotected(run, obj, [norm for norm in norms_within(run, obj) if not frozen(norm)], optimizer, node)
        if flag is None or (truth(flag) is not False and not perhaps_frozen(obj)):
            run.memory.write(obj.slots, "#compiled", True)
        return NONE
    if name in ("get_updates_for", "get_updates"):
        return graphs.updates(norms_within(run, obj))
    if name == "get_layer":
        return UNKNOWN
    if name == "get_weights":
        return copying.got(obj)
    if name in ("load_weights", "set_weights"):
        obj.slots["#loaded"] = True  # kept for good: rules ask for it when the story is over
        return copying.set_weights(run, obj, args, node) if name == "set_weights" else NONE
    if name in ("summary", "build", "save", "save_weights", "reset_states", "__init__"):
        return NONE
    if name == "add_weight":
        return Data(kind="tensor")
    return Data()


def train(run: Run, obj: Obj, name: str, args: Args, node: ir.Call) -> Value:
    given = Args((generators.fed(run, name, args, node),))
    before = len(run.story.events)
    if name == "fit" and args.get(None, "validation_data") is not None:
        step(run, obj, "test_step", name, args, node)
    if name != "train_on_batch" and step(run, obj, "train_step", name, args, node, given.positional[0]):
        generators.last_for(run, before, name, args)
        return Data()
    result = forward(run, obj, given, Const(True), node, generators.given_batch(name, args))
    for event in run.story.events[before:]:
        if isinstance(event, Forward) and event.net is obj:
            mark(run, event.number, "training", event.where)
    generators.last_for(run, before, name, args)
    return replace(result, grad=NO_TOKENS) if type(result) is Data else UNKNOWN


def step(run: Run, obj: Obj, method: str, name: str, args: Args, node: ir.Call, given: Value = UNKNOWN) -> bool:
    """Run the project's own `train_step` or `test_step`, where a model has one."""
    own = objects.find(run, obj.cls.order, method) if isinstance(obj.cls, Cls) else None
    if not isinstance(own, Func):
        return False
    batch, assumed = generators.given_batch(name, args)
    source = next((option for option in options(given) if generators.is_loader(option)), (obj, method))
    data = Data(frozenset({Token("batch", source)}), NO_TOKENS, batch, assumed, kind="tensor")
    calls.call_function(run, own, Args((obj, data)), node)
    return True
