"""What of a program is worth running by itself, read off its nodes without running anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnlint.program import model as ir
from bnlint.program.inside import children, fields
from bnlint.project.project import Project

DRIVES = frozenset({
    "backward", "eval", "no_grad", "inference_mode", "set_grad_enabled", "minimize", "apply_gradients", "compute_gradients",
    "get_collection", "control_dependencies", "create_train_op", "optimize_loss", "train_on_batch", "GradientTape",
    "EstimatorSpec", "group", "act", "is_training", "batch_normalization", "batch_norm", "moments", "log_prob", "argmax",
    "unsqueeze", "fit", "predict", "evaluate", "value_and_grad", "apply_fn", "checkpoint", "checkpoint_sequential",
})  # fmt: skip
"""Names by which code drives networks or graphs; a function without any of them tells nothing by itself."""

TRAINS = frozenset({
    "backward", "minimize", "apply_gradients", "create_train_op", "optimize_loss", "train_on_batch", "GradientTape",
    "EstimatorSpec", "fit", "value_and_grad",
})  # fmt: skip
"""Names by which code trains. A function that calls such code by name is where it gets its arguments from."""

STEPS = frozenset({"train_step", "test_step"})
"""methods that a library calls: of Keras models"""

WALKS = frozenset({"parameters", "named_parameters"})
COPIES = frozenset({"copy_", "lerp_", "data", "add_", "sub_", "vector_to_parameters"})
"""A function that calls one of the first and mentions one of the second may copy a network's weights."""

BUILDS = frozenset({
    "BatchNorm", "BatchNormalization", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "LazyBatchNorm1d",
    "LazyBatchNorm2d", "LazyBatchNorm3d", "get_variable", "Variable", "Parameter", "_BatchNorm",
})  # fmt: skip
"""Constructors whose arguments are worth seeing, where they are called"""


MOMENTS = frozenset({"var", "std", "var_mean", "std_mean", "variance", "batch_norm"})
ROOTS = frozenset({"sqrt", "rsqrt"})
SPREADS = ("_var", "_variance", "_std")
STATISTICS = frozenset({
    "running_mean", "running_var", "running_std", "running_variance", "moving_mean", "moving_var", "moving_variance",
})  # fmt: skip


GRAPH_MOMENTS = frozenset({
    "fused_batch_norm", "batch_norm_with_global_normalization", "assign_moving_average", "moving_average_update",
    "reduce_variance", "reduce_std",
})  # fmt: skip
"""Names by which code of TensorFlow takes, averages or applies moments; `moments` itself is a name of many things."""


def main_blocks(program: ir.Program) -> list[ir.If]:
    """The `if __name__ == "__main__":` blocks of a file."""
    return [statement for statement in program.body if isinstance(statement, ir.If) and asks_main(statement.test)]


def asks_main(test: ir.Expr) -> bool:
    if not (isinstance(test, ir.Compare) and len(test.rest) == 1 and test.rest[0][0] == "=="):
        return False
    sides = (test.left, test.rest[0][1])
    names = any(isinstance(side, ir.Name) and side.id == "__name__" for side in sides)
    return names and any(isinstance(side, ir.Const) and side.value == "__main__" for side in sides)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the texts of a project mention.

    names: every name that is used, as a variable or as an attribute; drivers: identities of the functions, outside of
    others, whose own text drives networks (trains, evaluates, acts, or builds batch norms) or calls what trains; builders:
    identities of the classes that have a constructor which builds layers worth seeing.
    """

    names: frozenset[str]
    drivers: frozenset[int]
    builders: frozenset[int]
    moments: frozenset[int]
    """functions that take moments, or are about batch norm: own layers may be made of them"""
    statistics: frozenset[int]
    """functions that name running statistics"""
    graphs: frozenset[int] = frozenset()
    """functions that normalise in the words of TensorFlow"""
    callers: frozenset[int] = frozenset()
    """functions that call something of a driver's name: they bring together what drivers are given"""


def survey(project: Project) -> Survey:
    names: set[str] = set()
    drivers: set[int] = set()
    builders: set[int] = set()
    moments: set[int] = set()
    statistics: set[int] = set()
    graphs: set[int] = set()
    helpers: set[str] = set()
    trainers: set[str] = set()
    others: list[tuple[int, set[str]]] = []
    forwards: list[tuple[int, set[str]]] = []
    calls: list[tuple[ir.Function, set[str]]] = []
    for program in project.programs.values():
        outside = [statement for statement in program.body if not isinstance(statement, (ir.Function, ir.Class))]
        names.update(*used(outside))
        for owner, function in functions(program.body):
            if not isinstance(function, ir.Function):
                names.update(*used([function]))
                continue
            mentioned, called = used(function.body)
            calls.append((function, called))
            builds = not BUILDS.isdisjoint(called)
            copies = not WALKS.isdisjoint(called) and not COPIES.isdisjoint(mentioned)
            if builds or copies or function.name in STEPS or not DRIVES.isdisjoint(mentioned):
                drivers.add(id(function))
            elif owner is None:
                others.append((id(function), called))
            if not TRAINS.isdisjoint(mentioned):
                trainers.add(function.name if owner is None else owner.name)
            if builds and function.name == "__init__" and owner is not None:
                builders.add(id(owner))
            if not STATISTICS.isdisjoint(mentioned):
                statistics.add(id(function))
            if normalises_graph(mentioned, called):
                graphs.add(id(function))
            if id(function) in statistics or takes_moments(mentioned):
                moments.add(id(function))
                helpers |= {function.name} if owner is None else set()
            elif owner is not None and function.name in ("forward", "__call__"):
                forwards.append((id(function), mentioned))
            names |= mentioned
            names.update(*used([*function.params.items, *function.decorators, function.returns]))
    moments.update(function for function, mentioned in forwards if not helpers.isdisjoint(mentioned))
    drivers.update(function for function, called in others if not trainers.isdisjoint(called))
    found = (names, drivers, builders, moments, statistics, graphs, callers(calls, drivers))
    return Survey(*(frozenset(part) for part in found))  # type: ignore[arg-type]


OF_STATISTICS = re.compile(r"mom|eps|decay")
"""in names of arguments whose values make a batch norm another one"""


class Likenesses:
    """Of factories that drive nothing themselves, and bring together the same functions and classes of the project, the first
    of a file stands for all: `resnet50()` for `resnet101()`.
    """

    def __init__(self, project: Project) -> None:
        self.defined = {
            statement.name
            for program in project.programs.values()
            for statement in program.body
            if isinstance(statement, (ir.Function, ir.Class))
        }
        self.seen: set[tuple[Path, frozenset[str], frozenset[tuple[str, object]]]] = set()

    def another(self, path: Path, function: ir.Function) -> bool:
        """Whether a function is like none that was met before in the same file."""
        mentioned, _ = used(function.body)
        key = (path, frozenset(mentioned & self.defined), frozenset(of_statistics(function)))
        known = key in self.seen
        self.seen.add(key)
        return not known


def of_statistics(function: ir.Function) -> Iterator[tuple[str, object]]:
    """The constants that a function gives to arguments such as `momentum`, in its calls."""
    pending: list[ir.Node] = [*function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, ir.Arg) and isinstance(node.value, ir.Const):
            if node.keyword is not None and OF_STATISTICS.search(node.keyword):
                yield node.keyword, node.value.value
        else:
            pending.extend(children(node))


def callers(calls: Sequence[tuple[ir.Function, set[str]]], drivers: set[int]) -> set[int]:
    """The functions that call a driver by name, or such a function in turn."""
    by_name: dict[str, list[ir.Function]] = {}
    for function, called in calls:
        for name in called:
            by_name.setdefault(name, []).append(function)
    found: set[int] = set()
    pending = [function.name for function, _ in calls if id(function) in drivers]
    seen: set[str] = set(pending)
    while pending:
        name = pending.pop()
        for function in by_name.get(name, ()) if not name.startswith("__") and name != "forward" else ():
            found.add(id(function))
            if function.name not in seen:
                seen.add(function.name)
                pending.append(function.name)
    return found


def normalises_graph(mentioned: set[str], called: set[str]) -> bool:
    if not GRAPH_MOMENTS.isdisjoint(mentioned) or "moments" in called or not STATISTICS.isdisjoint(mentioned):
        return True
    if "get_weights" in called and "sqrt" in called:
        return True
    return "reduce_mean" in called and not called.isdisjoint({"sqrt", "rsqrt", "batch_normalization"})


def takes_moments(mentioned: set[str]) -> bool:
    if "mean" in mentioned and not ROOTS.isdisjoint(mentioned):
        return True  # `((x - mean) ** 2).mean()`, and its root
    return not MOMENTS.isdisjoint(mentioned) or any(name.endswith(SPREADS) for name in mentioned)


def functions(body: Sequence[ir.Stmt]) -> Iterator[tuple[ir.Class | None, ir.Node]]:
    """Functions and methods with their class, and whatever else stands in classes."""
    pending: list[tuple[ir.Class | None, ir.Stmt]] = [
        (None, statement) for statement in body if isinstance(statement, (ir.Function, ir.Class))
    ]
    while pending:
        owner, statement = pending.pop()
        if isinstance(statement, ir.Class):
            pending.extend((statement, inner) for inner in statement.body)
            yield from ((statement, part) for part in (*statement.bases, *statement.decorators))
        else:
            yield owner, statement


def used(nodes: Sequence[object]) -> tuple[set[str], set[str]]:
    """The names that are mentioned below some nodes, and those of them that are called."""
    mentioned: set[str] = set()
    called: set[str] = set()
    stack: list[object] = list(nodes)
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is tuple:
            stack.extend(node)  # type: ignore[arg-type]
        elif isinstance(node, ir.Name):
            mentioned.add(node.id)
        elif isinstance(node, ir.Attribute):
            mentioned.add(node.attr)
            stack.append(node.value)
        elif isinstance(node, ir.Call):
            func = node.func
            if isinstance(func, (ir.Name, ir.Attribute)):
                called.add(func.id if isinstance(func, ir.Name) else func.attr)
            stack.append(func)
            stack.extend(node.args)
        elif isinstance(node, ir.Const):
            if node.value in STATISTICS:  # `state["running_var"]`
                mentioned.add(str(node.value))
        elif isinstance(node, ir.Node):
            stack.extend([getattr(node, name) for name in fields(type(node))])
    return mentioned, called
