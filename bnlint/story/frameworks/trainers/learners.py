"""Objects that hold a network and train and evaluate it by themselves: fastai, the trainer of Hugging Face, skorch.

Facts: fastai 2.7, "Learner" and "TrainEvalCallback" (train mode before training batches, eval mode before validation, which
ends each epoch); transformers 4.x, "Trainer" (`train()` in each training step, `eval()` in the evaluation loop, which may
have run last); skorch 1.x, "NeuralNet" (the class given is instantiated by `fit`; each step sets the mode).
"""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import building, library_networks, switching, tensors
from bnlint.story.frameworks.trainers import stages
from bnlint.story.interpreter import calls, definitions
from bnlint.story.machine import Run
from bnlint.story.values import NONE, UNKNOWN, Cls, Data, Lib, Obj, Value, options


@dataclass(frozen=True, slots=True)
class Kind:
    """How a library's trainer is called and used.

    net: where its constructor takes the network (position, name); trains, evaluates: its methods; kept: the attribute that
    gives the network; after: the modes in which training may leave it.
    """

    net: tuple[int, str]
    trains: frozenset[str]
    evaluates: frozenset[str]
    kept: str
    after: frozenset[str]


FASTAI = Kind(
    (1, "model"),
    frozenset({"fit", "fit_one_cycle", "fine_tune", "fit_flat_cos", "fit_sgdr"}),
    frozenset({"validate", "get_preds", "predict", "tta", "show_results"}),
    "model",
    frozenset({"eval"}),
)
HUGGING_FACE = Kind(
    (0, "model"), frozenset({"train"}), frozenset({"evaluate", "predict"}), "model", frozenset({"train", "eval"})
)
SKORCH = Kind(
    (0, "module"),
    frozenset({"fit", "partial_fit", "fit_loop"}),
    frozenset({"predict", "predict_proba", "score", "forward", "forward_iter"}),
    "module_",
    frozenset({"train", "eval"}),
)


def kind_of(name: str) -> Kind | None:
    """The kind of trainer that a library's class or function gives."""
    root, _, last = name.rpartition(".")
    if root.startswith("fastai") and (last.lower().endswith("learner") or last == "create_cnn") and not last.startswith("load"):
        return FASTAI
    if root.startswith("transformers") and last in ("Trainer", "Seq2SeqTrainer"):
        return HUGGING_FACE
    if root.startswith("skorch") and last.startswith("NeuralNet"):
        return SKORCH
    return None


def kind_of_object(owner: Obj) -> Kind | None:
    order = owner.cls.order if isinstance(owner.cls, Cls) else (owner.cls,)
    return next((kind for base in order if isinstance(base, Lib) and (kind := kind_of(base.name)) is not None), None)


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    kind = kind_of(name)
    if kind is None:
        return None
    made = run.allocate(Lib(name), node)
    keep(run, made, kind, args, node)
    return made


def keep(run: Run, owner: Obj, kind: Kind, args: Args, node: ir.Call) -> None:
    """Remember the network that a constructor was given; fastai's builders take the function that makes it."""
    given = args.get(*kind.net) or args.get(None, "arch") or args.get(None, "model")
    for option in options(given) if given is not None else ():
        if isinstance(option, Lib):
            described = library_networks.describe(option.name, Args())
            given = building.holding(run, option.name, described.holds, node) if described is not None else UNKNOWN
        elif isinstance(option, Cls) and kind is SKORCH:
            inner = {name.removeprefix("module__"): value for name, value in args.keywords.items() if name.startswith("module__")}
            given = definitions.instantiate(run, option, Args((), inner), node)
    if given is not None:
        run.memory.write(owner.slots, kind.kept, given)
    size = args.get(None, "iterator_train__batch_size") or args.get(None, "batch_size")
    if kind is SKORCH and size is not None:
        run.memory.write(owner.slots, "#size", size)


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    kind = kind_of_object(owner)
    if kind is None:
        return None
    if name == "__init__":
        keep(run, owner, kind, args, node)
        return NONE
    if name == "lr_find" and kind is FASTAI:
        for net in stages.networks_in(owner.slots.get(kind.kept)):
            train(run, owner, kind, net, node)
            stages.switch(run, net, "train", node, f"{name}()")
        return UNKNOWN
    if name not in kind.trains | kind.evaluates:
        return None
    for net in stages.networks_in(owner.slots.get(kind.kept)):
        if name in kind.trains:
            train(run, owner, kind, net, node)
            leave(run, owner, kind, net, node, name)
        else:
            evaluate(run, net, node, name)
    return owner if kind is SKORCH and name in kind.trains else UNKNOWN


def train(run: Run, owner: Obj, kind: Kind, net: Obj, node: ir.Call) -> None:
    def epoch() -> None:
        stages.switch(run, net, "train", node, "the trainer")
        own = stages.own_method(run, owner, "compute_loss")
        batch = Data(kind="tensor")
        if own is not None:
            result = stages.call_own(run, own, owner, (net, batch), node)
        else:
            result = calls.call(run, net, Args((batch_data(owner),)), node)
        stages.learn(run, result, [], node)

    with stages.gradients(run, True, node):
        stages.epochs(run, node, epoch)


def batch_data(owner: Obj) -> Data:
    size = owner.slots.get("#size")
    batch, assumed = tensors.size(size)
    return Data(batch=batch, assumed=assumed, kind="tensor")


def leave(run: Run, owner: Obj, kind: Kind, net: Obj, node: ir.Call, name: str) -> None:
    """The mode in which training leaves the network: that of an evaluation that may have come last."""
    if kind is HUGGING_FACE and "eval_dataset" not in owner.slots and not isinstance(owner.cls, Cls):
        return
    if kind.after == {"eval"}:
        stages.switch(run, net, "eval", node, f"{name}()")
    elif switching.own_train(run, net) is None:
        switching.set_mode(run, net, kind.after, node, f"{name}()")


def evaluate(run: Run, net: Obj, node: ir.Call, name: str) -> None:
    stages.switch(run, net, "eval", node, f"{name}()")
    with stages.gradients(run, False, node):
        calls.call(run, net, Args((Data(kind="tensor"),)), node)
