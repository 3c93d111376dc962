"""Where the channels lie: the data format of convolutions, carried along to the batch norm that follows.

A format that nothing in the text gives is not known: the installation decides it (`~/.keras/keras.json`).
Facts: Keras 2.15 and 3.15 ("BatchNormalization": axis=-1, which `set_image_data_format` does not change).
"""

from __future__ import annotations

from pathlib import Path

from bnlint.program import model as ir
from bnlint.story.events import AxisUsed
from bnlint.story.framework import Args
from bnlint.story.machine import Run
from bnlint.story.values import Const, Obj, Token, Value, number, options, text

FORMATS = {"channels_first": "channels_first", "channels_last": "channels_last"}
POSITIONS = {
    "Conv1D": 4, "Conv2D": 4, "Conv3D": 4, "Convolution2D": 4, "Conv2DTranspose": 5, "Conv3DTranspose": 5,
    "SeparableConv2D": 4, "DepthwiseConv2D": 4, "MaxPooling2D": 3, "MaxPool2D": 3, "AveragePooling2D": 3,
    "ZeroPadding2D": 1, "UpSampling2D": 1, "Cropping2D": 1,
}  # fmt: skip
"""layers that take `data_format` -> its position (Keras 2.15)"""
DROPPING = ("Flatten", "Dense", "Reshape", "Permute", "Global", "LSTM", "GRU", "Embedding", "TimeDistributed", "Lambda")
CONFIGURED = "image_data_format"


def settle(obj: Obj, last: str, args: Args, default: Value | None) -> None:
    """Keep on a layer what it was told about the place of the channels; `default` is what the program has set."""
    if last in POSITIONS:
        given = args.get(POSITIONS[last], "data_format")
        if given is None and args.double_star is None:
            given = default
        obj.slots["#formats"] = formats(given)
    elif last.startswith(DROPPING):
        obj.slots["#formats"] = frozenset()
    elif "BatchNormalization" in last:
        axis = args.get(0, "axis")
        unsure = args.double_star is not None or args.star is not None
        obj.slots["#axis"] = axis if axis is not None else (None if unsure else Const(-1))


def formats(given: Value | None) -> frozenset[str]:
    """The formats that a value may mean; none where one of its options is unknown."""
    if given is None:
        return frozenset()
    found = {FORMATS.get(text(option) or "") for option in options(given)}
    return frozenset() if None in found else frozenset(found)  # type: ignore[arg-type]


def passed(run: Run, obj: Obj, flow: frozenset[Token], node: ir.Expr) -> frozenset[Token]:
    """What flows out of a layer: the format it gives, or that of what it was given. A batch norm is written down."""
    if "#formats" in obj.slots:
        own = frozenset(Token("format", name) for name in obj.slots["#formats"])
        return frozenset(token for token in flow if token.kind != "format") | own
    if "#axis" in obj.slots:
        noted(run, obj, frozenset(token.ref for token in flow if token.kind == "format"), node)
    return flow


def noted(run: Run, obj: Obj, known: frozenset[str], node: ir.Expr) -> None:
    axis = obj.slots["#axis"]
    index = number(axis) if axis is not None else None
    if known and index is not None and index[0] == int(index[0]):
        run.emit(AxisUsed, node, norm=obj, axis=int(index[0]), assumed=index[1], formats=known)


def appended(run: Run, model: Obj, layer: Obj, node: ir.Expr) -> None:
    """A layer was put at the end of a Sequential model."""
    before: frozenset[Token] = model.slots.get("#tail", frozenset())
    after = passed(run, layer, before, node)
    if after is not before:
        run.memory.write(model.slots, "#tail", after)


def configure(run: Run, known: dict[Path, Value], args: Args) -> None:
    """`keras.backend.set_image_data_format("channels_first")`; what a module's body sets holds in its functions."""
    given = args.get(0, "data_format")
    if given is not None:
        run.memory.write(run.state, CONFIGURED, given)
        if run.story.entry == "<module>":
            known[run.story.path] = given


def configured(run: Run, known: dict[Path, Value]) -> Value | None:
    """The format of layers that are given none, where the program itself has set it."""
    found = run.state.get(CONFIGURED) or known.get(run.story.path) or known.get(run.frame.scope.module.path)
    return found if isinstance(found, Const) else None
