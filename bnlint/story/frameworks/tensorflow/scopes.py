"""What `with` does in TensorFlow: control dependencies, variable and name scopes, slim's arg_scope, graphs.

Facts: TensorFlow 1.15 (`control_dependencies` concerns only ops created inside, None clears it; `arg_scope` merges with the
scope around it when it is made, and replaces it when it is given a scope).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story.events import Dependencies, Forward
from bnlint.story.framework import Args, Exit
from bnlint.story.frameworks.tensorflow import wrappers
from bnlint.story.frameworks.tensorflow.graph import (
    Graphs,
    Surroundings,
    below,
    collect,
    join_trains,
    restart,
    shown,
    surround,
    surroundings,
    unique,
)
from bnlint.story.interpreter import iteration
from bnlint.story.machine import Run
from bnlint.story.values import NO_TOKENS, Choice, Const, Func, Lib, Obj, Tuple, Value, options

if TYPE_CHECKING:
    from bnlint.story.framework import Scoped

Written: TypeAlias = tuple[Value, Place]
GRAPH = "#graph"
"""slot of a session: the graph that it is of"""
KINDS = {
    "tensorflow.control_dependencies": "dependencies",
    "tensorflow.variable_scope": "variables",
    "tensorflow.variable_op_scope": "variables",
    "slim.variable_scope": "variables",
    "tensorflow.name_scope": "names",
    "tensorflow.op_scope": "names",
    "keras.backend.name_scope": "names",
    "slim.arg_scope": "arguments",
}


def make(run: Run, name: str, args: Args, node: ir.Call) -> Obj:
    """The context manager that a call of a scope gives."""
    made = run.allocate(Lib(name), node)
    kind = KINDS[name]
    made.slots["#scope"] = kind
    if kind == "dependencies":
        made.slots["#given"] = args.get(0, "control_inputs")
        made.slots["#node"] = node
    elif kind == "arguments":
        made.slots["#scoped"], made.slots["#unknown"] = arguments(run, args, node)
        made.slots["#written"] = flag_written(run, args)
    else:
        names(run, made, kind, args)
    return made


def names(run: Run, made: Obj, kind: str, args: Args) -> None:
    around = surroundings(run)
    given = args.get(0, "name_or_scope") or args.get(None, "name")
    if given is None or (type(given) is Const and given.value is None):
        given = args.get(1, "default_name") or given
        made.slots["#numbered"] = True
    if isinstance(given, Obj) and isinstance(given.slots.get("#path"), str):
        made.slots["#path"] = given.slots["#path"]  # a scope that was opened before
        made.slots["#last"] = given.slots["#path"].rpartition("/")[2]
        return
    last = shown(given)
    made.slots["#last"] = last
    made.slots["#path"] = below(around.variables if kind == "variables" else around.ops, last)


# --- entering --------------------------------------------------------------------------------


def enter(run: Run, graphs: Graphs, value: Value, node: ir.Expr) -> Exit | None:
    chosen = [option for option in options(value) if isinstance(option, Obj) and "#scope" in option.slots]
    if not chosen:
        return None
    scope = chosen[0]
    before = surroundings(run)
    kind = scope.slots["#scope"]
    if kind == "arguments":
        return enter_arguments(run, scope)
    if kind == "dependencies":
        now = dependencies(run, scope, before)
    elif kind == "graph":
        now = replace(before, graph=scope.slots.get(GRAPH, scope), deps=NO_TOKENS, variables="", ops="")
    elif kind == "variables":
        now = variables(run, graphs, scope, before, node)
    else:
        now = replace(before, ops=scope.slots["#path"])
    surround(run, now)

    def leave() -> None:
        surround(run, before)

    return leave


def dependencies(run: Run, scope: Obj, before: Surroundings) -> Surroundings:
    given = scope.slots.get("#given")
    node = scope.slots["#node"]
    inner = node.args[0].value if node.args else None
    usual = usually(given)
    none = type(usual) is Const and usual.value is None
    assumed = none and given is not usual
    event = run.emit(Dependencies, node, flow=NO_TOKENS, none=none and not isinstance(inner, ir.Const), assumed=assumed)
    if none:
        event.otherwise = collect(given)[0] if assumed and given is not None else NO_TOKENS
        return replace(before, deps=frozenset({event.token}))
    flow = collect(given)[0] if given is not None else NO_TOKENS
    event.flow = flow
    join_trains(flow)
    return replace(before, deps=before.deps | flow | {event.token})


def usually(given: Value | None) -> Value | None:
    """Of a value that an option decides, what it is by the option's default."""
    if not isinstance(given, Choice):
        return given
    usual = [option for option in given.options if not any(option is other for other in given.contrary)]
    return usual[0] if len(usual) == 1 else given


def variables(run: Run, graphs: Graphs, scope: Obj, before: Surroundings, node: ir.Expr) -> Surroundings:
    last = scope.slots["#last"]
    path = scope.slots["#path"]
    if scope.slots.get("#numbered"):
        last = unique(run, graphs, before.variables, last)
        path = below(before.variables, last)
    else:
        restart(run, graphs, path)
    network = before.network
    if not network:
        network = frozenset({forward_of(run, path, node).token})
    return replace(before, variables=path, ops=below(before.ops, last), network=network)


def forward_of(run: Run, path: str, node: ir.Expr) -> Forward:
    """The network that the function which opens this scope builds: applied where the function is called, to its arguments."""
    from bnlint.story.frameworks.tensorflow.networks import opened

    return opened(run, path, node)


def graph_scope(run: Run, owner: Obj) -> Obj:
    """`graph.as_default()`"""
    owner.slots.setdefault("#scope", "graph")
    return owner


# --- slim's arg_scope ------------------------------------------------------------------------


def arguments(run: Run, args: Args, node: ir.Call) -> tuple[Scoped, bool]:
    """The arguments that hold within `arg_scope(...)`, and whether some of them are unknown."""
    current: Scoped = run.state.get("scoped") or {}
    unknown = bool(run.state.get("scoped_unknown"))
    first = args.get(0, "list_ops_or_scope")
    if isinstance(first, Choice):
        known = [option for option in first.options if isinstance(option, Obj)]
        first = known[0] if known else first
    if isinstance(first, Obj) and "#scoped" in first.slots:
        return first.slots["#scoped"], bool(first.slots.get("#unknown"))
    if not isinstance(first, (Obj, Tuple)):
        return current, True
    members, rest = iteration.elements(run, first, node)
    merged = {key: dict(given) for key, given in current.items()}
    for member in members:
        for key in keys(member):
            merged.setdefault(key, {}).update(args.keywords)
    return merged, unknown or rest is not None or args.double_star is not None


def flag_written(run: Run, args: Args) -> Written | None:
    """The constant that tells the layers of a scope their mode, and where it stands in the text, if this scope says it."""
    first = args.get(0, "list_ops_or_scope")
    for option in options(first) if first is not None else ():
        if isinstance(option, Obj) and "#scoped" in option.slots:
            return option.slots.get("#written")
    given, node = args.keywords.get("is_training"), args.keyword_nodes.get("is_training")
    params = args.keywords.get("normalizer_params")
    if given is None and isinstance(params, Obj) and params.lib == "dict":
        given = params.slots.get("is_training")
    place = wrappers.written(run, node, given) if given is not None else None
    if given is None or place is None:
        return run.state.get("scoped_written")
    return given, place


def keys(member: Value) -> list[object]:
    """By what a function is known in a scope: its library name, or its definition."""
    found: list[object] = []
    for option in options(member):
        if isinstance(option, Lib):
            found.append(option.name)
        elif isinstance(option, Func):
            found.append(id(option.node))
    return found


def enter_arguments(run: Run, scope: Obj) -> Exit:
    before = run.state.get("scoped"), run.state.get("scoped_unknown"), run.state.get("scoped_written")
    run.memory.write(run.state, "scoped", scope.slots["#scoped"])
    run.memory.write(run.state, "scoped_written", scope.slots.get("#written"))
    run.memory.write(run.state, "scoped_unknown", scope.slots.get("#unknown", False))

    def leave() -> None:
        run.memory.write(run.state, "scoped", before[0])
        run.memory.write(run.state, "scoped_unknown", before[1])
        run.memory.write(run.state, "scoped_written", before[2])

    return leave


def written(run: Run, flag: Value) -> Place | None:
    """Where a flag stands in the text that the scope around gave."""
    said: Written | None = run.state.get("scoped_written")
    return said[1] if said is not None and said[0] == flag and isinstance(flag, Const) else None


def given_by_scope(run: Run, name: str, args: Args) -> Args:
    """The arguments of a library function with those that the scope around gives."""
    scoped: Scoped = run.state.get("scoped") or {}
    more = scoped.get(name)
    if not more:
        return args
    return replace(args, keywords={**more, **args.keywords})
