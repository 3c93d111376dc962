"""Which kinds of batch norm a program asks for, one module at a time: `isinstance(m, nn.BatchNorm2d)`.

A selection belongs to one question in the text. It knows the norms that were picked and those that were passed over although
they are batch norms, too; what is done with the picked ones (eval mode, no gradient, no weight decay) is written down once.

Facts: torch 2.13, `torch.nn.modules.batchnorm` (BatchNorm1d, 2d, 3d and SyncBatchNorm derive from `_BatchNorm`, not from one
another).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story.events import Narrow
from bnlint.story.frameworks.torch.known import BATCH_NORMS
from bnlint.story.joining import flow_of
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Lib, Obj, Token, Value, in_order, number, text

PICKED = "picked norm"
"""kind of token of a weight or bias that was taken from a batch norm after its kind was asked for"""
WIDTH = 64


@dataclass(slots=True, eq=False)
class Selection:
    """One question and its answers. wanted: the classes asked for; told: what was done with the picked ones already."""

    place: Place
    wanted: frozenset[str]
    picked: list[Obj] = field(default_factory=list)
    passed: list[Obj] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


def asked(run: Run, value: Value, classes: Iterable[Value], answer: bool | None, node: ir.Expr) -> None:
    """`isinstance(value, classes)` was answered, or `type(value) is cls`, or the like with the name of a class."""
    if isinstance(value, Obj) and answer is None:
        if value.lib in BATCH_NORMS:
            run.state["typed"] = value
        return
    if not isinstance(value, Obj):
        typed = run.state.get("typed")
        if not isinstance(typed, Obj) or value not in (typed.cls, Const(typed.lib.rpartition(".")[2])):
            return
        value = typed
    classes = [named(each) for each in classes]
    if not isinstance(value, Obj) or value.lib not in BATCH_NORMS or answer is None:
        return
    wanted = frozenset(each.name for each in classes if isinstance(each, Lib) and each.name in BATCH_NORMS)
    if not wanted:
        return
    place = run.place(node)
    table: dict[Place, Selection] = run.state.setdefault("selections", {})
    selection = table.get(place)
    if selection is None or selection.wanted != wanted:
        selection = table[place] = Selection(place, wanted)
    found = selection.picked if answer else selection.passed
    if not any(value is each for each in found[-WIDTH:]):
        found.append(value)
    if answer:
        run.state["selected"] = (value, selection)


def named(cls: Value) -> Value:
    """The class that a text names."""
    known = text(cls)
    return Lib(f"torch.nn.{known}") if known is not None else cls


def current(run: Run, norm: Obj) -> Selection | None:
    """The question that picked this norm, if it is the one that was asked last."""
    held = run.state.get("selected")
    return held[1] if held is not None and held[0] is norm else None


def treated(run: Run, norm: Obj, how: str, node: ir.Expr) -> None:
    """Something is done with a batch norm by itself: "eval", "frozen"."""
    selection = current(run, norm)
    if selection is not None:
        tell(run, selection, how, node)


def tell(run: Run, selection: Selection, how: str, node: ir.Expr) -> None:
    if how not in selection.told:
        selection.told.add(how)
        run.emit(Narrow, node, asked=selection.place, picked=selection.picked, passed=selection.passed, how=how)


def weight(run: Run, norm: Obj, attr: str) -> Data | None:
    """`norm.weight` or `norm.bias` of one that was just picked."""
    if current(run, norm) is None or attr not in ("weight", "bias"):
        return None
    return Data(frozenset({Token(PICKED, norm)}), label=attr)


def weight_frozen(run: Run, weight_: Data, node: ir.Expr) -> None:
    """`norm.weight.requires_grad = False`"""
    for token in in_order(weight_.flow):
        if token.kind == PICKED:
            treated(run, token.ref, "frozen", node)


def grouped(run: Run, groups: Iterable[tuple[Value | None, Value | None]], node: ir.Expr) -> None:
    """An optimiser is built: parameters and weight decay of each group. Some norms are spared the decay, others are not."""
    table: dict[Place, Selection] = run.state.get("selections", {})
    if not any(selection.passed and selection.picked for selection in table.values()):
        return
    spared: set[int] = set()
    decayed = False
    for params, decay in groups:
        known = number(decay) if decay is not None else None
        if params is None or known is None or known[0] != 0:
            decayed |= decay is not None and (known is None or known[0] > 0)
            continue
        spared.update(id(token.ref) for token in flow_of(params)[0] if token.kind in (PICKED, "parameters"))
    if not decayed:
        return
    for selection in table.values():
        if any(id(norm) in spared for norm in selection.picked) and any(id(norm) not in spared for norm in selection.passed):
            passed = [norm for norm in selection.passed if id(norm) not in spared]
            run.emit(Narrow, node, asked=selection.place, picked=selection.picked, passed=passed, how="decay")
