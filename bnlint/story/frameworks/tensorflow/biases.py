"""Layers of tf.layers and Keras that add a bias: whether they do, and whether anything of their own comes after it.

Facts: TensorFlow 1.15, "tf.layers.conv2d" and its like; Keras 2.15 and 3.15, "Conv2D" and its like (`use_bias=True`,
`activation=None` by default; `bias` in Keras 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Lib, Obj, Shape, Tuple, Value, truth

BIAS = "#bias"
"""slot of a layer whose last step may be to add a bias: whether it does"""
ELSEWHERE = "#elsewhere"
"""slot of such a layer: something else than a batch norm is given its output as well, where the bias is not taken away"""
AFTER = {
    "dense": 2, "conv1d": 7, "conv2d": 7, "conv3d": 7, "conv2d_transpose": 6, "conv3d_transpose": 6, "separable_conv1d": 8,
    "separable_conv2d": 8,
}  # fmt: skip
"""functions of tf.layers -> where their activation stands; `use_bias` follows"""
LAYERS = {
    "Dense": 1, "Conv1D": 6, "Conv2D": 6, "Conv3D": 6, "Convolution1D": 3, "Convolution2D": 3, "Convolution3D": 3,
    "Conv2DTranspose": 5, "Conv3DTranspose": 5, "Deconvolution2D": 3, "SeparableConv1D": 7, "SeparableConv2D": 7,
    "SeparableConvolution2D": 3, "DepthwiseConv2D": 5,
}  # fmt: skip
"""classes of Keras -> so many positional arguments say nothing of activation and bias in any version"""


def built(run: Run, made: Obj, last: str, args: Args) -> None:
    """A layer of Keras is built."""
    if last in LAYERS and made.site is not None:
        run.story.biased.setdefault(made.site, []).append(made)
    if last in LAYERS and len(args.positional) <= LAYERS[last] and args.double_star is None and args.star is None:
        bias = settled(args.get(None, "activation"), args.get(None, "use_bias") or args.get(None, "bias"))
        if bias is not None:
            made.slots[BIAS] = bias


def called(run: Run, last: str, args: Args, node: ir.Call, result: Data) -> Data:
    """A function of tf.layers is called; what it gives is known to come from it if a bias is the last thing that it adds."""
    at = AFTER.get(last)
    if at is None or args.double_star is not None or args.star is not None:
        return result
    bias = settled(args.get(at, "activation"), args.get(at + 1, "use_bias"))
    by_call = run.story.biased.setdefault(run.place(node), [])
    if bias is None:
        by_call.append(None)
        return result
    made = run.allocate(Lib(f"tensorflow.layers.{last}"), node)
    made.slots[BIAS] = bias
    by_call.append(made)
    return replace(result, shape=Shape(None, None, None, made))


def settled(activation: Value | None, bias: Value | None) -> Value | None:
    """What tells whether there is a bias; None where there is none, or something is done to what it was added to."""
    if activation is not None and not (type(activation) is Const and activation.value in (None, "linear")):
        return None
    if bias is None:
        return Const(True)
    return bias if truth(bias) is not False else None


def given_elsewhere(values: Iterable[Value]) -> None:
    """Something that is no batch norm is given these; noted for good, for rules ask when the story is over."""
    for value in values:
        if type(value) is Data:
            if value.shape is not None and value.shape.made is not None:
                value.shape.made.slots[ELSEWHERE] = True
        elif isinstance(value, Tuple):
            given_elsewhere(item for item in value.items if type(item) is Data)
        elif isinstance(value, Obj) and value.lib == "list":
            given_elsewhere(item for item in value.slots.get("#items", ()) if type(item) is Data)
