"""Calls: evaluating arguments, following project functions and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bnlint.program import model as ir
from bnlint.story import libraries
from bnlint.story.frames import DEAD, NEXT, RETURN, Frame
from bnlint.story.framework import Args
from bnlint.story.interpreter import (
    computed,
    conditions,
    containers,
    contexts,
    definitions,
    expressions,
    iteration,
    lists,
    objects,
    parameters,
    relevance,
    replaying,
    statements,
)
from bnlint.story.joining import MAX_OPTIONS, choose, mix
from bnlint.story.machine import DEPTH, SAME_FUNCTION, Run
from bnlint.story.meeting import meet
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
    Obj,
    Partial,
    Scope,
    Table,
    Tuple,
    Value,
    compound,
    options,
)

NEVER = Data(label="<never returns>", kind="never")
"""What a call gives that ends the program"""


def evaluate_call(run: Run, node: ir.Call) -> Value:
    run.step()
    func = node.func
    if isinstance(func, ir.Name) and func.id == "super":
        return definitions.make_super(run, node)
    return call(run, called(run, func), arguments(run, node), node)


def called(run: Run, func: ir.Expr) -> Value:
    """What a call calls: of data whose attributes are unknown, a method of that name."""
    if not isinstance(func, ir.Attribute):
        named = computed.called_by_name(run, func) if isinstance(func, (ir.Call, ir.Subscript)) else None
        return named if named is not None else expressions.evaluate(run, func)
    owner = expressions.evaluate(run, func.value)
    member = expressions.get_attribute(run, owner, func.attr, func)
    unknown = type(owner) is Data and type(member) is Data
    inherited = isinstance(owner, Cls) and member is UNKNOWN  # what a library's class may give to the project's
    return Bound(func.attr, owner) if unknown or inherited else member


def arguments(run: Run, node: ir.Call) -> Args:
    positional: list[Value] = []
    nodes: list[ir.Expr] = []
    keywords: dict[str, Value] = {}
    keyword_nodes: dict[str, ir.Expr] = {}
    star: list[Value] = []
    double_star: Value | None = None
    for arg in node.args:
        value = expressions.evaluate(run, arg.value)
        if arg.star == "*":
            items, rest = iteration.elements(run, value, arg.value)
            positional.extend(items)
            nodes.extend([arg.value] * len(items))
            if rest is not None:
                star.append(rest)
        elif arg.star == "**":
            known, more = iteration.keyword_items(run, value)
            keywords.update(known)
            if more is not None:
                double_star = more
        elif arg.keyword is not None:
            keywords[arg.keyword] = value
            keyword_nodes[arg.keyword] = arg.value
        elif not star:
            positional.append(value)
            nodes.append(arg.value)
    return Args(tuple(positional), keywords, choose(star) if star else None, double_star, tuple(nodes), keyword_nodes)


def call(run: Run, callee: Value, args: Args, node: ir.Call) -> Value:
    """Call any value; gives what it returns."""
    kind = type(callee)
    if kind is Lib:
        assert isinstance(callee, Lib)
        return libraries.call(run, callee.name, args, node)
    if isinstance(callee, Func):
        return (contexts.unentered if callee.kind == "context" else call_function)(run, callee, args, node)
    if isinstance(callee, Bound):
        if type(node.func) is ir.Name:
            run.story.indirect.add(run.place(node))
        if isinstance(callee.func, Func):
            if isinstance(callee.self, Obj):
                found = run.hooks.follow(run, callee.func, callee.self, args, node)
                if found is not None:
                    return found
            made = contexts.unentered if callee.func.kind == "context" else call_function
            return made(run, callee.func, with_self(callee.self, args), node)
        return call_method(run, callee.self, callee.func, args, node)
    if isinstance(callee, Cls):
        return definitions.instantiate(run, callee, args, node)
    if isinstance(callee, Obj):
        return call_object(run, callee, args, node)
    if isinstance(callee, Partial):
        run.story.indirect.add(run.place(node))
        keywords = {**callee.kwargs, **args.keywords}
        given = Args(
            (*callee.args, *args.positional), keywords, args.star, args.double_star, (), args.keyword_nodes
        )
        return call(run, callee.func, given, node)
    if isinstance(callee, Choice):
        return call_options(run, callee, args, node)
    return unknown_call(run, callee, args)


QUIET = frozenset({"__init__", "__call__", "forward"})
"""methods of which it is not expected that they switch the mode of their object"""
REPRESENTATIVES = 3
ALTERNATIVES = 12
"""networks to choose from that are built; of a longer list the rest is taken to be like them"""


def call_options(run: Run, callee: Choice, args: Args, node: ir.Call) -> Value:
    """Call one of several: of many networks that may result, a few stand for all, those that matter first."""
    owners = {id(option.self) if isinstance(option, Bound) and is_network(option.self) else None for option in callee.options}
    if callee.weak or (len(owners) == 1 and None not in owners):
        return call_methods(run, [option for option in callee.options if type(option) is not Const], args, node)
    results: list[Value] = []
    usual = [option for option in callee.options if not of_contrary(option)]
    for option in callee.options:
        if results and run.steps > run.allowed // 3 and follows(option):
            continue  # the rest of the entry point is worth more than one more alternative
        if len(results) >= ALTERNATIVES and all(is_network(option) for result in results for option in options(result)):
            break
        if type(option) is not Const:
            contrary = any(option is other for other in callee.contrary) or (bool(usual) and of_contrary(option))
            run.contrary += contrary
            run.choosing += 1
            try:
                results.append(call(run, option, args, node))
            finally:
                run.contrary -= contrary
                run.choosing -= 1
    results = [result for result in results if result is not NEVER] or results or [UNKNOWN]
    return choose(run.hooks.representatives(run, results, REPRESENTATIVES))


def call_methods(run: Run, methods: Sequence[Value], args: Args, node: ir.Call) -> Value:
    """Call one of several methods of a network, `(net.train if flag else net.eval)()`: each may be the only one that runs.

    One method of several networks is another matter: of whichever network is meant, it runs for certain.
    """
    results: list[Value] = []

    def one(method: Value) -> int:
        results.append(call(run, method, args, node))
        return DEAD if results[-1] is NEVER else NEXT

    if run.fork([partial(one, method) for method in methods]) == DEAD:
        return NEVER
    return choose([result for result in results if result is not NEVER])


def of_contrary(value: Value) -> bool:
    """Whether it is a method of an object that only comes about against the default of an option."""
    return isinstance(value, Bound) and isinstance(value.self, Obj) and bool(value.self.slots.get("#contrary"))


def is_network(value: Value) -> bool:
    return isinstance(value, Obj) and "#mode" in value.slots


def follows(callee: Value) -> bool:
    """Whether calling a value runs code of the project, and may cost much."""
    if isinstance(callee, Bound):
        return isinstance(callee.func, Func)
    return isinstance(callee, (Func, Cls, Partial)) or (isinstance(callee, Obj) and isinstance(callee.cls, Cls))


def with_self(owner: Value, args: Args) -> Args:
    return Args((owner, *args.positional), args.keywords, args.star, args.double_star, args.nodes, args.keyword_nodes)


def unknown_call(run: Run, callee: Value, args: Args) -> Value:
    """A call that cannot be followed: its result is influenced by everything it was given."""
    run.risks += 1
    run.wide_risks += 1
    lists.escape(run, args.all())
    return mix([callee, *args.all()])


def call_method(run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value:
    """A method that no project class defines."""
    if isinstance(owner, Choice):
        return choose([call_method(run, option, name, args, node) for option in owner.options])
    known = containers.method(run, owner, name, args, node)
    if known is not None:
        if type(known) is Const and known.assumed and type(owner) is Const and owner.symbol is not None:
            given = tuple(value.value for value in args.positional if type(value) is Const)
            return replace(known, symbol=compound(name, owner.symbol, *given))
        return known
    found = run.hooks.method(run, owner, name, args, node)
    if found is not None:
        return found
    return conditions.asked(owner, name, args) or unknown_call(run, owner, args)


def call_object(run: Run, obj: Obj, args: Args, node: ir.Call) -> Value:
    if isinstance(obj.cls, Cls):
        own = objects.find(run, obj.cls.order, "__call__")
        if isinstance(own, Func):
            return call_function(run, own, with_self(obj, args), node)
    found = run.hooks.apply(run, obj, args, node)
    return found if found is not None else unknown_call(run, obj, args)


# --- functions -------------------------------------------------------------------------------


def call_function(run: Run, func: Func, args: Args, node: ir.Expr) -> Value:
    """Follow a call into a project function."""
    run.reached.add(id(func.node))
    scoped = run.state.get("scoped")
    if scoped and id(func.node) in scoped:
        args = replace(args, keywords={**named_later(func, scoped[id(func.node)], args), **args.keywords})
    if len(run.frames) > DEPTH or recursions(run, func, args) >= SAME_FUNCTION:
        return not_followed(run, func, args, node)
    key = replaying.key_of(run, func, args)
    if key is not None:
        found = replaying.replay(run, key)
        if found is not None:
            return found
    if not run.may_run(func.node):
        run.story.exhausted = True
        return not_followed(run, func, args, node)
    if relevance.idle(run, func, args):
        return not_followed(run, func, args, node)
    began = relevance.now(run)
    outer_reads = run.memory.reads
    loud = run.loud
    run.memory.reads = {} if key is not None else None
    if outer_reads is not None and key is None:
        run.memory.reads = {}
    mark = run.memory.mark()
    norms: dict[int, Any] = {}
    run.norms.append(norms)
    try:
        table: Table = {}
        result = enter(run, func, args, node, table)
        relevance.note(run, func, args, result, began)
        if key is not None and run.loud == loud:
            replaying.keep(run, key, mark, table, result, tuple(norms.values()))
    except RecursionError:
        if len(run.frames) < 2:
            raise
        run.story.exhausted = True
        result = not_followed(run, func, args, node)
    finally:
        run.norms.pop()
        if run.norms:
            meet(run.norms[-1], norms.values())
        inner_reads, run.memory.reads = run.memory.reads, outer_reads
        if outer_reads is not None and inner_reads is not None:
            for where, entry in inner_reads.items():
                outer_reads.setdefault(where, entry)
    return result


def recursions(run: Run, func: Func, args: Args) -> int:
    """How many calls of a function are running; of one that walks modules that nest, those with this very module first."""
    frames = [frame for frame in run.frames if frame.func is not None and frame.func.node is func.node]
    first = args.positional[0] if args.positional else None
    if len(frames) < SAME_FUNCTION or not isinstance(first, Obj) or "#mode" not in first.slots:
        return len(frames)
    return sum(1 for frame in frames if frame.given is not None and frame.given.positional[:1] == (first,))


def not_followed(run: Run, func: Func, args: Args, node: ir.Expr) -> Value:
    """A call that is nested too deeply, or was followed often enough.

    What a call of itself does to something that it is already at work on is left to the outer call.
    """
    lists.escape(run, args.all())
    if run.forwards and func.name == "forward" and args.positional:
        run.hooks.skipped(run, args.positional[0], node)
    if func.name not in QUIET and not run.forwards:
        outer = [frame.given for frame in run.frames if frame.func is not None and frame.func.node is func.node]
        for value in args.all():
            if not any(value is known for given in outer if given is not None for known in given.all()):
                run.hooks.skipped(run, value, node)
    return mix(args.all())


def named_later(func: Func, given: dict[str, Value], args: Args) -> dict[str, Value]:
    """Of the arguments that the surroundings give, those that the call itself does not give by position."""
    taken = {param.name for param in func.node.params.items[: len(args.positional)]}
    return {name: value for name, value in given.items() if name not in taken}


def enter(run: Run, func: Func, args: Args, node: ir.Expr, table: Table) -> Value:
    """Run a function's body in a frame of its own."""
    self_value = parameters.bind(run, func, args, table)
    place = run.place(node) if run.frames else None
    scope = Scope(table, func.scope, func.scope.module)
    frame = Frame(scope, func, func.name, run.memory.mark(), place, func.owner, self_value, given=args)
    if place is not None:
        run.calls.append(place)
    forks, supposed = run.forks, len(run.supposed)
    run.frames.append(frame)
    try:
        if isinstance(func.node, ir.Lambda):
            return expressions.evaluate(run, func.node.body)
        status = RETURN
        body = func.node.body

        def go() -> int:
            return statements.run_block(run, body)

        status = contexts.around(run, list(func.contexts), func.node, go) if func.contexts else go()
        return finish(run, frame, status)
    finally:
        run.frames.pop()
        run.forks = forks
        run.doubt(supposed)
        if not scope.captured:
            run.memory.forget(frame.mark, table)
        if place is not None:
            run.calls.pop()


def finish(run: Run, frame: Frame, status: int) -> Value:
    """Join the paths that returned with the one that ended now; gives the returned value."""
    values: list[Value] = [value if value is not None else NONE for value, _ in frame.returns]
    if status in (NEXT, RETURN):
        values.append(frame.result if status == RETURN and frame.result is not None else NONE)
    if frame.returns:
        paths = [changes for _, changes in frame.returns]
        if status in (NEXT, RETURN):
            paths.append(run.memory.changes(frame.mark, frame.dead_table()))
        run.memory.undo(frame.mark)
        run.memory.merge(paths)
    node = frame.func.node if frame.func is not None else None
    if isinstance(node, ir.Function) and node.generator:
        return Tuple((), choose(frame.yields)) if frame.yields else Tuple((), UNKNOWN)
    if not values:
        return NEVER if status == DEAD else NONE
    if len(values) > MAX_OPTIONS:  # a factory that knows many networks by name
        values = run.hooks.representatives(run, [option for value in values for option in options(value)], REPRESENTATIVES)
    return choose(values)
