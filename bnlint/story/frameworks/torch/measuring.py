"""Running own normalisation code of PyTorch on formulas: modules, what they keep, and `functional.batch_norm`.

Sources: PyTorch 2.13, "torch.Tensor" and "torch.nn.functional.batch_norm".
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.frameworks.formulas import algebra
from bnlint.story.frameworks.formulas.algebra import Atom
from bnlint.story.frameworks.formulas.arithmetic import Measured, is_atom, measured
from bnlint.story.frameworks.formulas.measuring import NAMES, Measuring
from bnlint.story.frameworks.formulas.records import Applied
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import NONE, Const, Data, Obj, Value, truth


class TorchMeasuring(Measuring):
    roots = (*Measuring.roots, "torch", "torch.Tensor", "torch.special")

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        root, _, last = name.rpartition(".")
        if name == "torch.nn.functional.batch_norm" or name == "torch.batch_norm":
            return self.applied(run, args, node)
        if name == "torch.is_grad_enabled" and self.owner is not None:
            self.by_grad = True
            return Const(self.training)
        if root == "torch.nn" and last.startswith(("Conv", "Linear")):
            made = super().call(run, name, args, node)
            flag = args.get(2 if last == "Linear" else 7, "bias")
            if isinstance(made, Obj):
                made.slots["#bias"] = True if flag is None else truth(flag)
            return made
        return super().call(run, name, args, node)

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        if attr in NAMES and "#mode" in obj.slots and (obj.lib or obj is self.owner):
            if obj is self.owner:  # what its library base keeps
                own = Measured(algebra.single(Atom(obj.serial, attr, kept=True)), attr)
                return Data(kind="buffer", symbol=("slot", obj.serial, attr), label=attr, form=own)
            if attr == "bias" and obj.slots.get("#bias") is False:
                return NONE
            if attr == "bias":
                self.record.biases.add(obj.serial)
            elif obj.slots.get("#bias") is True:
                self.record.biased.add(obj.serial)
            return Data(form=Measured(algebra.single(Atom(obj.serial, attr))), label=attr, symbol=("slot", obj.serial, attr))
        return super().attribute(run, obj, attr, node)

    def applied(self, run: Run, args: Args, node: ir.Call) -> Value:
        """`functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)`"""
        given = [args.get(1, "running_mean"), args.get(2, "running_var")]
        kept = all(value is not None and (form := measured(value)) is not None and is_atom(form) for value in given)
        flag = args.get(5, "training")
        reached = {token.ref for token in mix([flag]).flow if token.kind == "flag"} if flag is not None else set()
        decided = set(run.known)
        dropped = [name for name, symbol in self.flags.items() if name not in reached and symbol not in decided]
        weight = measured(args.get(3, "weight") or NONE)
        borrowed = weight is not None and not all(atom.kept for atom in algebra.atoms(weight.formula))
        run.loud += 1
        found = dropped[0] if dropped else ""
        self.record.applied.append(Applied(flag, kept, borrowed, found, run.where(node)))
        return replace(mix(args.all()), kind="tensor")
