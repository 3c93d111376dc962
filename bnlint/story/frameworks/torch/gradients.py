"""Gradients that ask for independent examples: penalties on the gradient of a critic, gradients of single examples.

Facts: torch 2.13, `torch.autograd.grad` (create_graph=False by default), `torch.func.vmap` over train-mode batch norm raises;
Opacus 1.6 (`ModuleValidator` refuses batch norm, but not one without trainable parameters; `fix` puts group norm in its place).
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import Forward, Penalised, PerSample
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import networks
from bnlint.story.interpreter import calls, conditions
from bnlint.story.joining import flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.values import UNKNOWN, Data, Lib, Obj, Tuple, Value, options, truth

PRIVATE = frozenset({"make_private", "make_private_with_epsilon"})
FIXES = ("ModuleValidator.fix", "convert_batchnorm_modules", "ModuleValidator.fix_and_validate", "nullify_batchnorm_modules")
MAPPED = frozenset({"torch.func.vmap", "torch.vmap", "functorch.vmap"})
GRADS = frozenset({"torch.func.grad", "torch.func.grad_and_value", "functorch.grad", "functorch.grad_and_value"})
FUNCTIONAL = frozenset({"torch.func.functional_call", "torch.nn.utils.stateless.functional_call"})


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    """A function that takes or prepares such gradients; None for any other."""
    if name == "torch.autograd.grad":
        return penalty(run, args, node)
    if name in MAPPED or name in GRADS:
        made = run.allocate(Lib("torch.func.vmap" if name in MAPPED else "torch.func.grad"), node)
        made.slots["#function"] = args.get(0, "func") or UNKNOWN
        return made
    if name in FUNCTIONAL:
        return functional_call(run, args, node)
    if name.startswith("opacus."):
        return private(run, name, args, node)
    return None


def penalty(run: Run, args: Args, node: ir.Call) -> Value:
    """`autograd.grad(outputs, inputs, create_graph=True)`: the gradient is itself part of a loss."""
    outputs, inputs = args.get(0, "outputs") or UNKNOWN, args.get(1, "inputs") or UNKNOWN
    created = args.get(4, "create_graph")
    again = conditions.decide(run, created)[0] if created is not None else False
    wanted = flow_of(inputs)[0]
    if again and not any(token.kind == "parameters" for token in wanted):
        through = {token.ref for token in flow_of(outputs)[1] if token.kind == "forward"}
        made_of = {token.ref for token in wanted if token.kind == "forward"}
        forwards = frozenset(through - made_of)
        if forwards:
            run.emit(Penalised, node, forwards=forwards, how="torch.autograd.grad")
    result = mix(args.all())
    return Tuple((), Data(result.flow, result.grad, kind="tensor"))


# --- gradients of single examples ------------------------------------------------------------


def functional_call(run: Run, args: Args, node: ir.Call) -> Value:
    """`functional_call(module, parameters, args)`: a forward of the module."""
    module, given = args.get(0, "module") or UNKNOWN, args.get(2, "args") or UNKNOWN
    handed = given.items if isinstance(given, Tuple) else (given,)
    return calls.call(run, module, Args(tuple(handed)), node)


def apply(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
    """What `vmap(...)` or `grad(...)` returned is called."""
    if obj.lib not in ("torch.func.vmap", "torch.func.grad"):
        return None
    inner = obj.slots["#function"]
    before = len(run.story.events)
    result = calls.call(run, inner, Args(args.positional, args.keywords, args.star, args.double_star), node)
    if obj.lib.endswith("vmap") and isinstance(inner, Obj) and inner.lib == "torch.func.grad":
        for event in run.story.events[before:]:
            if isinstance(event, Forward):
                refused = tuple(use.norm for use in event.norms if use.certain and {mode.name for mode in use.modes} == {"train"})
                if refused:
                    run.emit(PerSample, node, net=event.net, refused=refused, passed=(), how="vmap(grad)")
    return result


def private(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    if name.endswith(FIXES):
        made = run.allocate(Lib("opacus.fixed"), node)
        made.slots.update({"#mode": networks.FRESH, "#norms": "no"})
        return made
    if name.endswith("PrivacyEngine") and (args.get(0, "module") is not None):
        attach(run, args.get(0, "module") or UNKNOWN, "PrivacyEngine", node)
    return run.allocate(Lib(name), node) if name.rpartition(".")[2][:1].isupper() else None


def method(run: Run, owner: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    """`PrivacyEngine().make_private(module=..., optimizer=..., data_loader=...)` gives the three back."""
    if name not in PRIVATE or not owner.lib.startswith("opacus."):
        return None
    module = args.get(0, "module") or UNKNOWN
    attach(run, module, name, node)
    return Tuple((module, args.get(None, "optimizer") or UNKNOWN, args.get(None, "data_loader") or UNKNOWN))


def attach(run: Run, module: Value, how: str, node: ir.Call) -> None:
    for net in options(module):
        if isinstance(net, Obj) and "#mode" in net.slots:
            norms = [norm for norm in networks.norms_below(run, net) if networks.sure(norm)]
            passed = tuple(norm for norm in norms if not trainable(norm))
            refused = tuple(norm for norm in norms if trainable(norm))
            if norms:
                run.emit(PerSample, node, net=net, refused=refused, passed=passed, how=how)


def trainable(norm: Obj) -> bool:
    """Whether a batch norm has parameters that the solver may change, as far as the story knows."""
    affine = norm.slots.get("#affine")
    return not (norm.slots.get("#frozen") or (affine is not None and truth(affine) is False))
