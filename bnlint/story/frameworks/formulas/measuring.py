"""Running own normalisation code on formulas: what operators and the methods of tensors and arrays do to them.

A switchboard that stands before the frameworks while a class or function is run by itself (see their rooms `handmade`).
Tensors carry their formula in `Data.form`; everything that is not arithmetic of moments is left to the frameworks, whose
own functions are known to the switchboards derived from this one.

Sources: PyTorch 2.13, "torch.Tensor" and "torch.nn.functional.batch_norm"; NumPy 2, "Mathematical functions".
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args, Switchboard
from bnlint.story.frameworks.formulas import algebra
from bnlint.story.frameworks.formulas.algebra import Atom, Formula, Moment
from bnlint.story.frameworks.formulas.arithmetic import (
    Measured,
    added,
    bounded,
    computed,
    corrected,
    formula,
    last_name,
    measured,
)  # fmt: skip
from bnlint.story.frameworks.formulas.records import Assigned, Record, Step, Update
from bnlint.story.interpreter import iteration
from bnlint.story.interpreter.builtins import FROM_ZERO
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.recording import recorded
from bnlint.story.values import NONE, Const, Data, Func, Obj, Tuple, Value, compound, text

STEPS = 600
"""formulas kept of one pass"""

SAME = frozenset({
    "view", "reshape", "unsqueeze", "unsqueeze_", "squeeze", "squeeze_", "expand", "expand_as", "to", "float", "double", "half",
    "type", "type_as", "contiguous", "clone", "flatten", "cuda", "cpu", "astype", "copy", "view_as", "reshape_as", "ravel",
    "asarray", "as_tensor", "broadcast_to", "diag", "expand_dims", "requires_grad_", "bfloat16", "tensor", "array",
})  # fmt: skip
AXES = frozenset({"permute", "transpose", "swapaxes", "moveaxis", "movedim", "t"})
DETACHING = frozenset({"detach", "detach_", "item", "tolist", "numpy"})
CLIPPING = frozenset({
    "clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_max", "maximum", "minimum", "clamp_min_", "clamp_max_",
})  # fmt: skip
SIZES = frozenset({"size", "numel", "nelement", "dim", "ndimension", "__len__"})
BINARY = {
    "add": "+", "sub": "-", "subtract": "-", "mul": "*", "multiply": "*", "div": "/", "divide": "/", "true_divide": "/",
    "pow": "**", "power": "**", "mm": "*", "matmul": "*",
}  # fmt: skip
ROOTS = {"sqrt": 0.5, "rsqrt": -0.5, "square": 2.0, "reciprocal": -1.0, "float_power": 1.0}
NAMES = frozenset({"running_mean", "running_var", "weight", "bias", "eps", "gamma", "beta", "momentum"})
"""attributes that batch norm and convolution layers have (PyTorch 2.13), and usual names for own ones"""


class Measuring(Switchboard):
    """The frameworks' switchboard, with formulas before it. `owner` is the module whose forward runs, None for a function."""

    roots: tuple[str, ...] = ("numpy", "math", "numpy.linalg")
    """libraries whose functions do what the methods of the same names do"""

    def __init__(self, inner: Switchboard, owner: Obj | None) -> None:
        super().__init__(inner.frameworks)
        self.owner = owner
        self.record = Record()
        self.flags: dict[str, object] = {}
        """parameters that ask for the mode, and their symbols"""
        self.training = True
        self.by_grad = False
        """the code asks whether gradients are recorded, instead of the mode"""

    # --- results -------------------------------------------------------------------------

    def result(self, run: Run, found: Formula | None, inputs: list[Value], node: ir.Node, home: Measured | None = None) -> Data:
        """A tensor of this formula; one that an operation in place made is what its home holds from now on."""
        base = mix(inputs)
        if found is None:
            return replace(base, kind="tensor")
        if recorded(run) is False:
            found = algebra.cut(found)
        if self.training and home is None:
            found = corrected(found, run.place(node))
        run.loud += 1
        if len(self.record.steps) < STEPS:
            self.record.steps.append(Step(found, run.where(node)))
        if home is None or home.home is None:
            return replace(base, kind="tensor", form=Measured(found))
        form = Measured(found, home.home, home.aside)
        made = replace(base, kind="tensor", form=form)
        self.update(run, home.home, algebra.cut(found) if home.aside else found, node)
        if self.owner is not None:
            kept = Measured(algebra.cut(found) if home.aside else found, home.home)
            run.memory.write(self.owner.slots, home.home, replace(base, kind="buffer", form=kept))
        return made

    def update(self, run: Run, name: str, found: Formula, node: ir.Node) -> None:
        run.loud += 1
        self.record.updates.append(Update(name, found, run.where(node)))

    # --- questions -----------------------------------------------------------------------

    def operator(self, run: Run, op: str, left: Value, right: Value, node: ir.Expr) -> Value | None:
        if measured(left) is None and measured(right) is None:
            sizes = [value for value in (left, right) if type(value) is Data and value.kind == "size"]
            if sizes and all(type(value) is Const or value in sizes for value in (left, right)):
                return Data(kind="size")
            return super().operator(run, op, left, right, node)
        a, b = formula(left), formula(right)
        if op not in ("+", "-", "*", "/", "**", "@"):
            return super().operator(run, op, left, right, node)
        return self.result(run, computed(op, a, b), [left, right], node)

    def augmented(self, run: Run, owner: Value, more: Value, node: ir.Expr) -> Value | None:
        return None if measured(owner) is not None else super().augmented(run, owner, more, node)

    def named(self, run: Run, name: str, value: Data, node: ir.Node) -> None:
        if self.owner is None and isinstance(value.form, Measured):
            self.update(run, name, value.form.formula, node)

    def attribute_set(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        form = measured(value)
        if form is not None:
            target = measured(owner)
            if owner is self.owner:
                self.update(run, attr, form.formula, node)
            elif attr == "data" and target is not None and target.home is not None:
                self.result(run, form.formula, [value], node, replace(target, aside=True))
            else:
                label = owner.label if type(owner) is Data else ""
                name = attr if attr != "data" else last_name(target) or label
                if name in NAMES:
                    self.record.assigned.append(Assigned(name, form.formula, run.where(node)))
        super().attribute_set(run, owner, attr, value, node)

    def data_attribute(self, run: Run, data: Data, attr: str) -> Value | None:
        form = data.form if isinstance(data.form, Measured) else None
        if form is not None and attr == "data":
            return replace(data, form=Measured(algebra.cut(form.formula), form.home, True))
        if attr in NAMES and data.symbol is not None:
            if attr == "bias":
                self.record.biases.add(data.symbol)
            made = algebra.single(Atom(data.symbol, attr))
            return Data(form=Measured(made), symbol=compound(".", data.symbol, attr), label=attr)
        if form is not None and attr in ("T", "mT"):
            return self.moved(run, form, data, Args((Const(1), Const(0))))
        return super().data_attribute(run, data, attr)

    def item(self, run: Run, owner: Value, index: Value, node: ir.Expr) -> Value | None:
        prefix, key = spelled(run, index, node.index if isinstance(node, ir.Subscript) else None)
        if key and type(owner) is Data and owner.symbol is not None:
            holder = compound("[]", owner.symbol, *prefix) if prefix else owner.symbol
            if key.endswith("bias"):
                self.record.biases.add(holder)
            made = algebra.single(Atom(holder, key))
            return Data(form=Measured(made), symbol=compound("[]", holder, key), label=key)
        form = measured(owner)
        if form is not None:
            return replace(mix([owner]), kind="tensor", form=replace(form, home=None))
        return super().item(run, owner, index, node)

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        form = measured(owner)
        if form is None:
            other = measured(args.positional[0]) if args.positional else None
            if type(owner) is Data and other is not None and name.rstrip("_") in BINARY:
                found = computed(BINARY[name.rstrip("_")], formula(owner), other.formula)
                return self.result(run, found, [owner, *args.all()], node)
            return super().method(run, owner, name, args, node)
        if name == "get" and args.positional and text(args.positional[0]) is not None:
            return self.item(run, owner, args.positional[0], node)
        found_value = self.operation(run, form, owner, name, args, node)
        return found_value if found_value is not None else super().method(run, owner, name, args, node)

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        root, _, last = name.rpartition(".")
        if root in self.roots and args.positional:
            found = self.function(run, last, args, node)
            if found is not None:
                return found
        return super().call(run, name, args, node)

    def function(self, run: Run, last: str, args: Args, node: ir.Call) -> Value | None:
        """A function that does to its first argument what a method of the same name does."""
        form = measured(args.positional[0])
        if form is not None:
            rest = Args(args.positional[1:], args.keywords)
            return self.operation(run, replace(form, home=None), args.positional[0], last, rest, node)
        if last in BINARY and len(args.positional) > 1 and measured(args.positional[1]) is not None:
            a, b = formula(args.positional[0]), formula(args.positional[1])
            return self.result(run, computed(BINARY[last], a, b), args.all(), node)
        if last in CLIPPING | {"max", "min"} and len(args.positional) > 1:
            second = measured(args.positional[1])
            if second is not None:
                return self.result(run, bounded(second.formula), args.all(), node)
        return None

    def apply(self, run: Run, obj: Obj, args: Args, node: ir.Call) -> Value | None:
        """A module inside: its output is data of its own."""
        if "#mode" in obj.slots:
            data = algebra.single(Atom(("layer", node.start), "x"))
            return replace(mix(args.all()), kind="tensor", form=Measured(data), symbol=None)
        return super().apply(run, obj, args, node)

    def follow(self, run: Run, func: Func, owner: Obj, args: Args, node: ir.Call) -> Value | None:
        return self.apply(run, owner, args, node) if func.name == "forward" and owner is not self.owner else None

    # --- operations ----------------------------------------------------------------------

    def operation(self, run: Run, form: Measured, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        """A tensor's method, or the function of the same name; None where formulas do not care."""
        plain = name.rstrip("_")
        home = form if name.endswith("_") and not name.startswith("__") else None
        inputs = [owner, *args.all()]
        if name in SIZES:
            return Data(kind="size")
        if name in SAME:
            return replace(mix([owner]), kind="tensor", form=replace(form, home=form.home if name.endswith("_") else None))
        if name in AXES:
            return self.moved(run, form, owner, args, plain)
        if name in DETACHING:
            return replace(mix([owner]), kind="tensor", form=Measured(algebra.cut(form.formula)))
        if name in CLIPPING or (name in ("max", "min") and args.positional and formula(args.positional[0]) is not None):
            return self.result(run, bounded(form.formula), inputs, node, home)
        if plain in ROOTS:
            return self.result(run, algebra.power(form.formula, ROOTS[plain]), inputs, node, home)
        if plain in ("add", "sub", "subtract", "addcmul", "addcdiv"):
            return self.result(run, added(plain, form.formula, args), inputs, node, home)
        if plain in BINARY:
            other = formula(args.get(0, "other") or args.get(0, "exponent") or NONE)
            return self.result(run, computed(BINARY[plain], form.formula, other), inputs, node, home)
        if plain == "neg" or plain == "negative":
            return self.result(run, algebra.multiply(form.formula, algebra.constant(-1)), inputs, node, home)
        if plain == "lerp":
            end, weight = formula(args.get(0, "end") or NONE), formula(args.get(1, "weight") or NONE)
            step = algebra.add(end, form.formula, -1.0) if end is not None else None
            part = algebra.multiply(step, weight) if step is not None and weight is not None else None
            return self.result(run, algebra.add(form.formula, part) if part is not None else None, inputs, node, home)
        if name == "copy_":
            return self.result(run, formula(args.get(0, "src") or NONE), inputs, node, home)
        if name in ("zero_", "fill_", "normal_", "uniform_"):
            return owner
        if plain in ("mean", "sum", "var", "std", "var_mean", "std_mean", "nanmean"):
            return self.reduced(run, form, plain, args, node, inputs)
        return None

    def reduced(
        self, run: Run, form: Measured, name: str, args: Args, node: ir.Call, inputs: list[Value]
    ) -> Value | None:
        """A moment, if it is taken over the batch axis."""
        over = axes(run, args, node)
        if any(isinstance(factor, Atom) and factor.moved for factor in algebra.leaves(form.formula)):
            over = {"batch": "other", "other": "batch"}.get(over, over)
        still = all(isinstance(factor, Moment) for factor in algebra.leaves(form.formula)) and form.formula
        if over not in ("batch", "unknown") and not (still and name in ("mean", "sum")):
            return replace(mix(inputs), kind="tensor")
        place = run.place(node)
        if name in ("mean", "sum", "nanmean"):
            return self.result(run, algebra.mean(form.formula, name == "sum", place, over == "batch"), inputs, node)
        data = algebra.plain(form.formula)
        own = algebra.is_cut(form.formula)
        kind = name.removesuffix("_mean")
        moment = Moment(kind, data, None, own, place, over == "batch")
        spread = algebra.single(moment) if algebra.depth(data) < algebra.DEPTH - 1 else None
        made = self.result(run, spread, inputs, node)
        if not name.endswith("_mean"):
            return made
        return Tuple((made, self.result(run, algebra.mean(form.formula, False, place, over == "batch"), inputs, node)))

    def moved(self, run: Run, form: Measured, owner: Value, args: Args, name: str = "transpose") -> Value:
        """A permutation that puts the channel axis first turns around which moments are over the batch."""
        given = args.positional
        if len(given) == 1:
            items, _ = iteration.elements(run, given[0], ir.Opaque(0, 0))
            given = tuple(items)
        wanted = [value.value for value in given if type(value) is Const]
        first = wanted[:1] == [1] if name == "permute" or len(wanted) > 2 else set(wanted) == {0, 1}
        found = algebra.turned(form.formula) if first else form.formula
        return replace(mix([owner]), kind="tensor", form=Measured(found))


def axes(run: Run, args: Args, node: ir.Call) -> str:
    """Over which axes a reduction goes: "batch" (the first among them), "other", "all", or "unknown"."""
    given = args.get(0, "dim")
    return over(run, given if given is not None else args.get(None, "axis"), node)


def over(run: Run, given: Value | None, node: ir.Call) -> str:
    if given is None:
        return "all"
    if type(given) is Const:
        if given.value is None:
            return "all"
        return "batch" if given.value == 0 else "other"
    if isinstance(given, (Tuple, Obj)):
        items, rest = iteration.elements(run, given, node)
        known = [item.value for item in items if type(item) is Const]
        if 0 in known or (type(rest) is Data and rest.label == FROM_ZERO):  # `range(len(shape) - 1)`
            return "batch"
        return "other" if rest is None and len(known) == len(items) else "unknown"
    return "unknown"


def spelled(run: Run, index: Value, asked: ir.Expr | None) -> tuple[tuple[object, ...], str]:
    """The name by which something is looked up: what varies in front (`f"{layer}.running_var"`), and its last part."""
    known = text(index)
    if known is not None:
        return (), known
    parts = asked.parts if isinstance(asked, ir.FString) else (asked.left, asked.right) if isinstance(asked, ir.Binary) else ()
    if len(parts) < 2 or not isinstance(parts[-1], ir.Const) or not isinstance(parts[-1].value, str):
        return (), ""
    before = tuple(part.id if isinstance(part, ir.Name) else getattr(part, "value", "?") for part in parts[:-1])
    return before, parts[-1].value.rpartition(".")[2]
