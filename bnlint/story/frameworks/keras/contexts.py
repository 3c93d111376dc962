"""What tells a Keras layer its mode: the call around, the learning phase, a constant in a functional model.

Facts: Keras 2.15 and 3.15 ("The training argument": what a call does not say, the call around it says, and outside of any the
learning phase, which Keras 3 no longer has). In version 2 a constant in a functional model holds whatever runs the model; in
version 3 `fit` and `predict` override it ("Functional", since 3.0).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.project.versions import keras_version
from bnlint.story.events import FlagFixed, NormUse, PhaseSet
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow import wrappers
from bnlint.story.machine import Run
from bnlint.story.values import NONE, Choice, Const, Data, Func, Obj, Value, truth

PHASE = "learning phase"
VERSION = "keras version"
FIXED = "#fixed"
"""the constant that a layer of a functional model was given, None where that cannot be told"""


def context(run: Run) -> Value | None:
    """The `training` of the call around, None outside of any."""
    found = run.state.get("context")
    return found if isinstance(found, (Const, Data, Choice)) else None


def set_phase(run: Run, args: Args, node: ir.Call) -> Value:
    """`K.set_learning_phase(1)`; 0 changes nothing of what direct calls do."""
    given = truth(args.get(0, "value") or NONE)
    if given is not None:
        event = run.emit(PhaseSet, node, training=given)
        run.memory.write(run.state, PHASE, event if given else None)
    return NONE


def phase(run: Run) -> PhaseSet | None:
    """What put calls that say nothing in train mode."""
    found = run.state.get(PHASE)
    return found if isinstance(found, PhaseSet) else None


def fix(run: Run, layer: Obj, norms: list[Obj], flag: Value, node: ir.Call) -> None:
    """A layer is called on something symbolic with a flag of its own."""
    given = truth(flag)
    if given is None or not norms:
        run.memory.write(layer.slots, FIXED, None)
        return
    version = versions(run)
    event = run.emit(FlagFixed, node, layer=layer, norms=tuple(norms), training=given, version=version)
    before = layer.slots.get(FIXED, event)
    agreed = isinstance(before, FlagFixed) and before.training is given
    run.memory.write(layer.slots, FIXED, event if version is not None and agreed else None)


def fixed(layer: Obj, flag: Value | None) -> tuple[FlagFixed | None, bool]:
    """The constant that holds for a layer in a functional model that is called with `flag`, and whether one holds at all.

    Where it cannot be told which one holds, the first is None and the second True.
    """
    found = layer.slots.get(FIXED)
    if not isinstance(found, FlagFixed):
        return None, True
    return (found, True) if found.version == 2 or flag is None else (None, False)


def versions(run: Run) -> int | None:
    run.whole = True
    known = run.profiles.get("keras version", MISSING)
    if known is MISSING:
        known = run.profiles["keras version"] = keras_version(run.project)
    return known  # type: ignore[no-any-return]


MISSING = object()


# --- lost on the way -------------------------------------------------------------------------


def note_dropped(run: Run, norm: Obj, node: ir.Call) -> None:
    """A batch norm that nothing tells its mode, although a function around is told; Keras hands on `training` by itself."""
    use: NormUse | None = run.norms[-1].get(id(norm)) if run.norms else None
    if use is None or not use.by_default or any(hands_on(frame.func) for frame in run.frames):
        return
    name = wrappers.dropped(run, node, None)
    if name:
        run.norms[-1][id(norm)] = replace(use, dropped=(name, run.place(node)))


def dropped_outside(run: Run, uses: tuple[NormUse, ...], node: ir.Call) -> tuple[NormUse, ...]:
    """The batch norms of a call that says nothing, made by a function that was told: no layer inside learns of it."""
    if not any(use.by_default and use.dropped is None for use in uses) or any(hands_on(frame.func) for frame in run.frames):
        return uses
    name = wrappers.dropped(run, node, None)
    if not name:
        return uses
    lost = name, run.place(node)
    return tuple(replace(use, dropped=lost) if use.by_default and use.dropped is None else use for use in uses)


def hands_on(func: Func | None) -> bool:
    """Whether a function is a `call` that takes `training`."""
    return func is not None and func.name == "call" and any(param.name == "training" for param in func.node.params.items)
