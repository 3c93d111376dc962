"""Loops that count by themselves to a small known number: `k = 0; while k < 3: k += 1; ...`."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.program import inside
from bnlint.program import model as ir
from bnlint.story.interpreter.conditions import COMPARISONS
from bnlint.story.machine import Run
from bnlint.story.values import Const

FEW = 4
"""more turns than these are told as any number of them"""


@dataclass(frozen=True, slots=True)
class Counted:
    """turns: how many the body begins; step: the statement that counts."""

    turns: int
    step: ir.AugAssign


def turns_of(run: Run, node: ir.While) -> Counted | None:
    """How often the body of a `while` begins, where a counter with known bounds alone decides it, and rarely."""
    step = next((part for part in node.body if isinstance(part, ir.AugAssign) and counts(part)), None)
    if step is None or not isinstance(step.target, ir.Name) or not isinstance(step.value, ir.Const):
        return None
    start = run.frame.scope.table.get(step.target.id)
    if type(start) is not Const or type(start.value) is not int or start.assumed:
        return None
    name, value, by = step.target.id, start.value, step.value.value
    first = node.body[0] is step
    if isinstance(node.test, ir.Const) and node.test.value and first and len(node.body) > 1:
        leaving, before = node.body[1], False
        if not (isinstance(leaving, ir.If) and not leaving.orelse and isinstance(leaving.body[0], ir.Break)):
            return None
        test = leaving.test
    else:
        test, before = node.test, True
    if not (isinstance(test, ir.Compare) and isinstance(test.left, ir.Name) and test.left.id == name and len(test.rest) == 1):
        return None
    op, bound = test.rest[0]
    if op not in COMPARISONS or not isinstance(bound, ir.Const) or type(bound.value) is not int:
        return None
    holds = COMPARISONS[op]
    turns = 0
    while turns <= FEW and (not before or holds(value, bound.value)):
        turns, value = turns + 1, value + int(by or 0)
        if not before and holds(value, bound.value):
            break
    return Counted(turns, step) if turns <= FEW and alone(node, step, first) else None


def counts(part: ir.AugAssign) -> bool:
    known = isinstance(part.value, ir.Const) and type(part.value.value) is int and part.value.value > 0
    return known and part.op == "+" and isinstance(part.target, ir.Name)


def alone(node: ir.While, step: ir.AugAssign, first: bool) -> bool:
    """Whether nothing else in a loop changes its counter, and every turn counts."""
    assert isinstance(step.target, ir.Name)
    pending: list[ir.Node] = [*node.body]
    while pending:
        part = pending.pop()
        if part is step:
            continue
        targets: tuple[object, ...] = ()
        if isinstance(part, ir.Assign):
            targets = tuple(part.targets)
        elif isinstance(part, (ir.AugAssign, ir.Loop)):
            targets = (part.target,)
        elif (isinstance(part, ir.Continue) and not first) or isinstance(part, (ir.Function, ir.Class, ir.Scope)):
            return False
        if any(isinstance(each, ir.Name) and each.id == step.target.id for each in inside.nodes(targets)):
            return False
        pending.extend(inside.children(part))
    return True
