"""What expressions evaluate to: names, attributes, operators, displays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from bnlint.program import model as ir
from bnlint.story import libraries
from bnlint.story.frames import NEXT
from bnlint.story.interpreter import (
    arithmetic,
    calls,
    computed,
    conditions,
    iteration,
    lists,
    loops,
    objects,
    statements,
    storing,
    strings,
)
from bnlint.story.joining import choose, flow_of, mix
from bnlint.story.machine import Run
from bnlint.story.values import (
    NONE,
    UNKNOWN,
    Bound,
    Choice,
    Cls,
    Const,
    Data,
    Func,
    Lib,
    Module,
    Obj,
    Scope,
    Super,
    Tuple,
    Value,
    compound,
    options,
    truth,
)


def evaluate(run: Run, node: ir.Expr) -> Value:
    return HANDLERS[type(node)](run, node)


# --- names and attributes --------------------------------------------------------------------


def scope_for(run: Run, name: str) -> Scope:
    """The scope that an assignment to a name writes to: the current one unless declared global or nonlocal."""
    scope = run.frame.scope
    if f"#global {name}" in scope.table:
        while scope.outer is not None:
            scope = scope.outer
    elif f"#nonlocal {name}" in scope.table:
        outer = scope.outer
        while outer is not None and outer.outer is not None:
            if name in outer.table:
                return outer
            outer = outer.outer
    return scope


def name(run: Run, node: ir.Name) -> Value:
    scope: Scope | None = run.frame.scope
    key = node.id
    memory = run.memory
    value: Value
    assert scope is not None
    if key in scope.table:  # a call's own variables are nothing that its memo depends on
        value = scope.table[key]
        return value
    scope = scope.outer
    while scope is not None:
        if key in scope.table:
            value = memory.read(scope.table, key)
            return value
        scope = scope.outer
    return libraries.builtin(key)


def attribute(run: Run, node: ir.Attribute) -> Value:
    return get_attribute(run, evaluate(run, node.value), node.attr, node)


def get_attribute(run: Run, owner: Value, attr: str, node: ir.Expr) -> Value:
    kind = type(owner)
    if kind is Lib:
        assert isinstance(owner, Lib)
        if attr == "__name__":
            return Const(owner.name.rpartition(".")[2])
        member = libraries.member(owner.name, attr)
        known = run.hooks.library(run, member.name)
        return known if known is not None else member
    if isinstance(owner, Obj):
        return objects.read(run, owner, attr, node)
    if isinstance(owner, Module):
        return objects.module_member(run, owner, attr)
    if isinstance(owner, Cls):
        if attr == "__name__":
            return Const(owner.name)
        found = objects.find(run, owner.order, attr)
        if isinstance(found, Func) and found.kind == "class":
            return Bound(found, owner)
        return found if found is not None else UNKNOWN
    if isinstance(owner, Super):
        return objects.super_member(run, owner, attr)
    if isinstance(owner, Choice):
        kept = [option for option in owner.options if not (type(option) is Const and option.value is None)]
        if len(kept) == 1:
            return get_attribute(run, kept[0], attr, node)
        if kept and all(isinstance(option, Module) for option in kept):
            kept = computed.holding(run, tuple(kept), attr) or kept
        if any(isinstance(option, Obj) for option in kept):
            kept = [option for option in kept if isinstance(option, Obj)] or kept
        found = choose([get_attribute(run, option, attr, node) for option in kept])
        return replace(found, weak=True) if owner.weak and isinstance(found, Choice) else found
    if kind is Data:
        assert isinstance(owner, Data)
        found = run.hooks.data_attribute(run, owner, attr)
        if found is not None:
            return found
        if owner.symbol is not None and not owner.flow:
            return Data(symbol=compound(".", owner.symbol, attr), label=attr)
        return Bound(attr, owner)
    return Bound(attr, owner)


def set_of_one(run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> int:
    set_attribute(run, owner, attr, value, node)
    return NEXT


def slot_name(attr: str) -> str:
    """Where an object keeps an attribute: `setattr` knows names that begin like those of the bookkeeping."""
    return f"\\{attr}" if attr.startswith("#") else attr


def set_attribute(run: Run, owner: Value, attr: str, value: Value, node: ir.Attribute) -> None:
    if type(owner) is Choice and owner.weak:
        run.fork([partial(set_of_one, run, option, attr, value, node) for option in owner.options])
        return
    run.hooks.attribute_set(run, owner, attr, value, node)
    attr = slot_name(attr)
    for option in options(owner):
        if attr in run.setters and isinstance(option, Obj) and objects.set_property(run, option, attr, value, node):
            continue
        if isinstance(option, Obj):
            if attr != "training" or "#mode" not in option.slots:  # the flag of a network is kept by its framework
                run.memory.write(option.slots, attr, run.named(value, attr))
        elif isinstance(option, (Cls, Module)):
            run.memory.write(option.table, attr, value)


# --- operators -------------------------------------------------------------------------------


def binary(run: Run, node: ir.Binary) -> Value:
    pending = [node]
    while isinstance(pending[-1].left, ir.Binary):
        pending.append(pending[-1].left)
    value = evaluate(run, pending[-1].left)
    for part in reversed(pending):
        right = evaluate(run, part.right)
        hooked = run.hooks.operator(run, part.op, value, right, part)
        value = hooked if hooked is not None else arithmetic.apply(run, part.op, value, right)
    return value


def unary(run: Run, node: ir.Unary) -> Value:
    value = evaluate(run, node.operand)
    if node.op == "not" and type(value) is Const and value.assumed:
        return Const(not value.value, True, ("not", value.symbol) if value.symbol is not None else None)
    if node.op == "not":
        decided, symbol, positive = conditions.decide(run, value)
        if decided is not None:
            return Const(not decided)
        if symbol is not None:
            return Data(symbol=("not", symbol) if positive else symbol)
        return mix([value])
    if type(value) is Const and isinstance(value.value, (int, float)) and node.op in ("-", "+"):
        return Const(-value.value if node.op == "-" else value.value, value.assumed)
    if type(value) is Data and value.form is not None and node.op == "-":
        negative = run.hooks.operator(run, "*", Const(-1), value, node)
        return negative if negative is not None else mix([value])
    return mix([value])


def boolean(run: Run, node: ir.Boolean) -> Value:
    chain = [node]
    while isinstance(chain[-1].left, ir.Boolean):
        chain.append(chain[-1].left)
    value = evaluate(run, chain[-1].left)
    for part in reversed(chain):
        decided = conditions.decide(run, value)[0]
        if decided is (part.op == "or"):
            continue
        mark = run.memory.mark()
        right = evaluate(run, part.right)
        if decided is None and run.memory.mark() > mark:
            loops.either(run, loops.modes_before(run, mark))  # it may not have been run
        if decided is not None or (conditions.decide(run, right)[0] is (part.op == "or") and type(right) is Const):
            value = right
        elif conditions.decide(run, right)[0] is (part.op == "and") and type(right) is Const:
            pass  # `x and True` asks for x
        elif part.op == "or" and isinstance(value, Choice):
            value = choose([*(option for option in value.options if truth(option) is not False), right])
        elif part.op == "or" and type(value) is Const and value.assumed:
            value = value if value.value else right
        else:
            symbols = conditions.symbol_of(value), conditions.symbol_of(right)
            value = choose([value, right]) if part.op == "or" else mix([value, right])
            if symbols[0] and symbols[1] and type(value) is Data:
                value = replace(value, symbol=compound(part.op, *symbols))
    return value


def names_class(value: Value) -> bool:
    """Whether a value is a library's class, or its name: `type(m)`, `m.__class__.__name__`."""
    return type(value) is Lib or (type(value) is Const and isinstance(value.value, str) and value.value[:1].isupper())


def compare(run: Run, node: ir.Compare) -> Value:
    left = evaluate(run, node.left)
    results: list[Value] = []
    for op, other in node.rest:
        right = evaluate(run, other)
        results.append(conditions.compare_two(run, op, left, right))
        if op in ("==", "is") and names_class(left):
            run.hooks.asked(run, left, [right], truth(results[-1]), node)
        left = right
    if len(results) == 1:
        return results[0]
    answers = [truth(result) for result in results]
    if all(answer is True for answer in answers):
        return Const(True)
    return Const(False) if False in answers else UNKNOWN


def if_expression(run: Run, node: ir.IfExp) -> Value:
    condition = evaluate(run, node.test)
    decided, symbol, positive = conditions.decide(run, condition)
    if decided is not None:
        return evaluate(run, node.body if decided else node.orelse)
    found: list[Value] = []

    def side(part: ir.Expr) -> Callable[[], int]:
        def go() -> int:
            found.append(evaluate(run, part))
            return 0

        return go

    branches = [side(node.body), side(node.orelse)]
    if symbol is None:
        run.fork(branches)
    else:
        run.fork(branches if positive else branches[::-1], symbol, conditions.default_of(condition, positive))
        if {truth(value) for value in found} == {True, False} and all(type(value) is Const for value in found):
            same = (truth(found[0]) is True) is (positive or True)
            return Data(symbol=symbol if same is positive else ("not", symbol))
    return choose(found) if found else UNKNOWN


# --- the rest --------------------------------------------------------------------------------


def constant(run: Run, node: ir.Const) -> Value:
    return Const(node.value)


def opaque(run: Run, node: ir.Opaque) -> Value:
    return UNKNOWN


def subscript(run: Run, node: ir.Subscript) -> Value:
    owner = evaluate(run, node.value)
    index = evaluate(run, node.index)
    return iteration.item(run, owner, index, node)


def slice_(run: Run, node: ir.Slice) -> Value:
    parts = [evaluate(run, part) if part is not None else NONE for part in (node.lower, node.upper, node.step)]
    return run.allocate(Lib("slice"), None, **{"#items": tuple(parts)})


def sequence(run: Run, node: ir.Sequence) -> Value:
    items: list[Value] = []
    rest: list[Value] = []
    for element in node.elements:
        if isinstance(element, ir.Starred):
            more, tail = iteration.elements(run, evaluate(run, element.value), element)
            items.extend(more)
            if tail is not None:
                rest.append(tail)
        else:
            items.append(evaluate(run, element))
    tail = choose(rest) if rest else None
    if node.kind == "tuple":
        return lists.make_tuple(items, tail)
    return lists.make_list(run, items, tail, node, node.kind)


def starred(run: Run, node: ir.Starred) -> Value:
    return evaluate(run, node.value)


def dictionary(run: Run, node: ir.Dict) -> Value:
    made = run.allocate(Lib("dict"), node)
    for key, value in node.items:
        if key is None:
            iteration.update(run, made, evaluate(run, value))
        else:
            storing.set_item(run, made, evaluate(run, key), evaluate(run, value), node)
    return made


def lambda_(run: Run, node: ir.Lambda) -> Value:
    return statements.make_function(run, node)


def comprehension(run: Run, node: ir.Comprehension) -> Value:
    return loops.comprehension(run, node)


def await_(run: Run, node: ir.Await) -> Value:
    return evaluate(run, node.value)


def yield_(run: Run, node: ir.Yield) -> Value:
    value = evaluate(run, node.value) if node.value is not None else NONE
    frame = run.frame
    if frame.on_yield is not None and node.from_:
        items, rest = iteration.elements(run, value, node)
        for item in [*items, *([rest] if rest is not None else [])]:
            frame.on_yield(item)
    elif frame.on_yield is not None:
        frame.on_yield(value)
    elif node.from_:
        items, rest = iteration.elements(run, value, node)
        frame.yields.extend([*items[:8], *([rest] if rest is not None else [])])
    elif len(frame.yields) < 16:
        frame.yields.append(value)
    return UNKNOWN


def fstring(run: Run, node: ir.FString) -> Value:
    parts = [evaluate(run, part) for part in node.parts]
    if all(type(part) is Const for part in parts):
        text = "".join(str(part.value) for part in parts if type(part) is Const)
        assumed = any(type(part) is Const and part.assumed for part in parts)
        return Const(text, assumed) if len(text) < strings.LIMIT else UNKNOWN
    flow = flow_of(Tuple(tuple(parts)))[0]
    return Data(flow) if flow else computed.joined(parts)


def walrus(run: Run, node: ir.Walrus) -> Value:
    value = evaluate(run, node.value)
    statements.bind(run, node.target, value)
    return value


def call(run: Run, node: ir.Call) -> Value:
    return calls.evaluate_call(run, node)


HANDLERS: dict[type, Callable[[Run, Any], Value]] = {
    ir.Const: constant,
    ir.Opaque: opaque,
    ir.Name: name,
    ir.Attribute: attribute,
    ir.Call: call,
    ir.Subscript: subscript,
    ir.Slice: slice_,
    ir.Sequence: sequence,
    ir.Starred: starred,
    ir.Dict: dictionary,
    ir.Unary: unary,
    ir.Binary: binary,
    ir.Boolean: boolean,
    ir.Compare: compare,
    ir.IfExp: if_expression,
    ir.Lambda: lambda_,
    ir.Comprehension: comprehension,
    ir.Await: await_,
    ir.Yield: yield_,
    ir.FString: fstring,
    ir.Walrus: walrus,
}
