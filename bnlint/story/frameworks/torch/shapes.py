"""What is known of the shape of a tensor inside a network: axes, channels, whether each example has one value per channel.

Also the layer that gave it directly, so that a batch norm knows what stands before it.

Facts, torch 2.13: the constructors' signatures; `BatchNorm1d` takes (N, C) or (N, C, L), `BatchNorm2d` (N, C, H, W).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import iteration
from bnlint.story.machine import Run
from bnlint.story.values import Choice, Const, Data, Obj, Shape, Tuple, Value, number, options

CHANNELS = {
    **{f"Conv{n}d": (n + 2, 1, "out_channels") for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": (n + 2, 1, "out_channels") for n in (1, 2, 3)},
    **{f"LazyConv{n}d": (n + 2, 0, "out_channels") for n in (1, 2, 3)},
    "Linear": (None, 1, "out_features"),
    "LazyLinear": (None, 0, "out_features"),
}
"""layers that make channels -> axes of what they give (None: those they are given), position and name of the number"""
BIAS = {
    **{f"Conv{n}d": 7 for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": 7 for n in (1, 2, 3)},
    "Linear": 2,
}
"""layers with a bias by default -> its position (ConvTranspose: output_padding and groups stand before it)"""
POOLED = ("AdaptiveAvgPool", "AdaptiveMaxPool")
SIZED = ("MaxPool", "AvgPool", "LPPool", "Upsample", "ZeroPad", "ReflectionPad", "ReplicationPad", "ConstantPad")
ALIKE = (
    "ReLU", "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Hard", "Softplus",
    "Softsign", "Dropout", "AlphaDropout", "FeatureAlphaDropout", "BatchNorm", "SyncBatchNorm", "LazyBatchNorm", "InstanceNorm",
    "GroupNorm", "LayerNorm", "LogSigmoid", "Threshold", "Softmax",
)  # fmt: skip
"""layers that keep the shape"""
MOVED = frozenset({"to", "cuda", "cpu", "contiguous", "clone", "pin_memory", "npu", "xpu", "mps", "requires_grad_", "view_as"})
"""methods after which a tensor is still what its layer gave"""


def given(run: Run, made: Obj, args: Args) -> None:
    """Keep a layer's constructor arguments, as far as its shape hangs on them."""
    last = made.lib.rpartition(".")[2]
    if last in CHANNELS:
        _, place, name = CHANNELS[last]
        made.slots["#channels"] = args.get(place, name)
        if last.startswith("Conv") and is_one(args.get(2, "kernel_size")) and args.get(4, "padding") in (None, Const(0)):
            made.slots["#pointwise"] = True
        if last in BIAS:
            made.slots["#bias"] = args.get(BIAS[last], "bias") or (Const(None) if args.double_star else Const(True))
            if made.site is not None:
                run.story.biased.setdefault(made.site, []).append(made)
    elif last.startswith(POOLED):
        made.slots["#pooled"] = args.get(0, "output_size")
    elif last.startswith(("BatchNorm", "SyncBatchNorm")):
        made.slots["#features"] = args.get(0, "num_features")
    elif last.startswith("Dropout"):
        made.slots["#rate"] = args.get(0, "p") or Const(0.5)


def without_bias(run: Run, layer: Obj) -> None:
    """`layer.bias = None`, `layer.register_parameter("bias", None)`"""
    if "#bias" in layer.slots:
        run.memory.write(layer.slots, "#bias", Const(False))


def output(layer: Obj, value: Data, given_: Value) -> Data:
    """What a layer of the library gives, when `value` is what is known of it without the shape."""
    shape = of(given_)
    last = layer.lib.rpartition(".")[2]
    if last == "Identity":
        return replace(value, shape=shape)
    return replace(value, shape=after(layer, last, shape))


def after(layer: Obj, last: str, shape: Shape | None) -> Shape | None:
    if last in CHANNELS:
        axes = CHANNELS[last][0]
        channels = whole(layer.slots.get("#channels"))
        if axes is None:
            axes = shape.axes if shape is not None else None
            return Shape(axes, channels, True if axes == 2 else None, layer)
        one = shape is not None and shape.single and layer.slots.get("#pointwise")
        return Shape(axes, channels, True if one else None, layer)
    if last.startswith(POOLED):
        one = is_one(layer.slots.get("#pooled"))
        axes = shape.axes if shape is not None else int(last[-2]) + 2 if last[-2:-1].isdigit() else None
        return Shape(axes, shape.channels if shape is not None else None, True if one else None, layer)
    if last == "Flatten":
        single = shape is not None and shape.single
        return Shape(2, shape.channels if shape is not None and single else None, True, layer)
    if last.startswith(SIZED) and shape is not None:
        return Shape(shape.axes, shape.channels, None, layer)
    if last.startswith(ALIKE):
        return replace(shape, made=layer) if shape is not None else Shape(None, None, None, layer)
    return None


def of(value: Value) -> Shape | None:
    return value.shape if type(value) is Data else None


def whole(value: Value | None) -> int | None:
    """A known number of channels; a default of an option is none that can be relied on."""
    known = number(value) if value is not None else None
    return int(known[0]) if known is not None and not known[1] and known[0] == int(known[0]) else None


def is_one(value: Value | None) -> bool:
    """Whether an output size is 1, (1, 1) or [1, 1]."""
    if value is None or isinstance(value, Choice):
        return value is not None and all(is_one(option) for option in options(value))
    if isinstance(value, Tuple):
        return bool(value.items) and all(item == Const(1) for item in value.items)
    if isinstance(value, Obj) and value.lib == "list":
        return bool(value.slots.get("#items")) and all(item == Const(1) for item in value.slots["#items"])
    return value == Const(1)


# --- functions and methods of tensors --------------------------------------------------------


def touched(value: Value, name: str) -> Value:
    """A tensor after a function that keeps its shape: no layer gave it directly any more."""
    if type(value) is Data and value.shape is not None and value.shape.made is not None and name not in MOVED:
        return replace(value, shape=replace(value.shape, made=None))
    return value


def flattened(value: Data, result: Data) -> Data:
    """`flatten(x, 1)`, `x.view(x.size(0), -1)`: one row for each example."""
    shape = value.shape
    channels = shape.channels if shape is not None and shape.single else None
    return replace(result, shape=Shape(2, channels, True, None))


def viewed(run: Run, value: Data, result: Data, args: Args, node: ir.Call) -> Data:
    """`x.view(n, -1)` and its like."""
    sizes: list[Value] = list(args.positional)
    if len(sizes) == 1 and isinstance(sizes[0], (Tuple, Obj)):
        sizes = iteration.elements(run, sizes[0], node)[0]
    if args.star is None and len(sizes) == 2:
        return flattened(value, result)
    return replace(result, shape=None)


def averaged(run: Run, value: Data, result: Data, axes: Value | None, node: ir.Call) -> Data:
    """`x.mean((2, 3))`: global average pooling."""
    shape = value.shape
    if axes is None or shape is None or not isinstance(axes, (Tuple, Obj)):
        return replace(result, shape=None)
    items = iteration.elements(run, axes, node)[0]
    spatial = {number(item)[0] for item in items if number(item) is not None}  # type: ignore[index]
    if shape.axes is not None and {size % shape.axes for size in spatial} == set(range(2, shape.axes)):
        return replace(result, shape=Shape(2, shape.channels, True, None))
    return replace(result, shape=None)


def single(norm: Obj, shape: Shape | None) -> bool | None:
    """Whether a batch norm that is given this sees one value per channel and example; None where that is not known."""
    if shape is None:
        return None
    if shape.single:
        return True
    one = norm.lib.endswith("BatchNorm1d")
    if one and shape.axes is None and shape.made is not None and shape.made.lib.endswith("Linear"):
        return True  # a linear layer on (N, L, C) would be followed by another norm
    return False if shape.axes is not None and shape.axes > 2 and shape.single is False else None
