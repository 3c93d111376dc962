"""The room of Caffe: layers of a NetSpec or of a text network, and whether the solver may change the statistics of a BatchNorm.

Facts: Caffe pull request 4704 (three statistics blobs, each with lr_mult 0; a `param` without lr_mult means 1; without any
`param` Caffe masks the blobs itself). Text networks arrive as the messages that they are (see bnlint.program.caffe_text).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import StateParameter
from bnlint.story.framework import Args, Framework
from bnlint.story.interpreter import iteration
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Const, Lib, Obj, Tuple, Value, number, text

BLOBS = 3
LAYER = "caffe.layers.BatchNorm"
MESSAGE = "caffe.proto.caffe_pb2.LayerParameter"
BLOB = "caffe.proto.caffe_pb2.ParamSpec"


class Caffe(Framework):
    roots = ("caffe",)

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        if name == LAYER or (name == MESSAGE and text(args.get(None, "type") or UNKNOWN) == "BatchNorm"):
            batch_norm(run, args, node, name == MESSAGE)
        elif name == BLOB:
            return run.allocate(Lib(BLOB), node, **args.keywords)
        elif name in ("caffe.NetSpec", "caffe.net_spec.NetSpec"):
            return run.allocate(Lib("caffe.NetSpec"), node)
        return mix(args.all())

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        return UNKNOWN if isinstance(owner, Obj) and owner.lib == "caffe.NetSpec" else None


def batch_norm(run: Run, args: Args, node: ir.Call, message: bool) -> None:
    given = args.get(None, "param")
    if not isinstance(given, (Obj, Tuple)):
        return
    if isinstance(given, Obj) and given.lib in ("dict", BLOB):
        blobs: list[Value] = [given]
    else:
        blobs = iteration.elements(run, given, node)[0]
    rates = [rate(blob) for blob in blobs[:BLOBS]]
    learned = [place for place, value in enumerate(rates) if value is not None and value[0] != 0]
    if learned:
        assumed = all(rates[place][1] for place in learned)  # type: ignore[index]
        sites = {blob.site: None for place in learned if isinstance(blob := blobs[place], Obj) and blob.site is not None}
        why = tuple(("this learning rate of a statistics blob is not zero", site) for site in sites)
        shown = spelled(args, learned[0]) if message else None
        run.emit(StateParameter, shown or node, kind="caffe", name="", certain=not assumed, detail="lr_mult", why=why)


def spelled(args: Args, place: int) -> ir.Expr | None:
    """The expression of one blob of a message, where the text spells it out: each has lines of its own."""
    listed = args.node(None, "param")
    return listed.elements[place] if isinstance(listed, ir.Sequence) and place < len(listed.elements) else None


def rate(blob: Value) -> tuple[float, bool] | None:
    """The learning rate of one blob and whether it is only assumed; None where it is unknown."""
    if not (isinstance(blob, Obj) and blob.lib in ("dict", BLOB)):
        return None
    found = blob.slots.get("lr_mult")
    if found is None:
        return None if "#rest" in blob.slots and not blob.slots.get("#closed") else (1.0, False)
    return number(found) if type(found) is Const else None
