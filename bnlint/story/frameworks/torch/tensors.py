"""Tensors and arrays: what operations do to the batch axis, and where gradients end. Also NumPy's, which RL code mixes in."""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import Backward, Forward
from bnlint.story.events.dummies import Made
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import accumulation, batch_sizes, dummies, shapes
from bnlint.story.interpreter import iteration
from bnlint.story.joining import detached, flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, NONE, UNKNOWN, Const, Data, Obj, Token, Tuple, Value, number

DETACHING = frozenset({"detach", "detach_", "numpy", "item", "tolist", "argmax", "argmin", "long", "int", "bool", "byte"})
KEEPING = frozenset({
    "to", "cuda", "cpu", "float", "double", "half", "contiguous", "clone", "requires_grad_", "type", "clamp", "pin_memory",
    "float_", "type_as", "detach", "detach_", "numpy", "data", "squeeze_", "relu", "sigmoid", "tanh", "softmax", "abs",
    "astype", "copy", "flatten", "clip", "bfloat16", "expand_as", "view_as", "log_softmax", "exp", "log", "mul", "add", "sub",
    "div", "div_", "mul_", "add_", "sub_", "long", "int", "bool", "npu", "xpu", "permute_", "fill_", "normal_", "uniform_",
})  # fmt: skip

LARGEST = 1e9
"""sizes beyond are mistakes, or infinite"""
NOISE = frozenset({
    "randn", "rand", "randint", "randn_like", "rand_like", "normal", "empty", "randperm", "random", "uniform", "bernoulli",
})  # fmt: skip
CREATING = frozenset({"zeros", "ones", "full", "arange", "linspace", "zeros_like", "ones_like", "empty_like", "full_like", "eye"})


def size(value: Value | None) -> tuple[int | None, bool]:
    """A known positive whole number, and whether it is only assumed."""
    if type(value) is Data and value.kind == "size":
        return value.batch, value.assumed
    known = number(value) if value is not None else None
    if known is None or not 0 <= known[0] < LARGEST or known[0] != int(known[0]):
        return None, False
    return int(known[0]), known[1]


def shape_argument(run: Run, args: Args, node: ir.Call) -> tuple[int | None, bool]:
    """The first size of `(n, ...)` or `((n, ...))`."""
    first = args.get(0, "size") or args.get(None, "shape")
    if isinstance(first, Tuple) or (isinstance(first, Obj) and first.lib == "list"):
        items, _ = iteration.elements(run, first, node)
        first = items[0] if items else None
    return size(first)


def created(run: Run, name: str, args: Args, node: ir.Call) -> Data | None:
    """`torch.randn(16, 100)` and its like: noise and constants of a known first size."""
    if name in NOISE or name in CREATING:
        kind = "noise" if name in NOISE else "constant"
        if name.endswith("_like"):
            inner = args.get(0)
            batch, assumed = (inner.batch, inner.assumed) if type(inner) is Data else (None, False)
        else:
            where = args.get(2, "size") if name in ("normal", "uniform", "randint") else None
            if where is not None:
                args = Args((where,))
            batch, assumed = shape_argument(run, args, node)
        run.serial += 1
        serial = id(node) if run.forwards and kind == "constant" else run.serial  # the same in each forward
        made = Made(serial, name, () if name.endswith("_like") else dummies.sizes(run, args, node))
        return Data(frozenset({Token(kind, made)}), NO_TOKENS, batch, assumed, kind="tensor")
    return None


def concatenated(run: Run, args: Args, node: ir.Call) -> Value:
    """`cat([a, b])` along the first axis: the batches add up, and the parts are remembered."""
    first = args.get(0, "tensors") or UNKNOWN
    axis = args.get(1, "dim") or args.get(None, "axis")
    items, rest = iteration.elements(run, first, node)
    result = mix([first])
    if rest is not None or (axis is not None and not (type(axis) is Const and axis.value == 0)):
        sizes = {(item.batch, item.assumed) for item in items if type(item) is Data}
        if axis is not None and type(axis) is Const and axis.value not in (0, None) and len(sizes) == 1:
            batch, assumed = sizes.pop()
            return replace(result, batch=batch, assumed=assumed)
        return result
    # parts of parts are left out: what is joined with itself again and again would double each time
    parts = tuple(replace(item, parts=()) if item.parts else item for item in items if type(item) is Data)
    if len(parts) != len(items):
        return result
    known = [part.batch for part in parts]
    total = sum(batch for batch in known if batch is not None) if None not in known else None
    return replace(result, batch=total, assumed=any(part.assumed for part in parts), parts=parts)


def stacked(run: Run, args: Args, node: ir.Call) -> Value:
    first = args.get(0, "tensors") or UNKNOWN
    items, rest = iteration.elements(run, first, node)
    axis = args.get(1, "dim") or args.get(None, "axis")
    if axis is not None and axis != Const(0):
        sizes = {(item.batch, item.assumed) if type(item) is Data else (None, False) for item in items}
        batch, assumed = sizes.pop() if len(sizes) == 1 else (None, False)
        return replace(mix([first]), batch=batch, assumed=assumed)
    return replace(mix([first]), batch=len(items) if rest is None and items else None)


def from_list(run: Run, args: Args, node: ir.Call) -> Value:
    """`torch.tensor([x])`, `np.array([x])`: as long as the list."""
    first = args.get(0)
    if first is None:
        return UNKNOWN
    if type(first) is Data:
        return first
    result = mix([first])
    if isinstance(first, (Obj, Tuple)):
        items, rest = iteration.elements(run, first, node)
        if rest is None and items:
            return replace(result, batch=len(items))
    return result


def with_new_axis(value: Value, axis: Value | None) -> Value:
    """`unsqueeze(axis)`, `expand_dims(x, axis)`"""
    result = mix([value])
    if type(axis) is Const and axis.value == 0:
        return replace(result, batch=1, kind="tensor")
    if type(value) is Data:
        return replace(result, batch=value.batch, assumed=value.assumed)
    return result


def indexed(owner: Data, index: Value) -> Data | None:
    """`x[None]`, `x[None, ...]`, `x[:, 0]`, `x[:n]`, `x[mask]`, and `batch["image"]` of a loader's batch"""
    first = index.items[0] if isinstance(index, Tuple) and index.items else index
    if type(first) is Const and isinstance(first.value, str) and owner.batch is not None:
        return replace(owner, parts=(), symbol=None, label=first.value, shape=None)
    if type(first) is Const and first.value is None and not first.assumed:
        return replace(owner, batch=1, parts=(), symbol=None, kind="tensor", shape=None)
    if isinstance(first, Obj) and first.lib == "slice":
        bounds = first.slots["#items"]
        if all(type(bound) is Const and bound.value is None for bound in bounds):
            return replace(owner, parts=(), symbol=None, shape=None)
        upper = size(bounds[1])
        if upper[0] is not None and owner.batch is None and type(bounds[0]) is Const and bounds[0].value in (None, 0):
            return replace(owner, batch=None, parts=(), symbol=None, shape=None)
        return replace(owner, batch=None, parts=(), symbol=None, shape=None)
    return None


def reshaped(run: Run, owner: Data, args: Args, node: ir.Call) -> Value:
    """`x.view(n, -1)`: the first axis is what it is told to be."""
    batch, assumed = shape_argument(run, args, node)
    first = args.get(0)
    if isinstance(first, (Tuple, Obj)):
        items, _ = iteration.elements(run, first, node)
        first = items[0] if items else None
    if type(first) is Data and first.kind == "size":
        batch, assumed = owner.batch, owner.assumed
    return replace(owner, batch=batch, assumed=assumed, parts=(), symbol=None)


def method(run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method of a tensor, an array or something unknown."""
    if name == "backward":
        return backward(run, owner, args, node)
    if type(owner) is not Data:
        return None
    if name in ("unsqueeze", "unsqueeze_"):
        return with_new_axis(owner, args.get(0, "dim"))
    if name in ("view", "reshape", "resize", "resize_"):
        result = reshaped(run, owner, args, node)
        return shapes.viewed(run, owner, result, args, node) if type(result) is Data else result
    if name == "flatten":
        kept = replace(owner, symbol=None)
        return shapes.flattened(owner, kept) if args.get(0, "start_dim") == Const(1) else replace(kept, shape=None)
    if name == "mean":
        axes = args.positional[0] if len(args.positional) == 1 else args.get(None, "dim")
        if len(args.positional) > 1:
            axes = Tuple(args.positional)
        return shapes.averaged(run, owner, replace(mix([owner, *args.all()]), batch=None), axes, node)
    if name == "size":
        if args.get(0, "dim") == Const(0):
            asked = batch_sizes.asked_size(owner)
            if asked is not None or owner.batch is not None:
                return asked or Const(owner.batch, owner.assumed)
        if args.positional or args.keywords:
            return Data(kind="size")
        return batch_sizes.asked_size(owner) or Data(kind="size", batch=owner.batch, assumed=owner.assumed)  # as `x.shape`
    if name in ("chunk", "split"):
        return Tuple((), replace(owner, batch=None, parts=(), symbol=None, shape=None))
    if name in ("requires_grad_", "requires_grad"):
        return owner
    if name in DETACHING:
        kept = owner if name in KEEPING else replace(owner, batch=None)
        return shapes.touched(replace(detached(kept), symbol=None), name)
    if name in KEEPING:
        return shapes.touched(replace(owner, symbol=None) if owner.symbol is not None and owner.flow else owner, name)
    return None


def backward(run: Run, owner: Value, args: Args, node: ir.Call) -> Value:
    """`loss.backward()`, `accelerator.backward(loss)`: the forwards that the gradient reaches are training."""
    flow, grad = flow_of(owner)
    for value in args.all():
        more = flow_of(value)
        flow, grad = flow | more[0], grad | more[1]
    learn(run, flow, grad, node)
    return NONE


def learn(run: Run, flow: frozenset[Token], grad: frozenset[Token], node: ir.Call) -> None:
    forwards = frozenset(token.ref for token in grad if token.kind == "forward")
    event = run.emit(Backward, node, forwards=forwards, flow=flow)
    accumulation.added(run, event)
    for token in flow:
        if token.kind == "forward":
            purpose = "training" if token in grad else "auxiliary"
            mark(run, token.ref, purpose, event.where)


def mark(run: Run, number_: int, purpose: str, where: object) -> None:
    """Write down what a forward turned out to be for."""
    forward = run.story.event(number_)
    if isinstance(forward, Forward):
        forward.purposes.add(purpose)
        forward.reached.setdefault(purpose, where)  # type: ignore[arg-type]
