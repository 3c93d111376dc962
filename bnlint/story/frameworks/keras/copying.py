"""Weights of Keras models as tensors, and what is written into them: target and averaged networks.

Facts: Keras 2.15 and 3.15, "Layer" (`weights`, `variables` and `get_weights()` hold the moving averages of batch norm,
`trainable_weights` and `trainable_variables` do not; `set_weights` writes everything).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Copied, Holder
from bnlint.story.events.state import What
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch.copying import names_of
from bnlint.story.joining import flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.nesting import clone
from bnlint.story.values import NONE, UNKNOWN, Data, Obj, Token, Value, in_order

LISTS = {
    "trainable_variables": "parameters", "trainable_weights": "parameters", "variables": "state_dict", "weights": "state_dict",
    "non_trainable_variables": "buffers", "non_trainable_weights": "buffers",
}  # fmt: skip
"""attribute of a layer or model -> which part of its state it lists"""
WEIGHT = "keras weight"
"""kind of one variable of a model: assigning it changes the model"""
WRITTEN: dict[str, What] = {"parameters": "parameters", "state_dict": "both", "buffers": "buffers"}
READING = frozenset({"numpy", "value", "read_value", "copy"})
WRITING = frozenset({"assign", "assign_add", "assign_sub"})


def listed(obj: Obj, attr: str) -> Data:
    """`model.trainable_variables`"""
    return Data(frozenset({Token(LISTS[attr], obj)}), kind=attr)


def elements(value: Data) -> tuple[list[Value], Value | None] | None:
    """What iterating over such a list gives."""
    if value.kind not in LISTS:
        return None
    return [], Data(value.flow, kind=WEIGHT)


def got(obj: Obj) -> Data:
    """`model.get_weights()`: arrays, not the variables themselves."""
    return Data(frozenset({Token("state_dict", obj)}), kind="array")


def method(run: Run, owner: Data, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method of a variable of a model."""
    if owner.kind != WEIGHT:
        return None
    if name in READING:
        return Data(owner.flow, kind="tensor")
    if name in WRITING:
        for target, sources, what in written(owner, args.all()):
            known = tuple(of_model(run, source) for source in sources)
            run.emit(Copied, node, target=of_model(run, target), sources=known, what=what, how=name)
        return owner
    return None


def written(owner: Data, values: list[Value]) -> list[tuple[Obj, list[Obj], What]]:
    """Which models the values of an assignment come from, for each whose variable it may be."""
    given = {token.ref: None for token in sorted(flow_of(mix(values))[0], key=lambda t: t.kind) if token.kind in WRITTEN}
    found: list[tuple[Obj, list[Obj], What]] = []
    for token in in_order(owner.flow):
        sources = sorted((ref for ref in given if ref is not token.ref), key=lambda ref: ref.serial)
        if sources and token.kind in WRITTEN:
            found.append((token.ref, sources, WRITTEN[token.kind]))
    return found


def set_weights(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    """`model.set_weights(arrays)`: everything."""
    given = args.get(0, "weights") or UNKNOWN
    refs = {token.ref for token in flow_of(given)[0] if token.kind == "state_dict" and token.ref is not obj}
    sources = tuple(of_model(run, ref) for ref in sorted(refs, key=lambda ref: ref.serial))
    run.emit(Copied, node, target=of_model(run, obj), sources=sources, what="both", how="set_weights")
    return NONE


def of_model(run: Run, obj: Obj) -> Holder:
    """A model with the batch norms that it holds now."""
    from bnlint.story.frameworks.keras.models import norms_within

    norms = tuple(norms_within(run, obj))
    return Holder(obj, norms, any(norm.slots.get("#norms") != "maybe" for norm in norms), names_of(run, obj))


def copied(run: Run, value: Value | None) -> Value | None:
    """`keras.models.clone_model(model)`: the same layers with variables of their own."""
    made = clone(run, value) if value is not None else None
    if isinstance(made, Obj) and "#within" in made.slots:
        seen: dict[int, Obj] = {}
        tokens = sorted(made.slots["#within"], key=lambda token: token.ref.serial)
        made.slots["#within"] = frozenset(Token(token.kind, clone(run, token.ref, seen)) for token in tokens)
    return made
