"""Layers of tf.layers and slim: what they compute, and what a batch norm adds to the graph.

Facts: TensorFlow 1.15 (tf.layers.batch_normalization: training=False by default, no update ops with a constant False or with
trainable=False; slim.batch_norm: is_training=True, updates_collections=UPDATE_OPS by default, None updates in place).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bnlint.program import model as ir
from bnlint.story.events import Built, Chained, GraphNorm, Recurring
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import axes, biases, renorm, scopes, wrappers
from bnlint.story.frameworks.tensorflow.graph import UPDATES, Graphs, below, key_of, op, shown, surroundings, unique
from bnlint.story.frameworks.tensorflow.networks import add_norm
from bnlint.story.frameworks.tensorflow.scopes import given_by_scope
from bnlint.story.interpreter import calls, conditions, iteration
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Const, Data, Lib, Obj, Shape, Token, Tuple, Value, number, options, truth

SLIM_NORM = "slim.batch_norm"
LAYERS_NORM = "tensorflow.layers.batch_normalization"
DROPOUTS = frozenset({"tensorflow.layers.dropout", "tensorflow.nn.dropout", "slim.dropout"})
NORM_OBJECTS = frozenset({"tensorflow.layers.BatchNormalization"})

LAYERS = {
    "dense": "dense", "conv1d": "conv1d", "conv2d": "conv2d", "conv3d": "conv3d", "separable_conv2d": "separable_conv2d",
    "separable_conv1d": "separable_conv1d", "conv2d_transpose": "conv2d_transpose", "conv3d_transpose": "conv3d_transpose",
}  # fmt: skip
"""tf.layers functions with variables -> the name that a layer without one gets"""

SLIM_LAYERS = {
    "conv2d": "Conv", "convolution2d": "Conv", "convolution": "Conv", "conv1d": "Conv", "conv3d": "Conv",
    "convolution1d": "Conv", "convolution3d": "Conv", "fully_connected": "fully_connected", "linear": "fully_connected",
    "separable_conv2d": "SeparableConv2d", "separable_convolution2d": "SeparableConv2d", "relu": "fully_connected",
    "conv2d_transpose": "Conv2d_transpose", "convolution2d_transpose": "Conv2d_transpose", "conv2d_in_plane": "ConvInPlane",
    "conv3d_transpose": "Conv3d_transpose", "layer_norm": "LayerNorm", "instance_norm": "InstanceNorm", "bias_add": "BiasAdd",
}  # fmt: skip


SIGNATURES = {
    LAYERS_NORM: (
        "inputs", "axis", "momentum", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer",
        "moving_mean_initializer", "moving_variance_initializer", "beta_regularizer", "gamma_regularizer", "beta_constraint",
        "gamma_constraint", "training", "trainable", "name", "reuse", "renorm", "renorm_clipping", "renorm_momentum", "fused",
    ),
    SLIM_NORM: (
        "inputs", "decay", "center", "scale", "epsilon", "activation_fn", "param_initializers", "param_regularizers",
        "updates_collections", "is_training", "reuse", "variables_collections", "outputs_collections", "trainable",
        "batch_weights", "fused", "data_format", "zero_debias_moving_mean", "scope", "renorm", "renorm_clipping", "renorm_decay",
    ),
}  # fmt: skip
"""TensorFlow 1.15"""


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    """A call of a layer function; None if the name is none."""
    root, _, last = name.rpartition(".")
    if name in DROPOUTS:
        return dropout(run, name, args, node)
    if name in (SLIM_NORM, "slim.batch_normalization", "slim.BatchNorm"):
        return slim_norm(run, graphs, given_by_scope(run, SLIM_NORM, args), node)
    if name == LAYERS_NORM:
        return layers_norm(run, graphs, args, node)
    if name in NORM_OBJECTS or (root == "tensorflow.layers" and last[:1].isupper()):
        made = run.allocate(Lib(name), node)
        made.slots["#args"] = args
        made.slots["#variables"] = surroundings(run).variables
        return made
    if root == "tensorflow.layers":
        if last in LAYERS:
            return axes.given(last, args, biases.called(run, last, args, node, layer(run, graphs, args, LAYERS[last])))
        first = args.get(0, "inputs") or UNKNOWN
        return op(run, args.all(), like=first)
    if name.startswith("slim.nets."):
        return library_network(run, graphs, last, args, node)
    if root == "slim":
        if last in ("repeat", "stack"):
            return repeat(run, last, args, node)
        if last in SLIM_LAYERS:
            return slim_layer(run, graphs, last, given_by_scope(run, name, args), node)
    return None


def dropout(run: Run, name: str, args: Args, node: ir.Call) -> Data:
    """A dropout: what comes out is known to come from it."""
    first = args.get(0, "inputs") or args.get(0, "x") or UNKNOWN
    made = run.allocate(Lib(name), node)
    kept = args.get(1, "keep_prob") if name != "tensorflow.layers.dropout" else None
    known = number(kept) if kept is not None else None
    rate = args.get(None if kept is not None else 1, "rate")
    made.slots["#rate"] = rate or (Const(1 - known[0], known[1]) if known is not None else UNKNOWN)
    return replace(op(run, args.all(), like=first), shape=Shape(None, None, None, made))


def layer(run: Run, graphs: Graphs, args: Args, base: str) -> Data:
    """A layer with weights: its output, and one variable that stands for all of its own."""
    name = args.get(None, "name") or args.get(None, "scope")
    path, _ = placed(run, graphs, name, base)
    variable(run, graphs, f"{path}/kernel:0", True)
    first = args.get(0, "inputs") or UNKNOWN
    handed = [value for value in args.all() if type(value) is Data]
    return op(run, [first, *handed], like=first)


def placed(run: Run, graphs: Graphs, name: Value | None, base: str) -> tuple[str, str]:
    """The paths of a layer's variables and of its ops."""
    around = surroundings(run)
    if name is None or (type(name) is Const and name.value is None):
        last = unique(run, graphs, around.variables, base)
    else:
        last = shown(name)
    return below(around.variables, last), below(around.ops, last)


def variable(run: Run, graphs: Graphs, name: str, trainable: bool, site: ir.Expr | None = None) -> Obj:
    """A variable of the graph: the same one for the same name, unless a part of it is unknown."""
    for known in graphs.current(run).slots.get("variables", ()):
        if known.slots["#name"] == name and "?" not in name:
            return known  # type: ignore[no-any-return]
    made = run.allocate(Lib("tensorflow.Variable"), site)
    made.slots["#name"] = name
    made.slots["name"] = Const(name) if "?" not in name else UNKNOWN
    token = frozenset({Token("variable", made)})
    made.slots["#flow"] = Data(token, token, kind="tensor")
    graphs.add(run, "variables", frozenset({made}))
    if trainable:
        graphs.add(run, "trainable", frozenset({made}))
    return made


# --- batch norm ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What tells a batch norm its mode: the value, the expression in the call where there is one, or the library's default."""

    flag: Value
    node: ir.Expr | None
    by_default: bool

    @property
    def constant(self) -> bool:
        """Whether the call itself says a constant, or nothing at all."""
        return isinstance(self.node, ir.Const) or (self.node is None and self.by_default)


def layers_norm(run: Run, graphs: Graphs, args: Args, node: ir.Call, name: Value | None = None) -> Data:
    flag = args.get(14, "training")
    unsure = args.double_star is not None or args.star is not None
    by_default = flag is None and not unsure
    if flag is None:
        flag = Const(False) if not unsure else UNKNOWN
    trainable = args.get(15, "trainable")
    adds = adding(run, flag, trainable)
    key: str | None = UPDATES if adds is not False else None
    given = name or args.get(16, "name")
    base = "batch_normalization"
    said = Said(flag, args.node(14, "training") if args.get(14, "training") is not None else None, by_default)
    return norm(run, graphs, LAYERS_NORM, args, node, given, base, said, key, adds is None or unsure)


def slim_norm(run: Run, graphs: Graphs, args: Args, node: ir.Call) -> Data:
    unsure = bool(args.double_star is not None or args.star is not None or run.state.get("scoped_unknown"))
    flag = args.get(9, "is_training")
    by_default = flag is None and not unsure
    if flag is None:
        flag = Const(True) if not unsure else UNKNOWN
    where = args.get(8, "updates_collections")
    adds = adding(run, flag, args.get(13, "trainable"))
    key: str | None = UPDATES
    in_place = False
    if where is not None:
        answers = {key_of(option) for option in options(where)}
        if all(type(option) is Const and option.value is None for option in options(where)):
            adds, in_place = False, adds is not False
        elif len(answers) == 1 and None not in answers:
            key = answers.pop()
        else:
            unsure = True
    if adds is False:
        key = None
    name = args.get(None, "scope")
    said = Said(flag, args.node(9, "is_training") if args.get(9, "is_training") is not None else None, by_default)
    return norm(run, graphs, SLIM_NORM, args, node, name, "BatchNorm", said, key, adds is None or unsure, in_place)


def adding(run: Run, flag: Value, trainable: Value | None) -> bool | None:
    """Whether a batch norm with this flag makes update ops; None where only the values of an unknown option tell.

    A placeholder or a condition makes them: whether they do something is decided when they run.
    """
    if trainable is not None and conditions.decide(run, trainable)[0] is False:
        return False
    decided, _, _ = conditions.decide(run, flag)
    if decided is not None:
        return decided
    if type(flag) is Const and not flag.value:
        return None if flag.assumed else False
    return True


def norm(
    run: Run,
    graphs: Graphs,
    lib: str,
    args: Args,
    node: ir.Call,
    name: Value | None,
    base: str,
    said: Said,
    key: str | None,
    maybe: bool,
    in_place: bool = False,
) -> Data:
    first = args.get(0, "inputs") or UNKNOWN
    variables, path = placed(run, graphs, name, base)
    trainable = args.get(15 if lib == LAYERS_NORM else 13, "trainable")
    learned = trainable is None or conditions.decide(run, trainable)[0] is not False
    affine = [variable(run, graphs, f"{variables}/{part}:0", learned) for part in affine_parts(run, lib, args)]
    average = variable(run, graphs, f"{variables}/moving_mean:0", lib == SLIM_NORM and kept_trainable(run, args, node))
    made = run.allocate(Lib(lib), node)
    made.slots["#name"] = variables
    if lib == LAYERS_NORM:
        axes.used(run, made, first, args, node)
    if lib in SIGNATURES:
        arguments = told(lib, args, node)
        run.emit(Built, node, lib=lib, obj=made, call=node, arguments=arguments, positional=len(args.nodes))
        renorm.noted(run, made, arguments, node)
    under = run.state.get("under", ())
    event = run.emit(
        GraphNorm, node, norm=made, name=variables, path=path, key=key, maybe=maybe, flag=said.flag, under=under,
        by_default=said.by_default, in_place=in_place, handed=said.node is not None and not said.constant,
        written=wrappers.written(run, said.node, said.flag) or scopes.written(run, said.flag), graph=graphs.current(run),
        dropped=wrappers.dropped(run, node, said.node) if said.constant else "",
    )  # fmt: skip
    add_norm(run, event)
    fed_back(run, event, first, node)
    if type(first) is Data and first.shape is not None and first.shape.made is not None and truth(said.flag) is not False:
        run.emit(Chained, node, norm=made, shape=first.shape)
    for part in (*affine, average):
        part.slots["#norm"] = event
    average.slots["#average"] = True
    if key is not None:
        graphs.add(run, "updates", frozenset({event.update}))
    result = op(run, [replace(first, shape=None) if type(first) is Data else first, said.flag], like=first)
    own = frozenset({event.token})
    return replace(result, flow=result.flow | own, grad=result.grad | own)


def fed_back(run: Run, event: GraphNorm, given: Value, node: ir.Call) -> None:
    """A batch norm is given what one with the same variables gave: the steps of a recurrence, unrolled with `reuse`."""
    if type(given) is not Data or "?" in event.name or not run.loops:
        return
    earlier = (token.ref for token in given.flow if token.kind == "norm")
    first = next((norm for norm in earlier if norm.name == event.name), None)
    if first is not None and conditions.decide(run, event.flag)[0] is not False:
        run.emit(Recurring, node, norm=event.norm, loop=run.loops[-1][0])


def told(lib: str, args: Args, node: ir.Call) -> dict[str, tuple[Value, ir.Expr]]:
    """What a batch norm was told, by name; of arguments that come from a scope or from elsewhere, the call stands for them."""
    found = dict(zip(SIGNATURES[lib], args.positional, strict=False))
    places = dict(zip(SIGNATURES[lib], args.nodes, strict=False))
    found.update(args.keywords)
    places.update(args.keyword_nodes)
    return {name: (value, places.get(name, node)) for name, value in found.items()}


def kept_trainable(run: Run, args: Args, node: ir.Call) -> bool:
    """Whether slim's `variables_collections=` may put the averages among the trainable variables, for a Saver's sake."""
    given = args.get(11, "variables_collections")
    if given is None or (type(given) is Const and given.value is None):
        return False
    if isinstance(given, Obj) and given.lib == "dict":
        given = given.slots.get("moving_mean")
    known, rest = iteration.elements(run, given, node) if isinstance(given, (Obj, Tuple)) else ([], UNKNOWN)
    return rest is not None or any(key_of(key) in (None, "trainable_variables") for key in known)


def affine_parts(run: Run, lib: str, args: Args) -> list[str]:
    """The learned variables of a batch norm: slim's has no scale unless it is asked for."""
    if lib not in (LAYERS_NORM, SLIM_NORM):
        return ["gamma", "beta"]
    at_center, at_scale = (4, 5) if lib == LAYERS_NORM else (2, 3)
    scale, center = args.get(at_scale, "scale"), args.get(at_center, "center")
    scaled = lib == LAYERS_NORM if scale is None else conditions.decide(run, scale)[0] is not False
    centered = center is None or conditions.decide(run, center)[0] is not False
    return [*(["gamma"] if scaled else []), *(["beta"] if centered else [])]


def apply(run: Run, graphs: Graphs, obj: Obj, args: Args, node: ir.Call) -> Value | None:
    """A layer object of tf.layers is called."""
    built = obj.slots.get("#args")
    if not isinstance(built, Args):
        return None
    if obj.lib not in NORM_OBJECTS:
        base = obj.lib.rpartition(".")[2].lower()
        return layer(run, graphs, Args(args.positional, {**built.keywords, **args.keywords}), base)
    keywords = dict(zip(SIGNATURES[LAYERS_NORM][1:14], built.positional, strict=False)) | built.keywords
    keywords.update(args.keywords)
    if len(args.positional) > 1:
        keywords["training"] = args.positional[1]
    given = Args(args.positional[:1], keywords, args.star, args.double_star, args.nodes, args.keyword_nodes)
    return layers_norm(run, graphs, given, node)


def library_network(run: Run, graphs: Graphs, last: str, args: Args, node: ir.Call) -> Value:
    """A network of slim's collection, and its arg_scope: `resnet_v2.resnet_v2_50(images, classes, is_training=...)`."""
    if last.endswith("arg_scope"):
        made = run.allocate(Lib("slim.arg_scope"), node)
        made.slots.update({"#scope": "arguments", "#scoped": run.state.get("scoped") or {}, "#unknown": False})
        return made
    first = args.get(0, "inputs") or UNKNOWN
    if not last.startswith(("resnet", "inception", "mobilenet", "densenet")) or last.endswith("block"):
        return op(run, args.all(), like=first)
    given = args.get(None, "is_training")
    flag = given or Const(True)
    key = UPDATES if adding(run, flag, None) is not False else None
    name = args.get(None, "scope") or Const(last)
    said = Said(flag, args.node(None, "is_training"), given is None)
    result = norm(run, graphs, f"slim.nets.{last}", args, node, name, last, said, key, False)
    return Tuple((result, replace(result, batch=None)))


# --- slim ------------------------------------------------------------------------------------


def slim_layer(run: Run, graphs: Graphs, last: str, args: Args, node: ir.Call) -> Value:
    """`slim.conv2d` and its like, with the normaliser that they are given."""
    value: Value = layer(run, graphs, args, SLIM_LAYERS[last])
    normalizer = args.get(None, "normalizer_fn")
    if normalizer is None or (type(normalizer) is Const and normalizer.value is None):
        return value
    params = args.get(None, "normalizer_params")
    known, more = iteration.keyword_items(run, params) if params is not None else ({}, None)
    if type(params) is Const:
        known, more = {}, None
    result = calls.call(run, normalizer, Args((value,), dict(known), None, more), node)
    if type(result) is Data:
        return result
    return op(run, [value, result], like=value)


def repeat(run: Run, last: str, args: Args, node: ir.Call) -> Value:
    """`slim.repeat(x, n, layer, ...)`: the layer, twice standing for any number."""
    value = args.get(0, "inputs") or UNKNOWN
    inner = args.get(2 if last == "repeat" else 1, "layer")
    if inner is None:
        return op(run, args.all(), like=value)
    more = args.positional[3:] if last == "repeat" else ()
    keywords = {name: given for name, given in args.keywords.items() if name not in ("inputs", "layer", "repetitions", "scope")}
    for _ in range(2):
        value = calls.call(run, inner, Args((value, *more), dict(keywords)), node)
    return value
