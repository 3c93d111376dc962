"""PyTorch modules: how they are built and nested, the mode of each, and what a forward runs through.

Facts: torch 2.13, "Module" (new modules start in train mode; `train`/`eval` recurse into registered children and return
self; plain Python lists register nothing).
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story import recording
from bnlint.story.events import Forward, Mode, NormUse
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import (
    batch_sizes,
    contrast,
    derived,
    freezing,
    handmade,
    modalities,
    padding,
    parts,
    recurrence,
    repeated,
    shapes,
    statistics,
    switching,
    unused,
)
from bnlint.story.frameworks.torch.known import BATCH_NORMS, CONTAINERS, WRAPPERS, learns
from bnlint.story.interpreter import calls, iteration, objects, raising
from bnlint.story.joining import choose, flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.meeting import meet
from bnlint.story.nesting import children, clone, descendants
from bnlint.story.values import (
    NO_TOKENS,
    NONE,
    UNKNOWN,
    Choice,
    Cls,
    Const,
    Data,
    Func,
    Lib,
    Obj,
    Token,
    Tuple,
    Value,
    options,
    text,
)

FRESH = frozenset({Mode("train", -1)})


def is_module(value: Value) -> bool:
    return isinstance(value, Obj) and "#mode" in value.slots


def is_norm(run: Run, obj: Obj) -> bool:
    """Whether a module is itself a batch norm, of the library or derived from it."""
    names = run.project.options.batch_norm_classes
    if isinstance(obj.cls, Lib):
        return obj.cls.name in BATCH_NORMS or obj.cls.name in names or obj.cls.name.rpartition(".")[2] in names
    if obj.cls.name in names or any(isinstance(base, Lib) and base.name in BATCH_NORMS for base in obj.cls.order):
        return True
    return "#mode" in obj.slots and handmade.is_own(run, obj)


def norms_below(run: Run, obj: Obj) -> list[Obj]:
    """The batch norms below a module; networks of a library stand for theirs."""
    below = descendants(obj)
    aside = {id(part.slots[parts.NORMS]) for part in below if parts.NORMS in part.slots}
    found = [part for part in below if part.slots.get("#norms") in ("yes", "maybe") or is_norm(run, part)]
    return [part for part in found if id(part) not in aside] if aside else found


# --- building --------------------------------------------------------------------------------


def layer(run: Run, name: str, args: Args, node: ir.Call) -> Obj:
    """A module of the library."""
    made = run.allocate(Lib(name), node)
    made.slots["#mode"] = FRESH
    if name in CONTAINERS:
        fill(run, made, args, node)
    elif name in WRAPPERS:
        inner = args.get(0, "module") or args.get(0, "model") or UNKNOWN
        if name.endswith(("AveragedModel", "ModelEma", "ModelEmaV2")):
            inner = clone(run, inner)
            made.slots["#use_buffers"] = args.get(4, "use_buffers") or Const(False)
        made.slots["module"] = inner
        for option in options(inner):
            if isinstance(option, Obj) and "#mode" in option.slots:
                made.slots["#mode"] = option.slots["#mode"]
    return made


def registered(run: Run, obj: Obj) -> Obj:
    """`module._modules`: the children by name."""
    made = run.allocate(Lib("dict"), None)
    for key, value in list(obj.slots.items()):
        if isinstance(key, str) and not key.startswith("#") and is_module(value):
            made.slots[key] = value
    for place, item in enumerate(obj.slots.get("#items", ())):
        made.slots[str(place)] = item
    return made


def container_base(cls: Cls) -> bool:
    """Whether a project class is a Sequential, ModuleList or ModuleDict."""
    return any(isinstance(base, Lib) and base.name in CONTAINERS for base in cls.order)


def fill(run: Run, made: Obj, args: Args, node: ir.Call) -> None:
    """The elements of Sequential(*layers), ModuleList(list) or ModuleDict(dict)."""
    names = {base.name for base in made.cls.order if isinstance(base, Lib)} if isinstance(made.cls, Cls) else {made.lib}
    if "torch.nn.Sequential" in names:
        items, rest = list(args.positional), args.star
        if len(items) == 1 and isinstance(items[0], Obj) and items[0].lib == "dict":
            made.slots["#names"] = tuple(key.value for key in iteration.dict_keys(items[0]) if type(key) is Const)
            items = iteration.dict_values(items[0])
        norms = [isinstance(item, Obj) and is_module(item) and is_norm(run, item) for item in items]
        if any(norms):
            repeated.chained(run, made, items, norms, node)
    else:
        first = args.get(0)
        if isinstance(first, Obj) and first.lib == "dict":
            for key, value in first.slots.items():
                if not str(key).startswith("#"):
                    made.slots[str(key)] = value
            return
        items, rest = iteration.elements(run, first, node) if first is not None else ([], None)
    made.slots["#items"] = tuple(items)
    if rest is not None:
        made.slots["#rest"] = rest


# --- forwards --------------------------------------------------------------------------------


def forward(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    """Apply a module. The outermost forward is written down, with the batch norms it ran through."""
    if run.forwards:
        return inner_forward(run, obj, args, node)
    first = args.positional[0] if args.positional else next(iter(args.keywords.values()), UNKNOWN)
    batch, assumed = batch_of(first)
    run.memory.write(run.state, "learnt", False)
    run.wide_risks += 1
    event = run.emit(
        Forward, node, net=obj, norms=(), inputs=tuple(args.all()), batch=batch, batch_assumed=assumed,
        grad=recording.recorded(run), grad_off=recording.off(run), framework="torch",
        guarded=batch_sizes.guarded(run),
    )  # fmt: skip
    norms: dict[int, NormUse] = {}
    run.norms.append(norms)
    run.forwards += 1
    args = modalities.entered(run, args)
    recurrence.begin(run, obj)
    try:
        result = inner_forward(run, obj, args, node)
    finally:
        run.forwards -= 1
        run.norms.pop()
    if not norms:
        for norm in norms_below(run, obj):
            sure = norm.slots.get("#norms") == "yes" and norm is obj
            norms.update({id(use.norm): replace(use, certain=sure and use.certain) for use in freezing.uses(run, norm)})
    event.norms = tuple(norms.values())
    grad = frozenset({event.token}) if event.grad is not False else NO_TOKENS
    if isinstance(obj.cls, Cls) and isinstance(objects.find(run, obj.cls.order, "forward"), Func):
        batch, assumed = None, False  # its own code tells how many examples it gives back
    return tag(result, frozenset({event.token}), grad, event.grad is False, batch, assumed)


def passed_over(run: Run, obj: Obj) -> None:
    """A module was applied inside a forward, and what it does is not followed: it may run through any norm that it holds."""
    if run.norms:
        for norm in norms_below(run, obj):
            met = run.norms[-1]
            met.update({id(use.norm): replace(use, certain=False) for use in freezing.uses(run, norm) if id(use.norm) not in met})


def inner_forward(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    steps = recurrence.entered(run, obj, args, node)
    result = contrast.given(run, obj, args, applied(run, obj, args, node), node)
    return recurrence.left(run, steps, result) if steps is not None else result


def applied(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    run.step()
    if isinstance(obj.cls, Cls):
        handmade.met(run, obj, node)
    elif learns(obj.lib) and not run.state.get("learnt"):
        run.memory.write(run.state, "learnt", True)
    if isinstance(obj.cls, Cls) and not is_norm(run, obj):
        own = objects.find(run, obj.cls.order, "forward")
        if isinstance(own, Func):
            norms = [
                (key, part)
                for key, part in obj.slots.items()
                if isinstance(part, Obj) and part.lib in BATCH_NORMS and isinstance(key, str)
            ]
            if norms:
                repeated.called(run, obj, own, norms)
            result = calls.call_function(run, own, calls.with_self(obj, args), node)
            if norms:
                unused.look(run, obj, own, norms, result)
            return result
        if any(isinstance(base, Lib) and base.name in WRAPPERS for base in obj.cls.order) and "module" in obj.slots:
            return calls.call(run, obj.slots["module"], args, node)
        if not obj.cls.order or not any(isinstance(base, Lib) and base.name in CONTAINERS for base in obj.cls.order):
            return mix(args.all())
    derived_forward = derived.own_forward(run, obj)
    if derived_forward is not None:
        return derived.forward(run, obj, derived_forward, args, node)
    if (is_norm(run, obj) or obj.slots.get("#norms") in ("yes", "maybe")) and run.norms:
        shape = shapes.of(args.positional[0]) if args.positional else None
        padding.normalised(run, obj, args, node)
        modalities.normalised(run, obj, args, node)
        one = shapes.single(obj, shape)
        used = [replace(use, shape=shape, single=one) if use.norm is obj else use for use in freezing.uses(run, obj)]
        meet(run.norms[-1], used)
    if "module" in obj.slots and obj.lib in WRAPPERS:
        return calls.call(run, obj.slots["module"], args, node)
    if "#items" in obj.slots:
        value = args.positional[0] if args.positional else UNKNOWN
        run.memory.read(obj.slots, "#items")  # what a memo of the call depends on
        for part in list(children(obj)):
            value = calls.call(run, part, Args((value,)), node)
        return value
    contrast.compared(run, obj.lib, args, node)
    modalities.layered(run, obj, args, node)
    result = modalities.through(run, obj, layer_output(args))
    if obj.lib in padding.RECURRENT and type(result) is Data:
        return padding.recurrent(result)
    return shapes.output(obj, result, args.positional[0]) if type(result) is Data and args.positional else result


def sure(obj: Obj) -> bool:
    """Whether it is established that this batch norm is there: not only when an option is set against its default."""
    return obj.slots.get("#norms") != "maybe" and not obj.slots.get("#contrary")


def layer_output(args: Args) -> Value:
    """What a leaf layer gives: as many examples as it was given."""
    first = args.positional[0] if args.positional else UNKNOWN
    result = mix(args.all())
    return replace(result, batch=first.batch, assumed=first.assumed) if type(first) is Data else result


def batch_of(value: Value) -> tuple[int | None, bool]:
    """The batch size of an input, and whether it is only assumed."""
    if type(value) is Data:
        return value.batch, value.assumed
    if isinstance(value, Choice):
        sizes = {batch_of(option) for option in value.options}
        return sizes.pop() if len(sizes) == 1 else (None, False)
    return None, False


def tag(
    value: Value, flow: frozenset[Token], grad: frozenset[Token], cut: bool, batch: int | None, assumed: bool, depth: int = 3
) -> Value:
    """Mark everything a forward returned as influenced by it."""
    if type(value) is Data:
        size = value.batch if value.batch is not None else batch
        kept = NO_TOKENS if cut else value.grad | grad
        return Data(value.flow | flow, kept, size, value.assumed or assumed, (), None, value.label, "tensor")
    if depth and isinstance(value, Tuple):
        items = tuple(tag(item, flow, grad, cut, batch, assumed, depth - 1) for item in value.items)
        rest = tag(value.rest, flow, grad, cut, batch, assumed, depth - 1) if value.rest is not None else None
        return Tuple(items, rest)
    if depth and isinstance(value, Choice):
        return choose([tag(option, flow, grad, cut, batch, assumed, depth - 1) for option in value.options])
    if depth and isinstance(value, Obj) and value.lib in ("list", "dict"):
        for key, part in list(value.slots.items()):
            if key == "#items":
                value.slots[key] = tuple(tag(item, flow, grad, cut, batch, assumed, depth - 1) for item in part)
            elif not str(key).startswith("#") or key == "#rest":
                value.slots[key] = tag(part, flow, grad, cut, batch, assumed, depth - 1)
        return value
    if type(value) is Const and value.value is None:
        return value
    if isinstance(value, Obj) and isinstance(value.cls, Cls):
        return value
    return Data(flow, grad, batch, assumed, kind="tensor")


# --- methods of modules ----------------------------------------------------------------------

SAME = frozenset({
    "to", "cuda", "cpu", "float", "double", "half", "bfloat16", "xpu", "requires_grad_", "share_memory", "type", "compile",
    "to_empty", "npu", "mps",
})  # fmt: skip


def method(run: Run, obj: Obj, name: str, args: Args, node: ir.Call) -> Value | None:
    """A method that `torch.nn.Module` gives to every module."""
    if name == "train":
        return switching.train(run, obj, args, node)
    if name == "eval":
        return switching.evaluate(run, obj, args, node)
    if name in SAME:
        if name == "requires_grad_":
            freezing.required(run, obj, args, node)
        return obj
    if name in ("__call__", "forward"):
        return forward(run, obj, args, node)
    if name in parts.LISTING:
        return parts.listed(run, obj, name)
    if name == "get_submodule" and (path := text(args.get(0, "target") or UNKNOWN)) is not None:
        return parts.at_path(obj, path)
    if name == "apply":
        func = args.get(0, "fn")
        if func is not None:
            for each in descendants(obj):
                run.step()
                calls.call(run, func, Args((each,)), node)
        return obj
    if name in ("add_module", "register_module"):
        key, part = args.get(0, "name"), args.get(1, "module")
        if part is not None:
            known = text(key) if key is not None else None
            if known in obj.slots and run.catches:
                raising.may_raise(run)  # a part is replaced: what raised before met the old one
            run.serial += 1
            run.memory.write(obj.slots, known.lstrip("#") if known else f"<module {run.serial}>", part)
        return NONE
    if name in ("append", "extend", "insert") and obj.lib in CONTAINERS:
        added = list(args.positional[-1:]) if name != "extend" else iteration.elements(run, args.positional[0], node)[0]
        items = obj.slots.get("#items", ())
        index = args.get(0) if name == "insert" else None
        place = index.value if type(index) is Const and isinstance(index.value, int) else len(items)
        run.memory.write(obj.slots, "#items", (*items[:place], *added, *items[place:]))
        return obj
    if name == "__init__" and isinstance(obj.cls, Cls):
        statistics.given(obj, args)
        if container_base(obj.cls):
            fill(run, obj, args, node)
            return NONE
    if name in ("load_state_dict", "zero_grad", "register_buffer", "register_parameter", "__init__", "register_forward_hook"):
        if name == "load_state_dict":
            obj.slots["#loaded"] = True  # kept for good: rules ask for it when the story is over
        if name == "register_parameter" and args.get(0, "name") == Const("bias") and args.get(1, "param") == NONE:
            shapes.without_bias(run, obj)
        if name == "register_buffer" and (known := text(args.get(0, "name") or UNKNOWN)):
            flow = frozenset(token for token in flow_of(args.get(1, "tensor") or UNKNOWN)[0] if token.kind == "noise")
            run.memory.write(obj.slots, known, Data(flow, kind="buffer", label=known))
        return NONE
    if name in ("values", "items", "keys") and obj.lib == "torch.nn.ModuleDict":
        pairs = [(Const(key) if key is not None else UNKNOWN, part) for key, part in parts.named_children(obj)]
        if name == "items":
            return Tuple(tuple(Tuple(pair) for pair in pairs))
        return Tuple(tuple(part if name == "values" else key for key, part in pairs))
    return None
