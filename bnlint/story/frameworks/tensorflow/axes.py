"""Where the channels lie in a graph: the data format of a convolution, told to the batch norm that is given its output.

Facts: TensorFlow 1.15 (`tf.layers`: data_format="channels_last"; `batch_normalization`: axis=-1, whatever the format is).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.events import AxisUsed
from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Obj, Token, Value, number, options, text

FORMATS = ("channels_first", "channels_last")
POSITIONS = {"conv2d": 5, "conv3d": 5, "conv2d_transpose": 5, "conv3d_transpose": 5, "separable_conv2d": 5}
"""functions of tf.layers -> where their `data_format` stands"""


def given(last: str, args: Args, result: Data) -> Data:
    """What a function of tf.layers gives, with the format that it was told."""
    at = POSITIONS.get(last)
    if at is None or args.double_star is not None or args.star is not None:
        return result
    told = args.get(at, "data_format") or Const("channels_last")
    known = {text(option) for option in options(told)}
    if not known <= set(FORMATS):
        return result
    return replace(result, flow=result.flow | {Token("format", name) for name in known})


def used(run: Run, norm: Obj, first: Value, args: Args, node: ir.Call) -> None:
    """A batch norm of tf.layers is given something; written down if a convolution gave it directly."""
    formats = {token.ref for token in first.flow if token.kind == "format"} if type(first) is Data else set()
    if not formats or args.double_star is not None or args.star is not None:
        return
    axis = number(args.get(1, "axis") or Const(-1))
    if axis is not None and axis[0] == int(axis[0]):
        run.emit(AxisUsed, node, norm=norm, axis=int(axis[0]), assumed=axis[1], formats=frozenset(formats))
