"""Input queues of TensorFlow 1: how many examples they put in a batch, and whether their order means something.

Facts: TensorFlow 1.15 (`tf.train.batch(tensors, batch_size, ...)` keeps the order of what it is given, `shuffle_batch` does
not; `slice_input_producer` and `string_input_producer` shuffle by default, the latter only whole files).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import datasets
from bnlint.story.frameworks.tensorflow.graph import op
from bnlint.story.frameworks.torch.tensors import size
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Token, Value, truth

PRODUCED = "produced"
"""kind of a token of single examples; its reference says whether they are in random order, "shuffled" or "ordered" """


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """`tf.train.batch` and its like; None for any other function."""
    if not name.startswith(("tensorflow.train.", "tensorflow.compat.v1.train.")):
        return None
    last = name.rpartition(".")[2]
    if last == "slice_input_producer":
        flag = truth(args.get(2, "shuffle") or Const(True))
        made = op(run, args.all())
        if flag is None:
            return made
        return replace(made, flow=made.flow | {Token(PRODUCED, "shuffled" if flag else "ordered")})
    if last not in ("batch", "shuffle_batch", "maybe_batch", "maybe_shuffle_batch"):
        return None
    at = 2 if last.startswith("maybe") else 1
    made = op(run, args.all())
    orders = {token.ref for token in made.flow if token.kind == PRODUCED}
    order = "shuffled" if "shuffle" in last else orders.pop() if len(orders) == 1 else None
    loader = datasets.make(run, node, size(args.get(at, "batch_size")), order)
    datasets.noted(run, loader, None, node)
    batch = datasets.batches(loader)
    flow = frozenset(token for token in made.flow if token.kind != PRODUCED) | batch.flow
    return Data(flow, made.grad | batch.grad, batch.batch, batch.assumed, kind="tensor")
