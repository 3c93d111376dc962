"""Running own normalisation code of TensorFlow and Keras on formulas: moments, assignments, averages, conditions.

The code is run once as in training and once as in evaluation: whatever asks for the mode is answered, and `tf.cond` builds
the one branch that runs then. What is kept are variables, and the shadows of an ExponentialMovingAverage.

Sources: TensorFlow 1.15, "tf.nn.moments", "tf.nn.batch_normalization", "tf.nn.fused_batch_norm", "tf.assign", "tf.cond",
"tf.train.ExponentialMovingAverage", "moving_averages.assign_moving_average"; Keras 2.15, "keras.backend".
"""

from __future__ import annotations

from dataclasses import replace

from bnlint.program import model as ir
from bnlint.story.framework import Args, Switchboard
from bnlint.story.frameworks.formulas import algebra
from bnlint.story.frameworks.formulas.algebra import Atom, Formula, Moment
from bnlint.story.frameworks.formulas.arithmetic import Measured, computed, formula, measured
from bnlint.story.frameworks.formulas.measuring import Measuring, spelled
from bnlint.story.frameworks.formulas.probing import FLAG
from bnlint.story.frameworks.tensorflow.graph import shown
from bnlint.story.interpreter import calls, iteration
from bnlint.story.joining import mix
from bnlint.story.machine import Run
from bnlint.story.values import NONE, Bound, Cls, Const, Data, Func, Lib, Obj, Partial, Tuple, Value, truth

PLAIN = {
    "reduce_mean": "mean", "reduce_sum": "sum", "reduce_variance": "var", "reduce_std": "std", "identity": "clone",
    "cast": "to", "to_float": "to", "convert_to_tensor": "to", "tile": "expand", "truediv": "div", "realdiv": "div",
    "div_no_nan": "div", "multiply": "mul", "subtract": "sub", "scalar_mul": "mul", "stop_gradient": "detach",
    "clip_by_value": "clip", "pow": "pow", "print": "clone", "Print": "clone", "variance": "var", "check_numerics": "clone",
    "verify_tensor_all_finite": "clone", "batch_flatten": "flatten",
}  # fmt: skip
"""functions that are called otherwise than the methods of tensors and arrays that do the same"""
KEPT = frozenset({
    "tensorflow.get_variable", "tensorflow.Variable", "slim.variable", "slim.model_variable", "keras.backend.variable",
    "slim.local_variable", "tensorflow.get_local_variable",
})  # fmt: skip
WEIGHTS = frozenset({"add_weight", "add_variable"})
CONDITIONS = ("tensorflow.cond", "smart_cond", "keras.backend.switch", "tf_utils.smart_cond")
NORMALISING = frozenset({"nn.batch_normalization", "nn.batch_norm_with_global_normalization"})
PARTS = ("mean", "variance", "offset", "scale", "variance_epsilon")
OLD_PARTS = ("m", "v", "beta", "gamma", "variance_epsilon")
MODE_GIVEN = frozenset({"keras.backend.learning_phase", "keras.backend.symbolic_learning_phase"})
SAME_FLAG = frozenset({"cast", "convert_to_tensor", "identity", "constant", "squeeze", "Variable", "placeholder_with_default"})
LAYERS = frozenset({"matmul", "mm", "dot", "tensordot", "einsum"})
"""functions whose result is a layer's output, whatever is multiplied"""
SHAPES = frozenset({"shape", "size", "rank", "int_shape", "ndim", "shape_n"})
AVERAGE = "ExponentialMovingAverage"
ASSIGNING = {"assign": "", "assign_add": "+", "assign_sub": "-", "update": "", "update_add": "+", "update_sub": "-"}
READING = frozenset({"get_tensor", "get_variable_value"})
NORM_WEIGHTS = ("gamma", "beta", "moving_mean", "moving_variance")
LAYER_WEIGHTS = ("kernel", "bias")
AVERAGING = frozenset({"assign_moving_average", "moving_average_update"})


class GraphMeasuring(Measuring):
    """`training`: the mode of this pass."""

    def __init__(self, inner: Switchboard, owner: Obj | None) -> None:
        super().__init__(inner, owner)
        self.asks = False
        """the code asks for the mode"""
        self.titles: dict[str, str] = {}
        """what variables without a name of their own are called in the code"""

    # --- the mode ------------------------------------------------------------------------

    def flag(self, name: str) -> Const:
        """What something is that asks for the mode by its name."""
        self.asks = True
        return Const(self.training is not ("test" in name))

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        if FLAG.match(attr):
            return self.flag(attr)
        found = super().attribute(run, obj, attr, node)
        if found is None and isinstance(obj.cls, Cls) and attr not in WEIGHTS:
            return Data(symbol=("slot", obj.serial, attr), label=attr)
        return found

    def data_attribute(self, run: Run, data: Data, attr: str) -> Value | None:
        if FLAG.match(attr):
            return self.flag(attr)
        if attr in ("shape", "ndim") and measured(data) is not None:
            return Data(kind="size")
        return super().data_attribute(run, data, attr)

    def named(self, run: Run, name: str, value: Data, node: ir.Node) -> None:
        """Variables of Python keep nothing in a graph: they only name what does."""
        kept = kept_name(value)
        if kept is not None:
            self.titles.setdefault(kept, name)

    def attribute_set(self, run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
        if type(value) is Data:
            self.named(run, attr, value, node)
        for framework in self.frameworks:
            framework.assigned(run, owner, attr, value, node)

    # --- functions -----------------------------------------------------------------------

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        root, _, last = name.rpartition(".")
        args = replace(args, positional=(seen(args.positional[0]), *args.positional[1:])) if args.positional else args
        if not root.startswith(("tensorflow", "keras", "slim")):
            return super().call(run, name, args, node)
        short = name.removeprefix("tensorflow.")
        if name in KEPT:
            return self.kept(run, args.get(0, "name") if name != "tensorflow.Variable" else args.get(None, "name"), args, node)
        if name.endswith(CONDITIONS):
            return self.condition(run, args.get(0, "pred"), args, node)
        if last in ("in_train_phase", "in_test_phase"):
            return self.phase(run, last == "in_train_phase", args, node)
        if name in MODE_GIVEN or (last in ("placeholder", "placeholder_with_default") and is_flag(args)):
            return self.flag("training")
        if last in SAME_FLAG and args.positional and isinstance(truth_of(args.positional[0]), bool):
            return args.positional[0]
        if last == "logical_not" and args.positional and isinstance(truth_of(args.positional[0]), bool):
            return Const(not truth_of(args.positional[0]))
        if short == "nn.moments":
            return self.moments(run, args, node)
        if short in NORMALISING:
            names = PARTS if short == "nn.batch_normalization" else OLD_PARTS
            given = [args.get(place + 1, word) for place, word in enumerate(names)]
            return self.normalised(run, args.get(0, "x") or args.get(0, "t"), given, node)
        if name == "keras.backend.batch_normalization":
            given = [args.get(place + 1, word) for place, word in enumerate(("mean", "var", "beta", "gamma"))]
            return self.normalised(run, args.get(0, "x"), [*given, args.get(6, "epsilon") or Const(1e-3)], node)
        if short == "nn.fused_batch_norm":
            return self.fused(run, args, node)
        if last in AVERAGING:
            return self.averaged(run, args, node)
        if last in ASSIGNING and root in ("tensorflow", "keras.backend", "tensorflow.state_ops"):
            target = args.get(0, "ref") or args.get(0, "x") or NONE
            return self.assign(run, ASSIGNING[last], target, args.get(1, "value") or args.get(1, "new_x") or NONE, node)
        if last == AVERAGE:
            made = run.allocate(Lib(name), node)
            made.slots["#decay"] = args.get(0, "decay")
            return made
        if last in SHAPES:
            return Data(kind="size")
        if last == "squared_difference":
            a, b = formula(args.get(0, "x") or NONE), formula(args.get(1, "y") or NONE)
            return self.result(run, computed("**", computed("-", a, b), algebra.constant(2)), args.all(), node)
        plain = args.positional and last not in LAYERS
        found = self.function(run, PLAIN.get(last, last), spoken(args), node) if plain else None
        return found if found is not None else self.other(run, super().call(run, name, args, node), args, node)

    def other(self, run: Run, made: Value | None, args: Args, node: ir.Call) -> Value | None:
        """Any other function of something measured gives data of its own."""
        if type(made) is not Data or made.form is not None or not any(measured(value) is not None for value in args.all()):
            return made
        return replace(made, kind="tensor", form=Measured(algebra.single(Atom(("op", node.start), "x"))))

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        if name in ASSIGNING and measured(owner) is not None:
            return self.assign(run, ASSIGNING[name], owner, args.get(0, "value") or args.get(0, "delta") or NONE, node)
        if name in WEIGHTS and isinstance(owner, Obj):
            return self.kept(run, args.get(0, "name"), args, node)
        if isinstance(owner, Obj) and owner.lib.endswith(AVERAGE) and name in ("apply", "average"):
            return self.apply_average(run, owner, args, node) if name == "apply" else self.shadow(owner, args.get(0, "var"))
        if name in ("get_shape", "as_list", "ndims") and type(owner) is Data:
            return Data(kind="size")
        if name in READING and args.positional:
            return self.read(run, args, node)
        if name == "get_weights" and type(owner) is Data and owner.symbol is not None:
            return replace(owner, form=Measured(algebra.single(Atom(owner.symbol, "weights"))), symbol=owner.symbol)
        if name in ("value", "read_value", "initialized_value", "eval") and measured(owner) is not None:
            return owner
        return super().method(run, owner, name, args, node)

    # --- what is given -------------------------------------------------------------------

    def read(self, run: Run, args: Args, node: ir.Call) -> Value:
        """`reader.get_tensor(layer + "/bn/gamma")`: the last part of a name tells what it is, the others whose."""
        before, key = spelled(run, args.positional[0], node.args[0].value if node.args else None)
        path, _, last = key.rpartition("/")
        if not last:
            return Data(kind="tensor")
        owner = ("read", *before, path.strip("/"))
        if last == "bias":
            self.record.biases.add(owner)
        return Data(kind="tensor", label=last, symbol=(*owner, last), form=Measured(algebra.single(Atom(owner, last))))

    def unpacked(self, run: Run, value: Data, count: int) -> list[Value] | None:
        """`gamma, beta, mean, variance = norm.get_weights()`: in the order of Keras 2 and 3"""
        known = algebra.only(value.form.formula) if isinstance(value.form, Measured) else None
        names = {4: NORM_WEIGHTS, 2: LAYER_WEIGHTS}.get(count)
        if known is None or not isinstance(known[0], Atom) or known[0].name != "weights" or names is None:
            return None
        owner = known[0].owner
        if count == len(LAYER_WEIGHTS):
            self.record.biases.add(owner)
        forms = [(name, Measured(algebra.single(Atom(owner, name)))) for name in names]
        return [Data(kind="tensor", label=name, symbol=(*owner, name), form=form) for name, form in forms]

    # --- what is kept --------------------------------------------------------------------

    def kept(self, run: Run, name: Value | None, args: Args, node: ir.Call) -> Value:
        """A variable: the same one for the same name."""
        last = shown(name).rpartition("/")[2] if name is not None else "?"
        shared = last if "?" not in last else ""
        text = shared or f"variable {node.start}"
        atom = Atom(shared or ("variable", node.start), text, kept=True)
        return Data(kind="buffer", symbol=("variable", text), label=text, form=Measured(algebra.single(atom)))

    def assign(self, run: Run, sign: str, target: Value, value: Value, node: ir.Call) -> Value | None:
        """`variable.assign(value)`, `assign_add`, `assign_sub`"""
        old, new = formula(target), formula(value)
        name = kept_name(target)
        if name is None:
            return mix([target, value])
        return self.set(run, name, computed(sign, old, new) if sign else new, node)

    def set(self, run: Run, name: str, found: Formula | None, node: ir.Call) -> Value:
        if found is None:
            return Data(kind="tensor")
        self.update(run, name, found, node)
        return Data(kind="tensor", form=Measured(found))

    def averaged(self, run: Run, args: Args, node: ir.Call) -> Value | None:
        """`assign_moving_average(variable, value, decay)`: variable * decay + value * (1 - decay)"""
        target = args.get(0, "variable") or args.get(0, "x") or NONE
        name = kept_name(target)
        decay = args.get(2, "decay") or args.get(2, "momentum")
        if name is None:
            return Data(kind="tensor")
        return self.set(run, name, mixed(formula(target), formula(args.get(1, "value") or NONE), decay), node)

    def apply_average(self, run: Run, owner: Obj, args: Args, node: ir.Call) -> Value:
        given = args.get(0, "var_list")
        items, _ = iteration.elements(run, given, node) if given is not None else ([], None)
        for item in items:
            shadow = self.shadow(owner, item)
            name = kept_name(shadow) if shadow is not None else None
            if shadow is not None and name is not None:
                self.set(run, name, mixed(formula(shadow), formula(item), owner.slots.get("#decay")), node)
        return Data(kind="op")

    def shadow(self, owner: Obj, value: Value | None) -> Value | None:
        """The average of a value, as `ema.average(value)` gives it."""
        found = formula(value) if value is not None else None
        if found is None:
            return None
        known = algebra.only(algebra.plain(found))
        kind = known[0].kind if known is not None and isinstance(known[0], Moment) else "value"
        name = f"the average of the {kind}"
        atom = Atom((owner.serial, algebra.plain(found)), name, kept=True)
        return Data(kind="buffer", symbol=("average", owner.serial, kind), label=name, form=Measured(algebra.single(atom)))

    # --- normalising ---------------------------------------------------------------------

    def moments(self, run: Run, args: Args, node: ir.Call) -> Value:
        value = args.get(0, "x") or NONE
        form = measured(value)
        if form is None:
            made = Data(kind="tensor")
            return Tuple((made, made))
        rest = Args((), {"axis": args.get(1, "axes") or NONE})
        mean = self.reduced(run, replace(form, home=None), "mean", rest, node, [value])
        spread = self.reduced(run, replace(form, home=None), "var", rest, node, [value])
        return Tuple((mean or Data(), spread or Data()))

    def normalised(self, run: Run, value: Value | None, given: list[Value | None], node: ir.Call) -> Value:
        """`(x - mean) * scale / sqrt(variance + eps) + offset`"""
        x, mean, variance = (formula(one) if one is not None else None for one in (value, given[0], given[1]))
        eps = known_or(given[4], "eps")
        below = algebra.add(variance, eps) if variance is not None else None
        found = computed("/", computed("-", x, mean), algebra.power(below, 0.5) if below is not None else None)
        if not none(given[3]):
            found = computed("*", found, known_or(given[3], "scale"))
        if not none(given[2]):
            found = computed("+", found, known_or(given[2], "offset"))
        return self.result(run, found, [one for one in (value, *given) if one is not None], node)

    def fused(self, run: Run, args: Args, node: ir.Call) -> Value:
        """`fused_batch_norm(x, scale, offset, mean, variance, epsilon, data_format, is_training)`: output and moments"""
        value = args.get(0, "x") or NONE
        form = measured(value)
        training = truth(args.get(7, "is_training") or Const(True))
        mean, variance = args.get(3, "mean"), args.get(4, "variance")
        if form is not None and training is not False:
            rest = Args((), {"axis": Const(0)})
            mean = self.reduced(run, replace(form, home=None), "mean", rest, node, [value])
            variance = self.reduced(run, replace(form, home=None), "var", rest, node, [value])
        eps = args.get(5, "epsilon") or Const(1e-3)
        made = self.normalised(run, value, [mean, variance, args.get(2, "offset"), args.get(1, "scale"), eps], node)
        return Tuple((made, mean or Data(), variance or Data()))

    # --- conditions ----------------------------------------------------------------------

    def condition(self, run: Run, pred: Value | None, args: Args, node: ir.Call) -> Value:
        """The branch of `tf.cond` that runs in this mode; the first is that of training where the predicate is unknown."""
        answer = truth(pred) if pred is not None else None
        if answer is None:
            self.asks = True
            answer = self.training
        first, second = args.get(1, "true_fn") or args.get(None, "fn1"), args.get(2, "false_fn") or args.get(None, "fn2")
        return built(run, first if answer else second, node)

    def phase(self, run: Run, first_trains: bool, args: Args, node: ir.Call) -> Value:
        """`K.in_train_phase(x, alt, training)`"""
        self.asks = True
        answer = truth(args.get(2, "training") or NONE) if not none(args.get(2, "training")) else None
        training = self.training if answer is None else answer
        return built(run, args.get(0, "x") if training is first_trains else args.get(1, "alt"), node)


def seen(value: Value) -> Value:
    """Something unknown that stays the same, as data with a formula."""
    found = formula(value) if type(value) is Data and value.form is None and value.symbol is not None else None
    return replace(value, form=Measured(found)) if type(value) is Data and found is not None else value


def built(run: Run, branch: Value | None, node: ir.Call) -> Value:
    if branch is None:
        return Data()
    return calls.call(run, branch, Args(), node) if isinstance(branch, (Func, Bound, Partial)) else branch


def mixed(old: Formula | None, new: Formula | None, decay: Value | None) -> Formula | None:
    """decay * old + (1 - decay) * new"""
    weight = known_or(decay, "decay")
    rest = algebra.add(algebra.constant(1), weight, -1.0)
    return computed("+", computed("*", old, weight), computed("*", new, rest))


def known_or(value: Value | None, name: str) -> Formula:
    """A number's formula; a name where it is unknown."""
    found = formula(value) if value is not None else None
    return found if found is not None else algebra.single(Atom("number", name))


def kept_name(target: Value) -> str | None:
    """The name of something kept."""
    form = measured(target)
    known = algebra.only(form.formula) if form is not None else None
    return known[0].name if known is not None and isinstance(known[0], Atom) and known[0].kept else None


def none(value: Value | None) -> bool:
    return value is None or (type(value) is Const and value.value is None)


def truth_of(value: Value) -> bool | None:
    return value.value if type(value) is Const and isinstance(value.value, bool) else None


def is_flag(args: Args) -> bool:
    """Whether a placeholder is fed with a boolean."""
    kind = args.get(0, "dtype") or args.get(0, "input")
    if isinstance(kind, Lib):
        return kind.name.endswith("bool")
    return type(kind) is Const and (isinstance(kind.value, bool) or kind.value == "bool")


def spoken(args: Args) -> Args:
    """Arguments by the names that methods of arrays give them."""
    renamed = {"reduction_indices": "axis", "axes": "axis", "y": "other", "input_tensor": "x"}
    return replace(args, keywords={renamed.get(name, name): value for name, value in args.keywords.items()})


