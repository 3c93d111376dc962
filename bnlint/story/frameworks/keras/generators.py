"""What `fit` is given: arrays, pipelines, generators of images; the size and the order of its batches.

Facts: Keras 2.15 (`fit(batch_size=32, shuffle=True)`: both count for arrays only; `ImageDataGenerator.flow` and
`flow_from_directory`: batch_size=32, shuffle=True; `train_on_batch` takes what it is given as one batch).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Forward
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import datasets
from bnlint.story.frameworks.torch.networks import batch_of
from bnlint.story.frameworks.torch.tensors import size
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Bound, Choice, Const, Data, Obj, Tuple, Value, options

FLOWS = {"flow": (2, 3), "flow_from_directory": (7, 8), "flow_from_dataframe": (None, None)}
"""methods of `ImageDataGenerator` -> positions of batch_size and shuffle"""
DEFAULT_BATCH = 32


def images(run: Run, name: str, args: Args, node: ir.Call) -> Obj | None:
    """`ImageDataGenerator(...).flow_from_directory(...)`; None for any other method."""
    if name not in FLOWS:
        return None
    at, then = FLOWS[name]
    given, shuffle = args.get(at, "batch_size"), args.get(then, "shuffle")
    if args.double_star is not None and (given is None or shuffle is None):
        return datasets.loader(run, node, size(given) if given is not None else (None, False), shuffle or UNKNOWN)
    order = datasets.order_of(run, args.get(0, "x") or UNKNOWN) if name == "flow" else "ordered"
    batch = size(given) if given is not None else (DEFAULT_BATCH, False)
    return datasets.loader(run, node, batch, shuffle or Const(True), order)


def is_loader(value: Value) -> bool:
    return isinstance(value, Obj) and value.lib == datasets.DATASET


def given_batch(name: str, args: Args) -> tuple[int | None, bool]:
    """The batch size that fit, predict or train_on_batch runs with."""
    first = args.get(0, "x") or args.get(None, "generator")
    if name.endswith("_on_batch"):
        return batch_of(first) if first is not None else (None, False)
    loaders = [option for option in options(first) if isinstance(option, Obj)] if first is not None else []
    sizes = {option.slots["#batch"] for option in loaders if is_loader(option)}
    if sizes:
        known = len(sizes) == 1 and len(loaders) == len(options(first or UNKNOWN))
        return sizes.pop() if known else (None, False)
    given = args.get(2 if name == "fit" else 1 if name.startswith("predict") else 2, "batch_size")
    if given is not None and not (type(given) is Const and given.value is None):
        return size(given)
    if args.double_star is not None or name.endswith("_generator"):
        return None, False
    return (DEFAULT_BATCH, False) if type(first) is Data else (None, False)


def fed(run: Run, name: str, args: Args, node: ir.Call) -> Value:
    """What `fit` runs its network on: of arrays batches are made here, in their order or shuffled."""
    given = args.get(0, "x") or args.get(0, "generator") or UNKNOWN
    arrays = type(given) is Data or isinstance(given, Tuple) or (isinstance(given, Obj) and given.lib in ("list", "dict"))
    arrays = arrays or (isinstance(given, Bound) and type(given.self) is Data)  # `frame.values`
    if name != "fit" or not arrays or any(is_loader(option) for option in options(given)) or isinstance(given, Choice):
        return given
    shuffle = args.get(None, "shuffle")
    if shuffle is None:
        return given
    made = datasets.loader(run, node, given_batch(name, args), shuffle, datasets.order_of(run, given))
    batch = datasets.batches(made)
    return Tuple((given, batch))


def last_for(run: Run, before: int, name: str, args: Args) -> None:
    """How many steps the forwards since an event stand for: `fit` runs through its data once or more."""
    if name.endswith("_on_batch"):
        return
    epochs, each = args.get(3 if name == "fit" else 2, "epochs"), args.get(None, "steps_per_epoch")
    rounds = size(epochs) if epochs is not None else (1, False)
    turns = size(each)[0] if each is not None and not size(each)[1] else None
    first, (batch, assumed) = args.get(0, "x"), given_batch(name, args)
    if each is None and type(first) is Data and first.batch is not None and batch and not (assumed or first.assumed):
        turns = -(-first.batch // batch)
    steps = turns * rounds[0] if turns is not None and rounds[0] is not None and not rounds[1] else None
    for event in run.story.events[before:]:
        if isinstance(event, Forward):
            event.steps = steps
