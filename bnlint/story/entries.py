"""What of a program is worth running by itself, read off its nodes without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec

from bnlint.program import model as ir
from bnlint.project.project import Project

DRIVES = frozenset({
    "backward", "eval", "no_grad", "inference_mode", "set_grad_enabled", "minimize", "apply_gradients", "compute_gradients",
    "get_collection", "control_dependencies", "create_train_op", "optimize_loss", "train_on_batch", "GradientTape",
    "EstimatorSpec", "group", "act", "is_training", "batch_normalization", "batch_norm", "moments", "log_prob", "argmax",
    "unsqueeze", "fit", "predict", "evaluate",
})  # fmt: skip
"""Names by which code drives networks or graphs; a function without any of them tells nothing by itself."""

BUILDS = frozenset({
    "BatchNorm", "BatchNormalization", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "LazyBatchNorm1d",
    "LazyBatchNorm2d", "LazyBatchNorm3d", "get_variable", "Variable", "Parameter", "_BatchNorm",
})  # fmt: skip
"""Constructors whose arguments are worth seeing, where they are called"""


def main_blocks(program: ir.Program) -> list[ir.If]:
    """The `if __name__ == "__main__":` blocks of a file."""
    return [statement for statement in program.body if isinstance(statement, ir.If) and asks_main(statement.test)]


def asks_main(test: ir.Expr) -> bool:
    if not (isinstance(test, ir.Compare) and len(test.rest) == 1 and test.rest[0][0] == "=="):
        return False
    sides = (test.left, test.rest[0][1])
    names = any(isinstance(side, ir.Name) and side.id == "__name__" for side in sides)
    return names and any(isinstance(side, ir.Const) and side.value == "__main__" for side in sides)


@cache
def node_fields(kind: type) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name not in ("start", "end", "at"))  # type: ignore[attr-defined]


def walk(node: object) -> Iterator[ir.Node]:
    """Every node below one, itself included."""
    stack: list[object] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, msgspec.Struct):
            if isinstance(current, ir.Node):
                yield current
            stack.extend(getattr(current, name) for name in node_fields(type(current)))
        elif isinstance(current, tuple):
            stack.extend(current)


def is_driver(node: ir.Function) -> bool:
    """Whether a function's own text drives networks: trains, evaluates, acts, or builds batch norms."""
    return any(
        (isinstance(inner, ir.Attribute) and inner.attr in DRIVES) or (isinstance(inner, ir.Name) and inner.id in DRIVES)
        or builds_layer(inner)
        for inner in walk(node.body)
    )  # fmt: skip


def builds_layer(node: ir.Node) -> bool:
    if not isinstance(node, ir.Call):
        return False
    func = node.func
    return (isinstance(func, ir.Attribute) and func.attr in BUILDS) or (isinstance(func, ir.Name) and func.id in BUILDS)


def builds(node: ir.Class) -> bool:
    """Whether a class has a constructor that builds layers worth seeing."""
    return any(
        isinstance(statement, ir.Function) and statement.name == "__init__" and any(map(builds_layer, walk(statement.body)))
        for statement in node.body
    )


def mentions(project: Project) -> frozenset[str]:
    """Every name that is used, as a variable or as an attribute, anywhere in the project."""
    found: set[str] = set()
    for program in project.programs.values():
        for node in walk(program.body):
            if isinstance(node, ir.Name):
                found.add(node.id)
            elif isinstance(node, ir.Attribute):
                found.add(node.attr)
    return frozenset(found)
