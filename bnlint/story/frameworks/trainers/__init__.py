"""Libraries around PyTorch that run the training loop themselves, or prepare it: who calls which function in which mode."""

from __future__ import annotations

import re

from bnlint.program import model as ir
from bnlint.story.framework import Args, Framework
from bnlint.story.frameworks.torch import building, switching
from bnlint.story.frameworks.trainers import accelerate, ignite, learners, lightning, lightning_module, stages
from bnlint.story.machine import Run
from bnlint.story.values import Cls, Data, Obj, Value

DRIVING = (
    "lightning", "ignite", "fastai", "transformers", "catalyst", "skorch", "determined", "composer", "poutyne", "torchbearer",
    "allennlp", "fairseq", "mmcv", "mmengine", "mmdet", "mmseg", "detectron2", "classy_vision", "pl_bolts", "avalanche",
    "espnet2", "speechbrain", "nemo", "torchtnt",
)  # fmt: skip
"""Libraries that call the methods of classes derived from theirs, and set the mode before they do"""

NAMED_TRAINER = re.compile(r"(Trainer|Runner|Learner|Evaluator|Tester|Engine)$")


LOOPS = ("train", "fit", "run", "evaluate")
"""Methods of trainers that are given the network by that keyword: `runner.train(model=net, ...)` of catalyst and others"""


def either_mode(run: Run, value: Value, node: ir.Expr, how: str) -> None:
    """A network went through a loop that nothing is known of: from then on it is in either mode."""
    for net in stages.networks_in(value):
        if switching.own_train(run, net) is None:
            switching.set_mode(run, net, frozenset({"train", "eval"}), node, how)


class Trainers(Framework):
    roots = ("lightning", "lightning_fabric", "ignite", "fastai", "accelerate", "transformers", "skorch", "deepspeed")

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        for answer in (lightning.call, ignite.call, learners.call, accelerate.call):
            found = answer(run, name, args, node)
            if found is not None:
                return found
        return building.network(run, name, args, node)

    def unowned(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        """A network is handed to a trainer of a library that nothing is known of."""
        if NAMED_TRAINER.search(name):
            for value in args.all():
                either_mode(run, value, node, name.rpartition(".")[2])
        return None

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        if isinstance(owner, Cls):
            known = name == "load_from_checkpoint" and lightning_module.is_kind(owner, "Module")
            return lightning_module.from_checkpoint(run, owner, args, node) if known else None
        found = lightning.method(run, owner, name, args, node)
        if type(owner) is Data and found is None and name in LOOPS and "model" in args.keywords:
            either_mode(run, args.keywords["model"], node, f"{name}()")
        if found is not None or not isinstance(owner, Obj):
            return found
        found = ignite.method(run, owner, name, args, node)
        if found is None:
            found = learners.method(run, owner, name, args, node)
        if found is None and owner.lib in ("accelerate.Accelerator", "lightning.Fabric"):
            found = accelerate.method(run, owner, name, args, node)
        return found
