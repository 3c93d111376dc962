"""Pretrained networks of keras.applications: which are frozen, and thawed for finetuning, as a whole or layer by layer.

Their layers are not known one by one; what a loop over them says of one is kept as said of some.
Facts: Keras 2.15 and 3.15, "Transfer learning & fine-tuning" (`trainable = False` puts batch norm in inference mode; made
trainable again it follows the mode of the call).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import BackboneThawed
from bnlint.story.frameworks.keras.building import PRETRAINED, SEQUENTIAL
from bnlint.story.interpreter.iteration import PART
from bnlint.story.machine import Run
from bnlint.story.values import Data, Obj, Token, Tuple, Value, in_order, truth

HELD = "#held"
"""layers of it were frozen"""
SPARED = "#spared"
"""some of its layers are told apart from the others when they are frozen or thawed: batch norm, as a rule"""


def layers(model: Obj, parts: list[Obj]) -> Tuple:
    """`model.layers`: those that are known, and an unknown number of those of networks of the library.

    A functional model that begins at the input of such a network holds its layers one by one.
    """
    nets = [part for part in (model, *parts) if isinstance(part.slots.get("#norms"), str) and model.lib not in SEQUENTIAL]
    flow = frozenset(Token("layer of", net) for net in nets)
    rest = Data(flow, symbol=("layers of", *(net.serial for net in nets)), kind="keras layer") if nets else None
    return Tuple(tuple(part for part in parts if part not in nets), rest)


def assigned(run: Run, owner: Value, held: list[Obj], value: Value, node: ir.Attribute) -> None:
    """`owner.trainable = value`; `held`: the batch norms, and the networks of the library, that the owner holds."""
    flag = truth(value)
    if type(owner) is Data and owner.kind == "keras layer":
        for token in in_order(owner.flow):
            if token.kind == "layer of":
                of_layer(run, token.ref, flag, owner.symbol is not None and owner.symbol[0] == PART, node)
        return
    for net in held:
        if net.slots.get(PRETRAINED):
            if flag is True:
                thaw(run, net, node)
            elif flag is False:
                run.memory.write(net.slots, HELD, True)


def of_layer(run: Run, net: Obj, flag: bool | None, sliced: bool, node: ir.Attribute) -> None:
    """One layer of a network, which stands for some of them: for those of a slice, where it comes from one."""
    if flag is None or run.conditions:  # a condition around asks what kind of layer it is, or for its name or number
        run.memory.write(net.slots, SPARED, True)
        for event in thawed(run, net):
            event.spared = True
    elif flag:
        thaw(run, net, node)
    else:
        run.memory.write(net.slots, HELD, True)
        for event in thawed(run, net) if not sliced else ():
            event.refrozen = True


def thawed(run: Run, net: Obj) -> list[BackboneThawed]:
    return [event for event in run.story.events if isinstance(event, BackboneThawed) and event.net is net]


def thaw(run: Run, net: Obj, node: ir.Attribute) -> None:
    run.emit(BackboneThawed, node, net=net, again=bool(net.slots.get(HELD)), spared=bool(net.slots.get(SPARED)))
