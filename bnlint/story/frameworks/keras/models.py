"""Keras layers and models: what they hold, in which mode a call runs them, and what fit and its like do.

Facts: Keras 2.15 and 3.15 ("BatchNormalization": training=False unless a call, an outer call or fit says so; trainable=False
means inference mode; fit and train_on_batch train, predict and evaluate do not; fit's batch_size is 32 by default). The mode
that a constant in a functional model gives is not decided here: it depends on the version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Built, Forward, Mode, NormUse
from bnlint.story.framework import Args, library_base
from bnlint.story.frameworks.keras import formats, generators, graphs, neighbours
from bnlint.story.frameworks.tensorflow import penalties, renorm
from bnlint.story.frameworks.tensorflow.graph import collect
from bnlint.story.frameworks.torch.families import holds_norm
from bnlint.story.frameworks.torch.networks import batch_of, tag
from bnlint.story.frameworks.torch.tensors import mark, size
from bnlint.story.interpreter import calls, conditions, iteration, objects
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
    Lib,
    Obj,
    Token,
    Tuple,
    Value,
    options,
    truth,
)

NORMS = frozenset({
    "keras.layers.BatchNormalization", "keras.layers.BatchNormalizationV1", "keras.layers.BatchNormalizationV2",
    "keras.layers.SyncBatchNormalization", "keras.layers.experimental.SyncBatchNormalization",
    "keras.layers.normalization.BatchNormalization",
})  # fmt: skip
SEQUENTIAL = frozenset({"keras.Sequential", "keras.models.Sequential"})
FUNCTIONAL = frozenset({"keras.Model", "keras.models.Model", "keras.Functional", "keras.training.Model"})
INPUTS = frozenset({"keras.Input", "keras.layers.Input", "keras.layers.InputLayer", "keras.engine.Input"})
SYMBOLIC = "keras"
BY_DEFAULT = ("training", "default")
"""the symbol of a flag that only the default of a `call`'s own parameter gives"""


def is_keras(value: Value) -> bool:
    """Whether a value is a layer or model: of the library, or of a project class derived from one."""
    if not isinstance(value, Obj):
        return False
    if isinstance(value.cls, Cls):
        base = library_base(value.cls, ("keras",))
        return base is not None and (base.name in FUNCTIONAL | SEQUENTIAL or base.name.startswith("keras.layers."))
    return value.lib.startswith(("keras.layers.", "keras.applications.")) or value.lib in SEQUENTIAL | FUNCTIONAL


def is_norm(run: Run, obj: Obj) -> bool:
    names = run.project.options.batch_norm_classes
    if isinstance(obj.cls, Cls):
        return obj.cls.name in names or any(isinstance(base, Lib) and base.name in NORMS for base in obj.cls.order)
    return obj.lib in NORMS or obj.lib in names


# --- building --------------------------------------------------------------------------------


def build(run: Run, name: str, args: Args, node: ir.Call, default_format: Value | None = None) -> Value | None:
    """A layer, a model, or an input of the library; None if the name is none of them."""
    if name in INPUTS:
        return symbolic_input(run, name, args, node)
    if name in SEQUENTIAL:
        made = run.allocate(Lib(name), node)
        first = args.get(0, "layers")
        items, rest = iteration.elements(run, first, node) if isinstance(first, (Obj, Tuple)) else ([], None)
        if rest is not None:
            made.slots["#rest"] = rest
        for item in items:
            append(run, made, item, node)
        return made
    if name in FUNCTIONAL:
        made = run.allocate(Lib(name), node)
        outputs = args.get(1, "outputs") or UNKNOWN
        made.slots["#within"] = frozenset(token for token in collect(outputs)[0] if token.kind in ("layer", "fixed layer"))
        return made
    root, _, last = name.rpartition(".")
    if root.startswith("keras.layers") and last[:1].isupper():
        made = run.allocate(Lib(f"keras.layers.{last}" if f"keras.layers.{last}" in NORMS else name), node)
        trainable = args.get(None, "trainable")
        if trainable is not None:
            made.slots["trainable"] = trainable
        formats.settle(made, last, args, default_format)
        neighbours.settle(made, last, args)
        if made.lib in NORMS:
            told = given_arguments(args)
            run.emit(Built, node, lib=made.lib, obj=made, call=node, arguments=told, positional=len(args.nodes))
            renorm.noted(run, made, told, node)
        inner = args.get(0, "layer")
        if isinstance(inner, Obj) and is_keras(inner):
            made.slots["#items"] = (inner,)
        return made
    if root.startswith("keras.applications") and last[:1].isupper():
        made = run.allocate(Lib(name), node)
        made.slots["#norms"] = holds_norm(last)
        return made
    return None


def append(run: Run, model: Obj, layer: Value, node: ir.Expr) -> None:
    """Put a layer at the end of a Sequential model."""
    if isinstance(layer, Obj):
        formats.appended(run, model, layer, node)
        neighbours.appended(run, model, layer, is_norm(run, layer), node)
    run.memory.write(model.slots, "#items", (*model.slots.get("#items", ()), layer))


def given_arguments(args: Args) -> dict[str, tuple[Value, ir.Expr]]:
    """The arguments of a batch norm by name: of the positional ones only the first is in common use, the axis."""
    found = {name: (value, args.keyword_nodes[name]) for name, value in args.keywords.items() if name in args.keyword_nodes}
    if args.positional and args.nodes:
        found["axis"] = (args.positional[0], args.nodes[0])
    return found


def symbolic_input(run: Run, name: str, args: Args, node: ir.Call) -> Value:
    if name.endswith("InputLayer"):
        return run.allocate(Lib(name), node)
    run.serial += 1
    batch, assumed = size(args.get(None, "batch_size"))
    given = args.get(None, "batch_shape")
    if isinstance(given, (Tuple, Obj)):
        items = iteration.elements(run, given, node)[0]
        batch, assumed = size(items[0]) if items else (None, False)
    return Data(batch=batch, assumed=assumed, symbol=("keras input", run.serial), kind=SYMBOLIC)


def parts(obj: Obj) -> Iterator[tuple[Obj, bool]]:
    """The layers that a model holds, and whether their mode is fixed by a constant in a functional model."""
    for item in (*obj.slots.get("#items", ()), *((obj.slots["#rest"],) if "#rest" in obj.slots else ())):
        for option in options(item):
            if isinstance(option, Obj):
                yield option, False
    for token in sorted(obj.slots.get("#within", NO_TOKENS), key=lambda token: token.ref.serial):
        yield token.ref, token.kind == "fixed layer"
    if isinstance(obj.cls, Cls):
        for key, value in list(obj.slots.items()):
            if isinstance(key, str) and not key.startswith("#"):
                for option in flat(value):
                    if is_keras(option):
                        yield option, False  # type: ignore[misc]


def flat(value: Value) -> Iterator[Value]:
    if isinstance(value, Obj) and value.lib == "list":
        yield from value.slots.get("#items", ())
    elif isinstance(value, (Tuple, Choice)):
        yield from value.items if isinstance(value, Tuple) else value.options
    else:
        yield value


# --- calling ---------------------------------------------------------------------------------


def context(run: Run) -> Value | None:
    """The `training` of the call around, None outside of any."""
    found = run.state.get("context")
    return found if isinstance(found, (Const, Data, Choice)) else None


def apply(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    """A layer or model is called on something: on symbolic inputs it is built into a model, else it runs."""
    given = [value for value in args.all() if symbolic(value)]
    if given:
        flag = args.get(None, "training")
        kind = "layer" if flag is None or (type(flag) is Const and flag.value is None) else "fixed layer"
        flow = frozenset({Token(kind, obj)})
        for value in args.all():
            flow |= collect(value)[0]
        flow = formats.passed(run, obj, flow, node)
        first = args.get(0)
        batch, assumed = batch_of(first) if first is not None else (None, False)
        if is_norm(run, obj):
            neighbours.applied(run, obj, first, node)
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
    event.norms = tuple(norms.values())
    token = frozenset({event.token})
    return graphs.noted(run, event, tag(result, token, token, False, count, assumed), node)


def inner(run: Run, obj: Obj, args: Args, training: Value | None, node: ir.Call) -> Value:
    run.step()
    before = run.state.get("context")
    if training is None or (type(training) is Const and training.value is None):
        training = context(run)
    run.memory.write(run.state, "context", training)
    try:
        if isinstance(obj.cls, Cls) and not is_norm(run, obj):
            own = objects.find(run, obj.cls.order, "call")
            if isinstance(own, Func):
                held = [(key, part) for key, part in obj.slots.items() if isinstance(part, Obj) and isinstance(key, str)]
                neighbours.called(run, obj, own, [(key, part) for key, part in held if is_norm(run, part)])
                return calls.call_function(run, own, with_training(own, obj, args, training), node)
        if frozen(obj):
            run.memory.write(run.state, "context", Const(False))
        hold(run, obj, False)
        result, first = output(args), args.get(0)
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


def hold(run: Run, obj: Obj, fixed: bool, seen: set[int] | None = None) -> None:
    """Write down the batch norms of a layer or model, in the mode that the call around says."""
    seen = set() if seen is None else seen
    if id(obj) in seen or len(seen) > 2000:
        return
    seen.add(id(obj))
    if is_norm(run, obj) or obj.slots.get("#norms") in ("yes", "maybe"):
        use(run, obj, fixed)
        return
    for part, constant in parts(obj):
        if frozen(part):
            before = run.state.get("context")
            run.memory.write(run.state, "context", Const(False))
            hold(run, part, False, seen)
            run.memory.write(run.state, "context", before)
        else:
            hold(run, part, fixed or constant, seen)


def norms_within(run: Run, obj: Obj) -> list[Obj]:
    """The batch norms of a layer or model."""
    found: list[Obj] = []
    seen: set[int] = set()
    stack = [obj]
    while stack and len(seen) < 2000:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if is_norm(run, current) or current.slots.get("#norms") in ("yes", "maybe"):
            found.append(current)
        else:
            stack.extend(part for part, _ in parts(current))
    return found


def use(run: Run, norm: Obj, fixed: bool) -> None:
    flag = context(run)
    answer: bool | None = False
    if flag is not None:
        answer = conditions.decide(run, flag)[0]
        if answer is None and type(flag) is Const and isinstance(flag.value, int):
            answer = bool(flag.value) if not flag.assumed else None
    if frozen(norm):
        answer = False
    elif fixed:
        answer = None
    modes = {"train", "eval"} if answer is None else {"train" if answer else "eval"}
    if run.norms:
        certain = norm.slots.get("#norms") != "maybe"
        unsaid = flag is None or (type(flag) is Const and flag.symbol == BY_DEFAULT)
        by_default = unsaid and not frozen(norm) and not fixed
        marks = frozenset(Mode(mode, -1) for mode in modes)
        run.norms[-1][id(norm)] = NormUse(norm, marks, certain, by_default=by_default)


def frozen(obj: Obj) -> bool:
    """Whether `trainable = False` puts a layer in inference mode; a model compiled before trains on."""
    flag = obj.slots.get("trainable")
    return flag is not None and truth(flag) is False and not obj.slots.get("#compiled")


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
        given = Args(args.positional[:1] or tuple(args.keywords.get(key, UNKNOWN) for key in ("x",)))
        return forward(run, obj, given, Const(False), node, generators.given_batch(name, args))
    if name == "add":
        layer = args.get(0, "layer")
        if layer is not None:
            append(run, obj, layer, node)
        return NONE
    if name == "compile":
        flag = obj.slots.get("trainable")
        optimizer = args.get(0, "optimizer")
        if penalties.private(optimizer):
            penalties.unprotected(run, obj, [norm for norm in norms_within(run, obj) if not frozen(norm)], optimizer, node)
        if flag is None or truth(flag) is not False:
            run.memory.write(obj.slots, "#compiled", True)
        return NONE
    if name in ("get_updates_for", "get_updates"):
        return graphs.updates(norms_within(run, obj))
    if name == "get_layer":
        return UNKNOWN
    if name in ("load_weights", "set_weights"):
        obj.slots["#loaded"] = True  # kept for good: rules ask for it when the story is over
        return NONE
    if name in ("summary", "build", "save", "save_weights", "reset_states", "__init__"):
        return NONE
    if name == "add_weight":
        return Data(kind="tensor")
    return Data()


def train(run: Run, obj: Obj, name: str, args: Args, node: ir.Call) -> Value:
    given = Args((generators.fed(run, name, args, node),))
    before = len(run.story.events)
    own = objects.find(run, obj.cls.order, "train_step") if isinstance(obj.cls, Cls) else None
    if isinstance(own, Func) and name != "train_on_batch":
        batch, assumed = generators.given_batch(name, args)
        source = next((option for option in options(given.positional[0]) if generators.is_loader(option)), obj)
        step = Data(frozenset({Token("batch", source)}), NO_TOKENS, batch, assumed, kind="tensor")
        calls.call_function(run, own, Args((obj, step)), node)
        generators.last_for(run, before, name, args)
        return Data()
    result = forward(run, obj, given, Const(True), node, generators.given_batch(name, args))
    for event in run.story.events[before:]:
        if isinstance(event, Forward) and event.net is obj:
            mark(run, event.number, "training", event.where)
    generators.last_for(run, before, name, args)
    return replace(result, grad=NO_TOKENS) if type(result) is Data else UNKNOWN
