"""tf.data pipelines: the batch size of what they give, where it comes from, and in which order.

State of a pipeline: "#batch", its size; "#order", "shuffled", "ordered", or None where nothing is known; "dataset", the
object that stands for where its examples come from; "#flow", what its batches are known by.

Facts: TensorFlow 2 "tf.data.Dataset" (batch(n) adds an axis of n; shuffle, repeat, prefetch and cache keep the batch;
list_files shuffles by default), `image_dataset_from_directory` (batch_size=32, shuffle=True).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story import mixing
from bnlint.story.events import LoaderBuilt
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch.tensors import size
from bnlint.story.interpreter import iteration
from bnlint.story.joining import flow_of
from bnlint.story.machine import Run
from bnlint.story.values import NONE, UNKNOWN, Const, Data, Lib, Obj, Token, Tuple, Value, options, truth

DATASET = "tensorflow.data.Dataset"
BATCHING = frozenset({"batch", "padded_batch", "ragged_batch"})
KEEPING = frozenset({
    "repeat", "prefetch", "cache", "take", "skip", "shard", "with_options", "enumerate", "apply", "filter",
    "assert_cardinality", "ignore_errors", "snapshot",
})  # fmt: skip
NEXT = frozenset({"get_next", "next"})
ITERATORS = frozenset({"make_one_shot_iterator", "make_initializable_iterator", "as_numpy_iterator"})
FROM_DIRECTORY = frozenset({"image_dataset_from_directory", "text_dataset_from_directory", "audio_dataset_from_directory"})

Batch = tuple[int | None, bool]
NO_BATCH: Batch = (None, False)


def make(run: Run, node: ir.Call, batch: Batch = NO_BATCH, order: str | None = None, source: Obj | None = None) -> Obj:
    made = run.allocate(Lib(DATASET), node)
    made.slots["#batch"] = batch
    made.slots["#order"] = order
    made.slots["dataset"] = source or made
    made.slots["#flow"] = Data(frozenset({Token("batch", made)}), kind="tensor")
    return made


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A function of tf.data that makes a pipeline or something of one; None for any other."""
    last = name.rpartition(".")[2]
    if name.startswith("tensorflow_datasets."):
        made = make(run, node, size(args.get(None, "batch_size"))) if last == "load" else None
        if made is not None and truth(args.get(None, "with_info") or Const(False)):
            return Tuple((made, UNKNOWN))
        return made
    if last in FROM_DIRECTORY and name.startswith(("keras.", "tensorflow.")):
        given = args.get(None, "batch_size")
        return loader(run, node, size(given) if given is not None else (32, False), args.get(None, "shuffle") or Const(True))
    if not name.startswith(("tensorflow.data.", "tensorflow.contrib.data.")):
        return None
    if last in ITERATORS:
        return args.get(0)
    return created(run, last, args, node) if "Dataset" in name or last.startswith("sample_from") else UNKNOWN


def created(run: Run, last: str, args: Args, node: ir.Call) -> Obj:
    """The beginning of a pipeline."""
    if last in ("from_tensor_slices", "from_tensors"):
        return make(run, node, NO_BATCH, order_of(run, args.get(0, "tensors") or UNKNOWN))
    if last == "list_files":
        flag = args.get(1, "shuffle")
        return make(run, node, NO_BATCH, "ordered" if flag is not None and truth(flag) is False else "shuffled")
    if last == "zip":
        given = args.get(0, "datasets")
        parts = iteration.elements(run, given, node)[0] if isinstance(given, (Obj, Tuple)) else []
        sets = [part for part in (*parts, *args.positional[1:]) if isinstance(part, Obj) and part.lib == DATASET]
        orders = {part.slots["#order"] for part in sets}
        order = "shuffled" if "shuffled" in orders else orders.pop() if len(orders) == 1 else None
        sizes = {part.slots["#batch"] for part in sets}
        made = make(run, node, sizes.pop() if len(sizes) == 1 else NO_BATCH, order)
        if sets and all("#event" in part.slots for part in sets):
            made.slots["#zipped"] = tuple(sets)  # an element is a batch of each
        return made
    return make(run, node)


def order_of(run: Run, data: Value) -> str | None:
    """The order of arrays and lists: that of the text, unless they are made up, or something was shuffled before."""
    kinds = {token.kind for token in flow_of(data)[0]}
    if mixing.mixed(run) or (kinds and kinds <= {"noise", "constant"}):
        return None
    return "ordered"


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    batch, order, source = owner.slots["#batch"], owner.slots["#order"], owner.slots["dataset"]
    batched = "#event" in owner.slots
    if name in BATCHING:
        made = make(run, node, size(args.get(0, "batch_size")), order, source)
        noted(run, made, truth(args.get(None, "drop_remainder") or Const(False)), node)
        return made
    if name in ("shuffle", "shuffle_and_repeat"):
        if batched or args.get(0, "buffer_size") == Const(1):
            return owner
        return make(run, node, batch, "shuffled", source)
    if name == "unbatch":
        return make(run, node, NO_BATCH, order, source)
    if name == "map":
        return owner if batched else make(run, node, batch, order, source)
    if name in ("interleave", "flat_map", "concatenate"):
        return make(run, node, batch if name == "concatenate" else NO_BATCH, None, None if name == "concatenate" else source)
    if name in KEEPING or name in ITERATORS:
        return owner
    if name in NEXT:
        return element(owner)
    if name.startswith(("from_", "list_files", "range", "zip")):
        return created(run, name, args, node)
    return NONE if name == "__iter__" else Data()


def noted(run: Run, made: Obj, drop: bool | None, node: ir.Expr) -> None:
    """Write down that batches are made here."""
    batch, assumed = made.slots["#batch"]
    order = made.slots["#order"]
    event = run.emit(
        LoaderBuilt, node, loader=made, batch=batch, assumed=assumed, drop_last=drop,
        shuffle=None if order is None else order == "shuffled", orderless=None if order is None else order == "shuffled",
    )  # fmt: skip
    made.slots["#event"] = event.number


def loader(run: Run, node: ir.Call, batch: Batch, shuffle: Value, order: str | None = "ordered") -> Obj:
    """Batches made by one function, from examples in this order, shuffled or not."""
    decided = {truth(option) for option in options(shuffle)}
    made = make(run, node, batch, "shuffled" if decided == {True} else order if decided == {False} else None)
    noted(run, made, False, node)
    return made


def element(owner: Obj) -> Value:
    """One element of a pipeline; of pipelines that were zipped, one of each."""
    zipped = owner.slots.get("#zipped")
    return Tuple(tuple(batches(part) for part in zipped)) if zipped else batches(owner)


def batches(owner: Obj) -> Data:
    """A batch of a pipeline; in a graph a gradient needs it, too."""
    batch, assumed = owner.slots.get("#batch", NO_BATCH)
    token = frozenset({Token("batch", owner)})
    return Data(token, token, batch, assumed, kind="tensor")
