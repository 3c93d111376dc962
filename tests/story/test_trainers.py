"""Libraries that run the training loop: which of the user's functions they call, in which mode, and what they leave behind."""

from __future__ import annotations

import pytest

from bnlint.story.events import Backward, Converted, Forward, Frozen, Stepped, Wrapped
from tests.story.programs import check_modes, stories, with_net

MODULE = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
import pytorch_lightning as pl

class Module(pl.LightningModule):
    def __init__(self, width=8):
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(nn.Conv2d(3, width, 3, bias=False), nn.BatchNorm2d(width))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

"""

LIGHTNING = {
    "fit_trains_in_train_mode_and_validates_in_eval_mode": """
    def training_step(self, batch, batch_idx):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)  #: train

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("loss", nn.functional.cross_entropy(self(x), y))  #: eval

pl.Trainer(max_epochs=3).fit(Module(), DataLoader(data(), 8))
""",
    "hooks_of_an_evaluation_run_in_eval_mode": """
    def validation_step(self, batch, batch_idx):
        pass

    def on_validation_epoch_end(self):
        self(self.example)  #: eval

    def on_train_epoch_end(self):
        self(self.example)  #: train

pl.Trainer().fit(Module(), DataLoader(data(), 8))
""",
    "test_and_predict_run_in_eval_mode": """
    def test_step(self, batch, batch_idx):
        self(batch)  #: eval

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        return self(batch)  #: eval

trainer = pl.Trainer()
trainer.test(Module(), DataLoader(data(), 8))
trainer.predict(Module(), DataLoader(data(), 8))
""",
    "predict_without_a_step_of_its_own_calls_forward": """
pl.Trainer().predict(Module(), DataLoader(data(), 8))  #: eval
""",
    "after_fit_the_module_is_in_train_mode": """
    def training_step(self, batch, batch_idx):
        return self(batch).mean()

    def validation_step(self, batch, batch_idx):
        pass

module = Module()
pl.Trainer().fit(module, DataLoader(data(), 8))
module(data())  #: train
""",
    "after_predict_the_mode_depends_on_the_version": """
module = Module()
pl.Trainer().predict(module, DataLoader(data(), 8))
module(data())  #: eval|train
""",
    "a_hook_may_leave_eval_mode": """
    def validation_step(self, batch, batch_idx):
        self.train()
        self(batch)  #: train

pl.Trainer().fit(Module(), DataLoader(data(), 8))
""",
    "what_was_frozen_before_fit_depends_on_the_version": """
    def training_step(self, batch, batch_idx):
        self.body(batch)  #: eval|train

module = Module()
module.body.eval()
pl.Trainer().fit(module, DataLoader(data(), 8))
""",
    "before_2_0_fit_undoes_a_freeze": """
    def training_step(self, batch, batch_idx):
        self.body(batch)  #: train

module = Module()
module.body.eval()
pl.Trainer(gpus=1).fit(module, DataLoader(data(), 8))
""",
    "a_freeze_at_each_epoch_holds": """
    def on_train_epoch_start(self):
        self.body.eval()

    def training_step(self, batch, batch_idx):
        self.body(batch)  #: eval

pl.Trainer(gpus=1).fit(Module(), DataLoader(data(), 8))
""",
    "a_train_of_its_own_is_called": """
    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def training_step(self, batch, batch_idx):
        self.body(batch)  #: eval

pl.Trainer(gpus=1).fit(Module(), DataLoader(data(), 8))
""",
    "callbacks_run_with_the_module": """
    def training_step(self, batch, batch_idx):
        self.body(batch)  #: eval

class Freeze(pl.Callback):
    def on_train_epoch_start(self, trainer, pl_module):
        pl_module.body.eval()

pl.Trainer(gpus=1, callbacks=[Freeze()]).fit(Module(), DataLoader(data(), 8))
""",
    "a_trainer_that_is_not_known_runs_the_hooks_as_well": """
    def training_step(self, batch, batch_idx):
        self(batch)  #: train

    def validation_step(self, batch, batch_idx):
        self(batch)  #: eval

def main(trainer):
    trainer.fit(Module(), DataLoader(data(), 8))

main(input())
""",
    "a_checkpoint_gives_a_module_in_train_mode": """
module = Module.load_from_checkpoint("last.ckpt")
module(data())  #: train
module.freeze()
module(data())  #: eval
""",
    "hooks_that_no_fit_reaches_tell_nothing": """
    @torch.no_grad()
    def validation_step(self, batch, batch_idx):
        self(batch)  #: nothing

    def evaluate(self, batch):
        with torch.no_grad():
            return self(batch)  #: nothing
""",
}


@pytest.mark.parametrize("text", LIGHTNING.values(), ids=LIGHTNING.keys())
def test_lightning_sets_the_mode_for_each_hook(text: str) -> None:
    check_modes(MODULE + text[1:])


def test_the_loss_that_a_training_step_returns_is_learnt_from() -> None:
    text = """
    def training_step(self, batch, batch_idx):
        loss = self(batch).mean()
        return {"loss": loss, "seen": self.body(batch)}

pl.Trainer().fit(Module(), DataLoader(data(), 8))
"""
    forwards = [event for story in stories(MODULE + text[1:]) for event in story.of(Forward)]
    assert {type(event.net.cls).__name__: event.purposes for event in forwards} == {"Cls": {"training"}, "Lib": set()}
    assert {event.batch for event in forwards} == {8}


def test_each_optimiser_has_a_training_step_of_its_own_before_2_0() -> None:
    text = """
    def configure_optimizers(self):
        first = torch.optim.Adam(self.body.parameters())
        return [first, torch.optim.Adam(self.head.parameters())], []

    def training_step(self, batch, batch_idx, optimizer_idx):
        if optimizer_idx == 0:
            return self.body(batch).mean()
        if optimizer_idx == 1:
            return self(batch).mean()

pl.Trainer().fit(Module(), DataLoader(data(), 8))
"""
    told = [event for story in stories(MODULE + text[1:]) for event in story.of(Stepped)]
    assert len({event.optimizer.serial for event in told}) == 2


def test_manual_optimisation_learns_where_it_says() -> None:
    text = """
    def on_fit_start(self):
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        self.manual_backward(self(batch).mean())
        optimizer.step()
        return self.body(batch)

pl.Trainer(max_epochs=1).fit(Module(), DataLoader(data(), 8))
"""
    told = stories(MODULE + text[1:])
    assert {type(event.net.cls).__name__ for story in told for event in story.of(Forward) if event.purposes} == {"Cls"}
    assert any(story.of(Stepped) for story in told)


def test_a_data_module_gives_the_batches() -> None:
    text = """
    def training_step(self, batch, batch_idx):
        return self(batch["image"]).mean()

class Pictures(pl.LightningDataModule):
    def __init__(self, size):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage):
        self.train_set = load(stage)

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.hparams.size)

pl.Trainer().fit(Module(), datamodule=Pictures(size=6))
"""
    forwards = [event for story in stories(MODULE + text[1:]) for event in story.of(Forward)]
    assert {event.batch for event in forwards} == {6}


def test_several_devices_wrap_the_module_or_synchronise_its_norms() -> None:
    fit = "\npl.Trainer(devices=2, strategy='ddp', sync_batchnorm={}).fit(Module(), DataLoader(data(), 8))\n"
    plain = [event for story in stories(MODULE + fit.format(False)) for event in story.of(Wrapped)]
    assert [len(event.plain) for event in plain] == [1]
    told = stories(MODULE + fit.format(True))
    assert [type(event).__name__ for story in told for event in story.events if isinstance(event, (Wrapped, Converted))] == [
        "Converted"
    ]


def test_freeze_takes_the_parameters_from_the_solver() -> None:
    told = stories(MODULE + "\nmodule = Module()\nmodule.freeze()\nmodule.unfreeze()\n")
    assert [event.flag for story in told for event in story.of(Frozen)] == [False, True]


IGNITE = {
    "supervised_engines_set_the_mode": """
        from ignite.engine import Events, create_supervised_trainer, create_supervised_evaluator
        model = Net()
        trainer = create_supervised_trainer(model, torch.optim.SGD(model.parameters(), 0.1), loss)
        evaluator = create_supervised_evaluator(model)
        @trainer.on(Events.EPOCH_COMPLETED(every=2))
        def validate(engine):
            evaluator.run(val_loader())  #: eval
        trainer.run(loader(), max_epochs=3)  #: train
        """,
    "an_engine_of_ones_own_does_what_its_function_does": """
        from ignite.engine import Engine, Events
        model = Net()
        def step(engine, batch):
            loss = model(batch).mean()  #: train, eval
            loss.backward()
        def check(engine, batch):
            model.eval()
            with torch.no_grad():
                model(batch)  #: eval
        trainer, evaluator = Engine(step), Engine(check)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: evaluator.run(val_loader()))
        trainer.run(loader(), max_epochs=3)
        """,
}

OTHERS = {
    "accelerate_gives_back_what_it_was_given": """
        from accelerate import Accelerator
        accelerator = Accelerator()
        model = Net()
        model, optimizer, loader = accelerator.prepare(model, torch.optim.SGD(model.parameters(), 0.1), data())
        for x in loader:
            accelerator.backward(model(x).mean())
        accelerator.unwrap_model(model).eval()
        model(data())  #: eval
        """,
    "fabric_gives_back_what_it_was_given": """
        from lightning.fabric import Fabric
        fabric = Fabric(accelerator="cpu")
        model = Net()
        model, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), 0.1))
        for x in fabric.setup_dataloaders(data()):
            loss = model(x).mean()  #: train
            fabric.backward(loss)
        model(data())  #: train
        """,
    "apex_gives_back_what_it_was_given": """
        from apex import amp
        model = Net()
        model, optimizer = amp.initialize(model, torch.optim.SGD(model.parameters(), 0.1), opt_level="O1")
        model(data())  #: train
        """,
    "deepspeed_wraps_the_network": """
        import deepspeed
        engine, optimizer, _, _ = deepspeed.initialize(model=Net(), config=settings())
        engine.backward(engine(data()))
        engine(data())  #: train
        """,
    "a_fastai_learner_evaluates_in_eval_mode_and_stays_there": """
        from fastai.vision.all import Learner
        model = Net()
        learner = Learner(data(), model)
        learner.fit_one_cycle(3)  #: train
        model(data())  #: eval
        """,
    "what_fastai_exports_is_known_by_its_own_name": """
        from fastai.vision.all import *
        class Small(Module):
            def __init__(self):
                self.bn = nn.BatchNorm2d(3)
            def forward(self, x):
                return self.bn(x)
        learner = Learner(data(), Small())
        learner.model(data())  #: train
        learner.validate()  #: eval
        vision_learner(data(), resnet34).fine_tune(2)  #: train
        """,
    "a_runner_that_is_given_the_model_may_leave_either_mode": """
        from catalyst import dl
        model = Net()
        dl.SupervisedRunner().train(model=model, loaders=data())
        model(data())  #: eval|train
        """,
    "a_hugging_face_trainer_without_evaluation_ends_in_train_mode": """
        from transformers import Trainer
        model = Net()
        trainer = Trainer(model=model, train_dataset=data())
        trainer.train()  #: train
        model(data())  #: train
        trainer.evaluate()  #: eval
        """,
    "a_derived_hugging_face_trainer_computes_its_loss_in_train_mode": """
        import transformers
        class Own(transformers.Trainer):
            def compute_loss(self, model, inputs, return_outputs=False):
                return model(inputs["x"]).mean()  #: train
        Own(model=Net(), eval_dataset=data()).train()
        """,
    "skorch_builds_the_network_itself": """
        from skorch import NeuralNetClassifier
        net = NeuralNetClassifier(Net, batch_size=4)
        net.fit(data(), labels())  #: train
        net.predict(data())  #: eval
        """,
    "a_trainer_that_nothing_is_known_of_may_leave_either_mode": """
        from somewhere import Trainer
        model = Net()
        Trainer(model, data()).run()
        model(data())  #: eval|train
        """,
}


@pytest.mark.parametrize("text", [*IGNITE.values(), *OTHERS.values()], ids=[*IGNITE.keys(), *OTHERS.keys()])
def test_other_libraries_that_train(text: str) -> None:
    check_modes(with_net(text))


def test_what_a_learner_runs_counts_as_training() -> None:
    text = "import fastai.vision.all as fv\nfv.Learner(data(), Net()).fit(2)\n"
    told = stories(with_net(text))
    assert any(story.of(Backward) for story in told)
    assert {purpose for story in told for event in story.of(Forward) for purpose in event.purposes} == {"training"}
