"""Lightning: the Trainer runs the hooks of a LightningModule and sets its mode itself; also Fabric, which does not.

Facts: Lightning 1.9 and 2.5, "LightningModule" (hooks, their order, their arguments) and "Trainer". Validation, test and
predict loops call `eval()` before their first hook. Until 2.1 `fit` begins with `train()`, and `train()` follows each
validation and test; from 2.2 on ("Improved Handling of Evaluation Mode" in the release notes of 2.2.0) `fit` leaves the
modes as they are and each evaluation gives back those it found. Where neither the program nor the project's requirements
tell the version, what had been put in eval mode is in either mode in training.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.program import model as ir
from bnlint.story import versions
from bnlint.story.events import Wrapped
from bnlint.story.framework import Args, library_base
from bnlint.story.frameworks.torch import accumulation, networks, scaling
from bnlint.story.frameworks.trainers import lightning_module, stages
from bnlint.story.frameworks.trainers.accelerate import ACCUMULATING, handed_back
from bnlint.story.interpreter import calls, iteration, objects
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import NONE, UNKNOWN, Cls, Const, Data, Lib, Obj, Tuple, Value, number, options, text, truth

STAGES = {
    "validate": ("validation", "val_dataloader"),
    "test": ("test", "test_dataloader"),
    "predict": ("predict", "predict_dataloader"),
}
"""what the trainer's method is called -> the names of the hooks, and of the one that gives the data"""

NAMES = ("lightning", "pytorch-lightning")
FIRST_THAT_KEEPS_MODES = (2, 2, 0)

ONLY_BEFORE_2_0 = frozenset({
    "gpus", "tpu_cores", "ipus", "num_processes", "progress_bar_refresh_rate", "checkpoint_callback", "weights_summary",
    "resume_from_checkpoint", "distributed_backend", "auto_select_gpus", "auto_lr_find", "auto_scale_batch_size",
    "terminate_on_nan", "flush_logs_every_n_steps", "stochastic_weight_avg", "amp_level", "amp_backend", "track_grad_norm",
    "truncated_bptt_steps", "multiple_trainloader_mode", "move_metrics_to_cpu", "replace_sampler_ddp", "early_stop_callback",
    "automatic_optimization", "prepare_data_per_node", "nb_gpu_nodes", "show_progress_bar", "max_nb_epochs",
    "train_percent_check", "val_percent_check", "log_save_interval", "row_log_interval",
})  # fmt: skip
"""Arguments of `Trainer` that 2.0 no longer has (its upgrade guide)"""

HOOKS_BEFORE_2_0 = ("training_epoch_end", "validation_epoch_end", "test_epoch_end", "training_end", "validation_end")
"""Hooks that 2.0 refuses or never calls (its upgrade guide)"""


# --- the trainer -----------------------------------------------------------------------------


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    if name in ("lightning.Trainer", "lightning.Trainer.from_argparse_args"):
        return trainer(run, args, node)
    if name.rpartition(".")[2] in ("Fabric", "LightningLite"):
        return run.allocate(Lib("lightning.Fabric"), node)
    return None


def trainer(run: Run, args: Args, node: ir.Call) -> Obj:
    made = run.allocate(Lib("lightning.Trainer"), node)
    if not ONLY_BEFORE_2_0.isdisjoint(args.keywords):
        made.slots["#old"] = True
    given = args.get(None, "callbacks")
    if given is not None:
        made.slots["callbacks"] = given
    made.slots[ACCUMULATING] = args.get(None, "accumulate_grad_batches") or Const(1)
    made.slots["#synchronised"] = args.get(None, "sync_batchnorm") or Const(False)
    made.slots["#distributed"] = distributed(args)
    return made


def distributed(args: Args) -> bool:
    """Whether the trainer runs one process per device, as far as its arguments say so."""
    words = [text(value) or "" for key in ("strategy", "accelerator") if (value := args.get(None, key)) is not None]
    if any(word.startswith(("ddp", "fsdp")) for word in words):
        return True
    counts = [number(value) for key in ("devices", "gpus", "num_nodes") if (value := args.get(None, key)) is not None]
    return any(count is not None and count[0] > 1 and not count[1] for count in counts)


def spread(session: Session) -> None:
    """`fit` on several devices: batch norms are exchanged for synchronised ones if `sync_batchnorm` says so."""
    run, net, made = session.run, session.net, session.trainer
    if made is None or not made.slots.get("#distributed"):
        return
    answer = truth(made.slots.get("#synchronised", NONE))
    if answer:
        scaling.convert(run, net, session.node)
    elif answer is False:
        plain = tuple(norm for norm in networks.norms_below(run, net) if scaling.is_plain(norm))
        run.emit(
            Wrapped, session.node, net=net, wrapper=net, plain=plain, distributed=True, broadcasts=True, devices=None,
            contrary=bool(run.contrary),
        )  # fmt: skip


def method(run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
    if isinstance(owner, Obj) and owner.lib == "lightning.Fabric":
        return fabric(run, owner, name, args, node)
    known = isinstance(owner, Obj) and owner.lib == "lightning.Trainer"
    if name in ("fit", *STAGES) and (known or type(owner) is Data):
        return run_trainer(run, owner, name, args, node)
    if isinstance(owner, Obj) and isinstance(owner.cls, Cls) and library_base(owner.cls, ("lightning",)) is not None:
        return lightning_module.method(run, owner, name, args, node)
    return None


def run_trainer(run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
    """`trainer.fit(module, ...)` and its sisters; of an unknown trainer only if it is given a LightningModule."""
    made = owner if isinstance(owner, Obj) else None
    kept = made.slots.get("model") if made is not None else None
    first = args.get(0, "model")
    nets = [option for option in options(first if first is not None else kept or UNKNOWN) if lightning_module.is_module(option)]
    if not nets:
        return UNKNOWN if made is not None else None
    data = args.get(None, "datamodule")
    loaders = list(args.positional[1:])
    if loaders and lightning_module.is_data(loaders[0]):
        data = loaders.pop(0)
    if data is None and first is None and made is not None:
        data = made.slots.get("datamodule")
    for net in nets[: stages.NETWORKS]:
        assert isinstance(net, Obj)
        if made is not None:
            run.memory.write(made.slots, "model", net)
            run.memory.write(made.slots, "lightning_module", net)
            run.memory.write(net.slots, "trainer", made)
            if data is not None:
                run.memory.write(made.slots, "datamodule", data)
        session = Session(run, made, net, data if isinstance(data, Obj) else None, node)
        if name == "fit":
            first_loader = loaders[0] if loaders else args.get(None, "train_dataloaders") or args.get(None, "train_dataloader")
            second = loaders[1] if len(loaders) > 1 else args.get(None, "val_dataloaders")
            fit(session, first_loader, second)
        else:
            loader = loaders[0] if loaders else args.get(None, "dataloaders") or args.get(None, "test_dataloaders")
            evaluate_alone(session, name, loader)
    return NONE


@dataclass(frozen=True, slots=True)
class Session:
    """One call of a trainer's method: who runs what."""

    run: Run
    trainer: Obj | None
    net: Obj
    data: Obj | None
    node: ir.Call

    def old(self) -> bool | None:
        """Whether the version is one before 2.2, None where that cannot be told."""
        if self.trainer is not None and self.trainer.slots.get("#old"):
            return True
        if any(stages.own_method(self.run, self.net, name) is not None for name in HOOKS_BEFORE_2_0):
            return True
        if "optimizer_idx" in parameters(self.run, self.net, "training_step"):
            return True
        return versions.before(self.run, NAMES, FIRST_THAT_KEEPS_MODES)

    def begin(self, how: str) -> None:
        """Training begins, or goes on after an evaluation: in train mode, or in the modes that are found."""
        old = self.old()
        if old:
            stages.switch(self.run, self.net, "train", self.node, how)
        elif old is None:
            stages.switch_unless_kept(self.run, self.net, self.node, how)

    def both(self, name: str, *given: Value) -> None:
        """A hook of the callbacks, which are given the trainer and the module first, and then of the module."""
        for callback in self.callbacks():
            stages.hook(self.run, callback, name, (self.trainer or UNKNOWN, self.net, *given), self.node)
        stages.hook(self.run, self.net, name, given, self.node)

    def callbacks(self) -> list[Obj]:
        given = self.trainer.slots.get("callbacks") if self.trainer is not None else None
        if given is None:
            return []
        single = isinstance(given, Obj) and isinstance(given.cls, Cls)
        items = [given] if single else iteration.elements(self.run, given, self.node)[0]
        return [item for item in items if isinstance(item, Obj) and isinstance(item.cls, Cls)]

    def loader(self, given: Value | None, name: str) -> Value | None:
        """The loader that the call was given, else that of the data module, else the module's own."""
        if given is not None and not (type(given) is Const and given.value is None):
            return given
        for owner in (self.data, self.net):
            if owner is not None and stages.own_method(self.run, owner, name) is not None:
                return stages.hook(self.run, owner, name, (), self.node)
        return None


def parameters(run: Run, net: Obj, name: str) -> list[str]:
    found = stages.own_method(run, net, name)
    return [param.name for param in found.node.params.items] if found is not None else []


def prepare(session: Session, stage: str) -> None:
    for owner in (session.data, session.net):
        if owner is not None:
            stages.hook(session.run, owner, "prepare_data", (), session.node)
            stages.hook(session.run, owner, "setup", (Const(stage),), session.node)


# --- fit -------------------------------------------------------------------------------------


def fit(session: Session, train_loader: Value | None, val_loader: Value | None) -> None:
    run, net, node = session.run, session.net, session.node
    prepare(session, "fit")
    for name in ("configure_model", "configure_sharded_model"):
        stages.hook(run, net, name, (), node)
    optimizers = stages.optimizers_in(run, stages.hook(run, net, "configure_optimizers", (), node))
    run.memory.write(net.slots, "#optimizers", tuple(optimizers))
    batch = stages.batch_of(run, session.loader(train_loader, "train_dataloader"), node)
    spread(session)
    session.both("on_fit_start")
    session.begin("Trainer.fit")

    def epoch() -> None:
        session.both("on_epoch_start")
        session.both("on_train_epoch_start")
        index = Data(label="batch_idx")
        session.both("on_train_batch_start", batch, index)
        results = [training_step(session, batch, index, place, optimizers) for place in turns(session, optimizers)]
        session.both("on_train_batch_end", results[-1], batch, index)
        evaluation(session, "validation", session.loader(val_loader, "val_dataloader"))
        stages.hook(run, net, "training_epoch_end", (Tuple((), results[-1]),), node)
        session.both("on_train_epoch_end")
        session.both("on_epoch_end")

    with stages.gradients(run, True, node):
        session.both("on_train_start")
        stages.epochs(run, node, epoch)
        session.both("on_train_end")
        session.both("on_fit_end")


def turns(session: Session, optimizers: list[Obj]) -> list[int]:
    """Before 2.0 a training step ran once for each optimiser, which its argument names."""
    named = "optimizer_idx" in parameters(session.run, session.net, "training_step")
    return list(range(max(1, len(optimizers)))) if named else [0]


def training_step(session: Session, batch: Value, index: Value, place: int, optimizers: list[Obj]) -> Value:
    run, net, node = session.run, session.net, session.node
    named: dict[str, Value] = {"batch_idx": index, "batch_nb": index, "optimizer_idx": Const(place)}
    result = stages.hook(run, net, "training_step", (batch,), node, named)
    for name in ("training_step_end", "training_end"):
        later = stages.hook(run, net, name, (result,), node)
        result = result if later is UNKNOWN else later
    if automatic(run, net, node):
        stages.learn(run, result, optimizers[place : place + 1] if len(turns(session, optimizers)) > 1 else optimizers, node)
        if session.trainer is not None:
            accumulation.counted(run, session.trainer.slots.get(ACCUMULATING), node)
    return result


def automatic(run: Run, net: Obj, node: ir.Expr) -> bool:
    """Whether the trainer computes the gradient itself: unless `automatic_optimization` is False."""
    own = run.memory.read(net.slots, "automatic_optimization")
    if own is MISSING:
        assert isinstance(net.cls, Cls)
        if objects.find(run, net.cls.order, "automatic_optimization") is None:
            return True
        own = objects.read(run, net, "automatic_optimization", node)
    return truth(own) is not False


# --- evaluation ------------------------------------------------------------------------------


def evaluate_alone(session: Session, name: str, loader: Value | None) -> None:
    """`trainer.validate`, `test` and `predict`."""
    stage, source = STAGES[name]
    prepare(session, name)
    evaluation(session, stage, session.loader(loader, source))


def evaluation(session: Session, stage: str, loader: Value | None) -> None:
    """One evaluation: eval mode, no gradients, the hooks of the stage, and then the mode for what comes next."""
    run, net, node = session.run, session.net, session.node
    if stage != "predict" and stages.own_method(run, net, f"{stage}_step") is None:
        return
    before = stages.modes_of(net)
    own = stages.own_method(run, net, f"on_{stage}_model_eval")
    if own is not None:
        stages.call_own(run, own, net, (), node)
    else:
        stages.switch(run, net, "eval", node, f"the {stage} loop of the Trainer")
    batch, index = stages.batch_of(run, loader, node), Data(label="batch_idx")
    with stages.gradients(run, False, node):
        for hook in (f"on_{stage}_start", f"on_{stage}_epoch_start"):
            session.both(hook)
        session.both(f"on_{stage}_batch_start", batch, index, Const(0))
        result = step(session, stage, batch, index)
        session.both(f"on_{stage}_batch_end", result, batch, index, Const(0))
        for name in (f"{stage}_epoch_end", f"{stage}_end"):
            stages.hook(run, net, name, (Tuple((), result),), node)
        for hook in (f"on_{stage}_epoch_end", f"on_{stage}_end"):
            session.both(hook)
    restore(session, stage, before)


def step(session: Session, stage: str, batch: Value, index: Value) -> Value:
    run, net, node = session.run, session.net, session.node
    named: dict[str, Value] = {"batch_idx": index, "batch_nb": index, "dataloader_idx": Const(0, True)}
    if stage == "predict" and stages.own_method(run, net, "predict_step") is None:
        return calls.call(run, net, Args((batch,)), node)  # its default: the forward of the batch
    result = stages.hook(run, net, f"{stage}_step", (batch,), node, named)
    later = stages.hook(run, net, f"{stage}_step_end", (result,), node)
    return result if later is UNKNOWN else later


def restore(session: Session, stage: str, before: stages.Modes) -> None:
    """After an evaluation: the modes of before, or train mode, or (after predict, until 2.1) eval mode."""
    run, net, node = session.run, session.net, session.node
    own = stages.own_method(run, net, f"on_{stage}_model_train")
    if own is not None:
        stages.call_own(run, own, net, (), node)
    elif stage == "predict":
        old = session.old()
        if not old:
            stages.give_back(run, before if old is False else [(part, marks | part.slots["#mode"]) for part, marks in before])
    else:
        if not session.old():
            stages.give_back(run, before)
        session.begin("the Trainer after evaluation")


# --- Fabric ----------------------------------------------------------------------------------


def fabric(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    """`fabric.setup(model, optimizer)` gives back what it was given; modes are the user's business."""
    if name in ("setup", "setup_module", "setup_optimizers", "setup_dataloaders"):
        return handed_back(args)
    return None
