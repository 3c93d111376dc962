"""TensorFlow's functions that are more than an op over their arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import averages, copying, decay, statistics
from bnlint.story.frameworks.tensorflow.graph import Graphs, Placeholder, collect, note_made, op, surroundings
from bnlint.story.frameworks.torch import tensors
from bnlint.story.interpreter import calls, iteration
from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, NONE, UNKNOWN, Bound, Const, Data, Func, Obj, Partial, Token, Tuple, Value

NOISE = frozenset({
    "random_normal", "random_uniform", "truncated_normal", "random.normal", "random.uniform", "random.truncated_normal",
    "random.stateless_normal", "random.stateless_uniform", "random_gamma", "random.gamma", "multinomial", "random.categorical",
})  # fmt: skip
CREATING = frozenset({"zeros", "ones", "fill", "constant", "range", "linspace", "eye", "zeros_like", "ones_like"})
ASSIGNING = frozenset({
    "tensorflow.assign", "tensorflow.assign_add", "tensorflow.assign_sub", "tensorflow.moving_averages.assign_moving_average",
    "tensorflow.compat.v1.assign", "tensorflow.moving_averages.weighted_moving_average", "keras.backend.moving_average_update",
    "keras.backend.update", "tensorflow.state_ops.assign",
})  # fmt: skip
NORMALISING = frozenset({
    "tensorflow.nn.batch_normalization", "tensorflow.nn.fused_batch_norm", "tensorflow.nn.batch_norm_with_global_normalization",
})  # fmt: skip
LINEAR = frozenset({"add", "add_n", "subtract", "accumulate_n", "math.add", "math.add_n", "math.subtract"})
IDENTITY = frozenset({
    "tensorflow.identity", "tensorflow.tuple", "tensorflow.convert_to_tensor", "tensorflow.debugging.check_numerics",
    "tensorflow.check_numerics",
})  # fmt: skip
CONDITIONS = frozenset({
    "tensorflow.cond", "tensorflow.smart_cond", "tensorflow.contrib.framework.smart_cond", "slim.smart_cond",
    "keras.backend.in_train_phase",
})  # fmt: skip


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    short = name.removeprefix("tensorflow.")
    if short in ("placeholder", "placeholder_with_default", "sparse_placeholder", "compat.v1.placeholder"):
        return placeholder(run, short, args, node)
    if short in ("concat", "concat_v2"):
        return concatenated(run, args, node)
    if short in NOISE or (short in CREATING and not short.endswith("_like")):
        kind = "noise" if short in NOISE else "constant"
        batch, assumed = tensors.shape_argument(run, args, node)
        if short == "constant":
            batch, assumed = None, False
        made = op(run, args.all())
        run.serial += 1
        return replace(made, flow=made.flow | {Token(kind, run.serial)}, batch=batch, assumed=assumed)
    if short in ("stop_gradient", "sign", "math.sign"):
        made = op(run, args.all(), like=args.get(0))
        return replace(made, grad=NO_TOKENS)
    if name in IDENTITY:
        return op(run, list(args.positional[:1]) or args.all(), like=args.get(0), form="identity")
    if short in LINEAR or short in copying.ARITHMETIC:
        form = "linear" if short in LINEAR else ""
        return copying.remembered(args.all(), op(run, args.all(), like=args.get(0), form=form))
    if name in CONDITIONS:
        return condition(run, args, node)
    if short in ("while_loop", "scan", "map_fn", "foldl", "foldr", "py_func", "py_function", "case"):
        return follow(run, short, args, node)
    if short in ("group", "no_op"):
        return op(run, args.all(), kind="op")
    if short in ("with_dependencies", "python.ops.control_flow_ops.with_dependencies"):
        return after(run, args)
    if name in ASSIGNING:
        target = args.get(0, "ref") or args.get(None, "variable")
        if target is not None:
            statistics.assigned(target)
            copying.assigned(run, target, args.get(1, "value"), node)
        return averages.assigned(run, name, target or UNKNOWN, args, node, op(run, args.all(), kind="op"))
    if name in NORMALISING:
        fused = short == "nn.fused_batch_norm"
        mean_at = 3 if fused else 1
        statistics.normalises(args, mean_at)
        averages.normalised(run, args.get(mean_at, "mean"))
        decay.scaled(run, [args.get(1 if fused else 4, "scale"), args.get(2 if fused else 3, "offset")])
        return op(run, args.all(), like=args.get(0))
    if short in ("function", "contrib.eager.defun", "autograph.to_graph", "recompute_grad"):
        first = args.get(0)
        return first if isinstance(first, (Func, Bound, Partial)) else UNKNOWN
    if short in ("expand_dims",):
        return tensors.with_new_axis(op(run, args.all(), like=args.get(0)), args.get(1, "axis"))
    if short == "reshape":
        first = args.get(0)
        made = op(run, args.all())
        batch, assumed = tensors.shape_argument(run, Args(args.positional[1:], {}), node)
        if batch is None and type(first) is Data:
            return made
        return replace(made, batch=batch, assumed=assumed)
    if short.startswith(("reduce_", "argmax", "logging.", "summary.", "shape", "size", "rank", "squeeze")):
        return quiet(run, short, args)
    if short in ("make_template",):
        inner = args.get(1, "func_")
        return Partial(inner, (), {}) if inner is not None else UNKNOWN
    return None


def quiet(run: Run, short: str, args: Args) -> Value:
    if short.startswith("logging."):
        return NONE
    made = op(run, args.all(), like=args.get(0) if short == "squeeze" else None)
    return replace(made, grad=NO_TOKENS) if short.startswith(("argmax", "shape", "size", "rank")) else made


def placeholder(run: Run, short: str, args: Args, node: ir.Call) -> Data:
    """Something to be fed; it is told apart from others by its symbol."""
    default = args.get(0, "input") if short == "placeholder_with_default" else None
    shape = args.get(1, "shape")
    batch: int | None = None
    if isinstance(shape, (Tuple, Obj)):
        items, _ = iteration.elements(run, shape, node)
        batch = tensors.size(items[0])[0] if items else None
    holder = Placeholder(default if isinstance(default, Const) else None, batch)
    run.serial += 1
    run.loud += 1
    token = frozenset({Token("placeholder", holder)})
    return Data(token, token, batch, symbol=("placeholder", run.serial), kind="placeholder")


def concatenated(run: Run, args: Args, node: ir.Call) -> Value:
    """`tf.concat([a, b], axis)`, in TensorFlow 0 the other way round."""
    first, second = args.get(0, "values") or args.get(0, "concat_dim"), args.get(1, "axis") or args.get(1, "values")
    if type(first) is Const:
        first, second = second, first
    made = tensors.concatenated(run, Args((first or UNKNOWN, second or Const(0))), node)
    extra = op(run, args.all())
    if type(made) is not Data:
        return extra
    return replace(made, flow=made.flow | extra.flow, grad=made.grad | extra.grad, kind="tensor")


def condition(run: Run, args: Args, node: ir.Call) -> Value:
    """`tf.cond(predicate, true_fn, false_fn)`: both branches are built."""
    pred = args.get(0, "pred") or UNKNOWN
    found: list[tuple[Value, bool]] = []
    around = run.state.get("under", ())
    for branch, side in (
        (args.get(1, "true_fn") or args.get(None, "fn1"), True),
        (args.get(2, "false_fn") or args.get(None, "fn2"), False),
    ):
        if branch is not None:
            run.memory.write(run.state, "under", (*around, (pred, side)))
            found.append((calls.call(run, branch, Args(), node) if callable_value(branch) else branch, side))
    run.memory.write(run.state, "under", around)
    return averages.chosen(run, pred, found, merged(run, [value for value, _ in found], pred), node)


def merged(run: Run, found: list[Value], pred: Value) -> Value:
    tuples = [value for value in found if isinstance(value, Tuple)]
    if len(tuples) == len(found) == 2 and len(tuples[0].items) == len(tuples[1].items):
        return Tuple(tuple(merged(run, [a, b], pred) for a, b in zip(tuples[0].items, tuples[1].items, strict=True)))
    if any(isinstance(value, Obj) and value.lib != "tensorflow.Variable" for value in found):
        return choose(found)
    flow, grad = collect(Tuple((*found, pred)))
    made = op(run, [])
    likes = [value for value in found if type(value) is Data]
    batch = likes[0].batch if likes and len({value.batch for value in likes}) == 1 else None
    return Data(flow | made.flow, grad | made.grad, batch, kind="tensor")


def callable_value(value: Value) -> bool:
    return isinstance(value, (Func, Bound, Partial))


def follow(run: Run, short: str, args: Args, node: ir.Call) -> Value:
    """Functions that call a function they are given: it is followed once."""
    values: list[Value] = list(args.all())
    for value in args.all():
        if callable_value(value):
            func: Callable[..., object] = calls.call
            count = getattr(getattr(value, "func", value), "node", None)
            wanted = len(count.params.items) if count is not None else 1
            result = func(run, value, Args(tuple(Data(*collect(Tuple(tuple(args.all())))) for _ in range(wanted))), node)
            values.append(result)  # type: ignore[arg-type]
    return op(run, [value for value in values if not callable_value(value)])


def after(run: Run, args: Args) -> Value:
    """`with_dependencies(dependencies, tensor)`: the tensor, once these have run."""
    given, tensor = args.get(0, "dependencies") or UNKNOWN, args.get(1, "output_tensor") or UNKNOWN
    note_made(surroundings(run).deps, "identity")
    flow = collect(given)[0] | collect(tensor)[0]
    from bnlint.story.frameworks.tensorflow.graph import join_trains

    join_trains(flow)
    return Data(flow, collect(tensor)[1], kind="tensor")


def method(run: Run, owner: Data, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method of a tensor, or of one of several variables."""
    if name in ("assign", "assign_add", "assign_sub"):
        copying.assigned(run, owner, args.get(0, "value"), node)
        return op(run, args.all())
    if name in ("get_shape", "set_shape", "shape", "as_list", "numpy"):
        return Data(kind="size", batch=owner.batch, assumed=owner.assumed) if name != "numpy" else replace(owner, grad=NO_TOKENS)
    return None
