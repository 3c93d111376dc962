"""tf.data pipelines: the batch size of what they give.

Facts: TensorFlow 2 "tf.data.Dataset" (batch(n) adds an axis of n; shuffle, repeat, prefetch and cache keep the batch).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch.tensors import size
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, NONE, Data, Lib, Obj, Token, Value

DATASET = "tensorflow.data.Dataset"
BATCHING = frozenset({"batch", "padded_batch"})
KEEPING = frozenset({
    "shuffle", "repeat", "prefetch", "cache", "take", "skip", "shard", "with_options", "enumerate", "concatenate", "apply",
    "interleave", "filter", "assert_cardinality", "shuffle_and_repeat",
})  # fmt: skip
NEXT = frozenset({"get_next", "next"})


def make(run: Run, node: ir.Call, batch: tuple[int | None, bool] = (None, False)) -> Obj:
    made = run.allocate(Lib(DATASET), node)
    made.slots["#batch"] = batch
    return made


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    if name in BATCHING:
        return make(run, node, size(args.get(0, "batch_size")))
    if name == "unbatch":
        return make(run, node)
    if name == "map":
        return make(run, node, owner.slots.get("#batch", (None, False)))
    if name in KEEPING:
        return owner
    if name in ("make_one_shot_iterator", "make_initializable_iterator", "as_numpy_iterator"):
        return owner
    if name in NEXT:
        return batches(owner)
    return make(run, node) if name.startswith(("from_", "list_files", "range", "zip")) else NONE if name == "__iter__" else Data()


def batches(owner: Obj) -> Data:
    """One element of a pipeline."""
    batch, assumed = owner.slots.get("#batch", (None, False))
    return Data(frozenset({Token("batch", owner)}), NO_TOKENS, batch, assumed, kind="tensor")
