"""Lowers a network in Caffe's text format to the program that would build its batch norms.

A layer of the text is the message `LayerParameter`, so it becomes the call that makes this message in Python; places are
those of the text. Only layers of the type BatchNorm are kept: nothing else of a text network is ever asked for.
"""

from __future__ import annotations

import re

from bnlint.program import model as ir
from bnlint.program.problem import line_starts, problem_at
from bnlint.read import prototxt

MESSAGES = "caffe.proto.caffe_pb2"
BATCH_NORM = "BatchNorm"

_FOR_LINTERS = re.compile("noqa|bnlint", re.IGNORECASE)


def parse_caffe_text(text: str) -> ir.Program:
    """Lower `text`, a network or a solver in Caffe's text format. Raises SyntaxProblem."""
    lines = line_starts(text)
    try:
        net, comments = prototxt.read(text)
    except prototxt.Broken as broken:
        raise problem_at(broken.message, lines, broken.offset) from None
    layers = [layer for layer in _layers(net) if isinstance(layer.value, prototxt.Message)]
    body: list[ir.Stmt] = [ir.Import(0, 0, ((MESSAGES, "caffe_pb2"),))] if layers else []
    body += [ir.ExprStmt(layer.start, layer.end, _message(layer, "LayerParameter")) for layer in layers]
    kept = [ir.Comment(start, end, text[start:end]) for start, end in comments if _FOR_LINTERS.search(text, start, end)]
    return ir.Program(tuple(body), lines, tuple(kept), False)


def _layers(net: prototxt.Message) -> list[prototxt.Field]:
    """The batch norms of a network, also of one inside a solver's text, in the order of the text."""
    found: list[prototxt.Field] = []
    pending = [net]
    for message in pending:
        for field in message.fields:
            inner = field.value
            if not isinstance(inner, prototxt.Message):
                continue
            if field.name != "layer":
                pending.append(inner)
            elif inner.last("type") == BATCH_NORM:
                found.append(field)
    return sorted(found, key=lambda field: field.start)


def _message(field: prototxt.Field, kind: str) -> ir.Call:
    """The call that makes the message of a field: `caffe_pb2.LayerParameter(type="BatchNorm", param=[...])`."""
    start, end = field.start, field.end
    assert isinstance(field.value, prototxt.Message)
    func = ir.Attribute(start, start, ir.Name(start, start, "caffe_pb2"), kind, start)
    args = [
        ir.Arg(each.start, each.end, ir.Const(each.start, each.end, each.value), each.name, "")
        for each in field.value.fields
        if isinstance(each.value, (str, float, bool)) and each.name.isidentifier()
    ]
    blobs = [each for each in field.value.all("param") if isinstance(each.value, prototxt.Message)]
    if blobs:
        made = tuple(_message(blob, "ParamSpec") for blob in blobs)
        args.append(ir.Arg(start, end, ir.Sequence(start, end, "list", made), "param", ""))
    return ir.Call(start, end, func, tuple(args))

