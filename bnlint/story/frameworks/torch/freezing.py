"""Freezing: parameters without gradient, batch norms that are held in eval mode, and what puts them back in train mode.

State of a batch norm (of a library's network: of the object that stands for its norms, see `parts`):
"#frozen", the `Frozen` events that still hold; "#held", what put it in eval mode while it was in train mode.

Facts: torch 2.13, "Module" (`train(mode)` goes through all registered parts; `requires_grad_` and `requires_grad` say
nothing about the mode: a frozen batch norm in train mode goes on updating its statistics).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story import entries
from bnlint.story.events import Frozen, Held, Hidden, Mode, ModeSet, NormUse, Thawed
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import kinds, names, networks, parts
from bnlint.story.frameworks.torch.known import WRAPPERS
from bnlint.story.interpreter import conditions, objects
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import Cls, Const, Data, Func, Obj, Token, Value, options, truth

NONE_FROZEN: frozenset[Frozen] = frozenset()


# --- parameters ------------------------------------------------------------------------------


def required(run: Run, obj: Obj, args: Args, node: ir.Call) -> None:
    """`module.requires_grad_(flag)`"""
    freeze(run, obj, args.get(0, "requires_grad") or Const(True), "requires_grad_", node)


def assigned(run: Run, owner: Value, attr: str, value: Value, node: ir.Expr) -> None:
    """`parameter.requires_grad = flag`, for the parameters of a module in turn.

    A weight or bias that is named by itself is left alone: `norm.bias.requires_grad = False` asks for a norm without shift.
    """
    if attr != "requires_grad":
        return
    for option in options(owner):
        if type(option) is not Data:
            continue
        for token in sorted_parameters(option):
            freeze(run, token.ref, value, "requires_grad =", node)
        if truth(value) is False:
            kinds.weight_frozen(run, option, node)


def tensor_method(run: Run, owner: Data, name: str, args: Args, node: ir.Call) -> None:
    """`parameter.requires_grad_(flag)`"""
    if name != "requires_grad_":
        return
    flag = args.get(0, "requires_grad") or Const(True)
    for token in sorted_parameters(owner):
        freeze(run, token.ref, flag, name, node)


def sorted_parameters(tensor: Data) -> list[Token]:
    found = [token for token in tensor.flow if token.kind == "parameters" and isinstance(token.ref, Obj)]
    return sorted(found, key=lambda token: token.ref.serial)


def freeze(run: Run, obj: Obj, value: Value, how: str, node: ir.Expr) -> None:
    """Write down that the parameters of a module are frozen, or given back to the solver."""
    tests = name_tests(run)
    norms = [parts.holder(norm) for norm in networks.norms_below(run, obj)]
    if tests:
        norms = named_so(obj, norms, tests)
    if not norms:
        return
    flag = conditions.decide(run, value)[0]
    named = flag is None and type(value) is Data and any(token.kind == "name" for token in value.flow)
    event = run.emit(
        Frozen, node, net=obj, flag=False if named else flag, norms=tuple(norms), how=how, contrary=bool(run.contrary),
        reasons=tuple(reason(run, *condition) for condition in run.conditions),
    )  # fmt: skip
    if event.flag is False:
        kinds.treated(run, obj, "frozen", node)
    for norm in norms:
        bearer = parts.bearer(norm)
        before: frozenset[Frozen] = bearer.slots.get("#frozen", NONE_FROZEN)
        if event.flag is not False:
            for earlier in before:
                if not same_loop(earlier, event):
                    earlier.lifted.add(norm)
        now = frozenset({event}) if event.flag is False else NONE_FROZEN
        if now != before:
            run.memory.write(bearer.slots, "#frozen", now)


def name_tests(run: Run) -> list[tuple[str, str, bool]]:
    """What is supposed here of the name of a parameter: how it is asked, for which text, and the answer."""
    found: list[tuple[str, str, bool]] = []
    for symbol, answer in run.known.items():
        how, first, second = symbol if len(symbol) == 3 else (None, None, None)
        if how == "in" and isinstance(first, str) and is_name(second):
            found.append(("in", first, answer is True))
        elif how == "startswith" and isinstance(second, str) and is_name(first):
            found.append(("startswith", second, answer is True))
    return found


def is_name(symbol: object) -> bool:
    return isinstance(symbol, tuple) and symbol[:1] == (names.NAME,)


def named_so(net: Obj, norms: list[Obj], tests: list[tuple[str, str, bool]]) -> list[Obj]:
    """Those batch norms whose parameters may have names of which all this is true."""
    paths = names.paths(net)
    kept: list[Obj] = []
    for norm in norms:
        known = [paths[id(part)] for part in (norm, parts.bearer(norm)) if id(part) in paths]
        answers = {names.fits(path, how, asked) is not (not answer) for path in known[:1] for how, asked, answer in tests}
        if False not in answers:
            kept.append(norm)
    return kept


def reason(run: Run, asked: Value, default: bool | None) -> str:
    """What an undecided condition asks for: the name of a parameter, an option that has a default, anything else."""
    if type(asked) is Data and any(token.kind == "name" for token in asked.flow):
        return "name"
    return "default" if default is not None else ""


def same_loop(a: Frozen, b: Frozen) -> bool:
    """Whether two statements of one loop over parameters choose among them."""
    if a.where.calls != b.where.calls or not a.where.loops or not b.where.loops:
        return False
    return a.where.loops[-1][0] == b.where.loops[-1][0]


# --- modes -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Thaw:
    """What one switch of modes does to batch norms that were held in eval mode, or are from now on."""

    run: Run
    event: ModeSet
    found: list[Obj] = field(default_factory=list)

    def before(self, part: Obj) -> None:
        """A module is about to get its new mode."""
        slots = part.slots
        if part is self.event.net and "#part_of" in slots and parts.holder(part) is part:
            self.one_of_many(part)
        if "train" in self.event.modes:
            if slots.get("#held"):
                self.found.append(part)
            return
        old: frozenset[Mode] = slots["#mode"]
        if any(mark.name == "train" for mark in old) and networks.is_norm(self.run, part):
            new = Held(parts.holder(part), self.event, bool(self.run.contrary))
            held = frozenset({*slots.get("#held", ()), new})
            if len(held) <= 4:
                self.run.memory.write(slots, "#held", held)

    def one_of_many(self, part: Obj) -> None:
        """What stands for any part of a library's network is switched: some of its norms may be."""
        bearer = parts.bearer(part.slots["#part_of"])
        more = frozenset(Mode(mode, self.event.number) for mode in self.event.modes)
        self.run.memory.write(bearer.slots, "#mode", bearer.slots["#mode"] | more)

    def finish(self, seen: set[int], node: ir.Expr) -> None:
        """Write down which of the norms had been held with only a part of what is switched now."""
        net = self.event.net
        inner = net.slots.get("module") if net.lib in WRAPPERS else None
        told: list[Held] = []
        for norm in self.found:
            held: frozenset[Held] = norm.slots["#held"]
            self.run.memory.write(norm.slots, "#held", frozenset())
            if norm is not net:
                frozen = bool(norm.slots.get("#frozen"))
                parted = [each for each in held if each.by.net not in (net, inner) and id(each.by.net) in seen]
                told += [replace(each, frozen=frozen) for each in parted]
        if told:
            told.sort(key=lambda each: (each.by.number, each.norm.serial))
            self.run.emit(Thawed, node, net=net, held=tuple(told), switch=self.event)


def uses(run: Run, obj: Obj) -> list[NormUse]:
    """A forward runs through a batch norm, or through those of a library's network."""
    found = [use(run, obj)]
    if parts.NORMS in obj.slots:
        looked_at = [part for part in parts_of(obj) if part.slots.get("#norms") == "yes"]
        found += [use(run, part) for part in looked_at]
    return found


def parts_of(net: Obj) -> list[Obj]:
    """The parts of a library's network that were asked for by name: some of them may be treated differently."""
    prefix = f"{net.lib}."
    return [part for part in net.slots.values() if isinstance(part, Obj) and part.lib.startswith(prefix)]


def use(run: Run, norm: Obj) -> NormUse:
    bearer = parts.bearer(norm)
    # its own mode is nothing that a memo depends on: replayed, the norm runs in the mode of then
    modes = bearer.slots["#mode"] if bearer is norm else run.memory.read(bearer.slots, "#mode")
    frozen = run.memory.read(bearer.slots, "#frozen")
    return NormUse(norm, modes, networks.sure(norm), frozen=NONE_FROZEN if frozen is MISSING else frozen)


# --- flags that hide methods -----------------------------------------------------------------


def hides(run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
    """`self.freeze_bn = freeze_bn` where the class has a method `freeze_bn` that puts modules in eval mode."""
    if not (isinstance(owner, Obj) and isinstance(owner.cls, Cls) and networks.is_module(owner)):
        return
    if attr in ("train", "eval", "training") or not isinstance(value, (Const, Data)) or truth(value) is False:
        return
    if not any(isinstance(base, Cls) and attr in base.table for base in owner.cls.order):
        return
    method = objects.find(run, owner.cls.order, attr)
    if not isinstance(method, Func) or method.kind or not isinstance(method.node, ir.Function):
        return
    mentioned, called = entries.used(method.node.body)
    if "eval" in called and "modules" in mentioned:
        module = method.scope.module
        row, column = module.offsets.place(method.node.at)
        end = module.offsets.place(method.node.at + len(attr))
        defined = Place(str(module.path), row, column, *end)
        wanted = not (type(value) is Const and value.assumed and not value.value)
        run.emit(Hidden, node, net=owner, method=attr, defined=defined, wanted=wanted)
