"""A TensorFlow 1 graph: what surrounds an op when it is created, what its running runs, and the graph's collections.

What surrounds an op (control dependencies, scopes, the default graph) is one immutable value, `Surroundings`, kept where the
memo of calls sees it. It must never follow values into sessions or optimisers: those are rooms of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bnlint.program import model as ir
from bnlint.story.events import GraphImported, GraphNorm, GraphSaved, Story
from bnlint.story.frameworks.tensorflow import biases
from bnlint.story.machine import Run
from bnlint.story.values import (
    FIELDS,
    NO_TOKENS,
    Bound,
    Choice,
    Cls,
    Const,
    Data,
    Lib,
    Obj,
    Partial,
    Token,
    Tuple,
    Value,
    text,
)

UPDATES = "update_ops"
"""the string behind `tf.GraphKeys.UPDATE_OPS`"""

KEYS = {
    "UPDATE_OPS": UPDATES,
    "TRAINABLE_VARIABLES": "trainable_variables",
    "GLOBAL_VARIABLES": "variables",
    "VARIABLES": "variables",
    "MODEL_VARIABLES": "model_variables",
    "LOCAL_VARIABLES": "local_variables",
    "MOVING_AVERAGE_VARIABLES": "moving_average_variables",
    "REGULARIZATION_LOSSES": "regularization_losses",
    "LOSSES": "losses",
    "SUMMARIES": "summaries",
}
"""tf.GraphKeys, TensorFlow 1.15"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around an op that is created now."""

    deps: frozenset[Token] = NO_TOKENS
    """what active control dependencies run"""
    variables: str = ""
    """path of the variable scope"""
    ops: str = ""
    """path of the name scope"""
    network: frozenset[Token] = NO_TOKENS
    """the forwards that are being built"""
    graph: Obj | None = None
    """the graph, None for the default one"""


@dataclass(eq=False, slots=True)
class Placeholder:
    """Something that a session is fed with; `default` where it may be left out."""

    default: Value | None
    batch: int | None


@dataclass(eq=False, slots=True)
class Graphs:
    """The default graphs that module bodies filled: they outlast the story of the module."""

    modules: dict[Any, Obj]
    imports: dict[Any, frozenset[Any]] = field(default_factory=dict)
    applied: set[int] = field(default_factory=set)
    """nodes of the functions within which the program takes moments of a batch"""
    always: set[int] = field(default_factory=set)
    """those that it calls whatever its options"""
    imported_graphs: list[tuple[Story, GraphImported]] = field(default_factory=list)
    """graphs that were read from disk, and in which story"""
    saved_graphs: list[GraphSaved] = field(default_factory=list)

    def imported_here(self, run: Run) -> list[GraphImported]:
        return [event for story, event in self.imported_graphs if story is run.story]

    def current(self, run: Run) -> Obj:
        """The graph that ops are added to now."""
        chosen = surroundings(run).graph
        if chosen is not None:
            return chosen
        found = run.state.get("graph")
        if isinstance(found, Obj):
            return found
        if run.story.entry == "<module>":
            made = self.modules.setdefault(run.story.path, run.allocate(Lib("tensorflow.Graph"), None))
        else:
            made = run.allocate(Lib("tensorflow.Graph"), None)
        run.state["graph"] = made  # not undone: it is the same graph on every path
        return made

    def everything(self, run: Run, slot: str) -> frozenset[Any]:
        """What a collection holds: of the graph of now, and of those that imported modules filled."""
        found: frozenset[Any] = self.current(run).slots.get(slot, NO_TOKENS)
        if surroundings(run).graph is None:
            for path in self.imported(run, run.story.path):
                graph = self.modules.get(path)
                if graph is not None:
                    found |= graph.slots.get(slot, NO_TOKENS)
        return found

    def imported(self, run: Run, path: Any) -> frozenset[Any]:
        """The project files that a file imports when it is run, directly or not, and itself."""
        known = self.imports.get(path)
        if known is not None:
            return known
        found, pending = {path}, [path]
        while pending:
            here = pending.pop()
            program = run.project.programs.get(here)
            for dotted, level in import_statements(program.body) if program is not None else ():
                target = run.project.imports.resolve(here, dotted, level)
                if target is not None and target not in found:
                    found.add(target)
                    pending.append(target)
        self.imports[path] = frozenset(found)
        return self.imports[path]

    def add(self, run: Run, slot: str, more: frozenset[Any]) -> None:
        graph = self.current(run)
        run.memory.write(graph.slots, slot, graph.slots.get(slot, NO_TOKENS) | more)


def import_statements(body: Sequence[ir.Stmt]) -> Iterator[tuple[str, int]]:
    """The modules that top-level statements import: dotted name and level."""
    for statement in body:
        if isinstance(statement, ir.Import):
            yield from ((name, 0) for name, _ in statement.names)
        elif isinstance(statement, ir.ImportFrom):
            yield statement.module, statement.level
            inner = f"{statement.module}." if statement.module else ""
            yield from ((f"{inner}{name}", statement.level) for name, _ in statement.names)
        elif isinstance(statement, ir.If):
            yield from import_statements((*statement.body, *statement.orelse))
        elif isinstance(statement, ir.Try):
            yield from import_statements(statement.body)


NOTHING = Surroundings()


def surroundings(run: Run) -> Surroundings:
    found = run.state.get("ambient")
    return found if isinstance(found, Surroundings) else NOTHING


def surround(run: Run, now: Surroundings) -> None:
    run.memory.write(run.state, "ambient", now)


# --- tokens ----------------------------------------------------------------------------------


def collect(value: Value, depth: int = 6) -> tuple[frozenset[Token], frozenset[Token]]:
    """Everything that running a value runs, and what its gradient needs; looks into all containers."""
    if type(value) is Data:
        return value.flow, value.grad
    if depth == 0 or isinstance(value, (Const, Lib, Cls)):
        return NO_TOKENS, NO_TOKENS
    parts: list[Any] = []
    flow, grad = NO_TOKENS, NO_TOKENS
    if isinstance(value, Tuple):
        parts = [*value.items, *([value.rest] if value.rest is not None else [])]
    elif isinstance(value, Choice):
        parts = list(value.options)
    elif isinstance(value, Bound):
        parts = [value.self]
    elif isinstance(value, Partial):
        parts = [*value.args, *value.kwargs.values()]
    elif isinstance(value, Obj) and FIELDS in value.slots:
        parts = [value.slots.get(name) for name in value.slots[FIELDS]]
    elif isinstance(value, Obj) and isinstance(value.cls, Lib):
        own = value.slots.get("#flow")
        if isinstance(own, Data):
            flow, grad = own.flow, own.grad
        if value.lib in ("list", "set"):
            parts = [*value.slots.get("#items", ()), value.slots.get("#rest")]
        elif value.lib == "dict":
            parts = [part for key, part in value.slots.items() if not (isinstance(key, str) and key.startswith("#"))]
            parts.append(None if value.slots.get("#closed") else value.slots.get("#rest"))
    for part in parts:
        if part is not None:
            more = collect(part, depth - 1)
            flow, grad = flow | more[0], grad | more[1]
    return flow, grad


def of_kind(tokens: frozenset[Token], kind: str) -> frozenset[Token]:
    return frozenset(token for token in tokens if token.kind == kind)


def join_trains(flow: frozenset[Token]) -> None:
    """Whatever is run together with a train op."""
    for token in flow:
        if token.kind == "train":
            token.ref.runs |= flow


RUNNING = frozenset({"update", "read", "block", "train", "average"})
"""tokens of what runs, as against what a value was made of"""
PASSING = frozenset({"variable", "moment", "choice", "switch"})
"""tokens of what a value is itself: most ops make something else of it"""
LOST = PASSING | {"mixed", "format"}
"""and those of the variables that a sum or product was made from, and of the format that a convolution gives"""


def op(run: Run, values: list[Value], *, like: Value | None = None, form: str = "", kind: str = "tensor") -> Data:
    """An op over these values, created here.

    The gradient of most ops needs the values of their inputs, so these run, with all that they depend on. `form` "linear": it
    needs none (a sum). "identity": nor does it need anything that is created here.
    """
    biases.given_elsewhere(values)
    flow, grad = NO_TOKENS, NO_TOKENS
    for value in values:
        more = collect(value)
        flow, grad = flow | more[0], grad | more[1]
    if form != "identity":  # what comes out is no longer the variable itself
        flow = frozenset(token for token in flow if token.kind not in LOST)
        grad = frozenset(token for token in grad if token.kind not in LOST)
    if kind != "op":
        for token in flow:
            if token.kind == "average":
                token.ref.used = True
    if not form:
        grad |= {token for token in flow if token.kind in RUNNING}
    around = surroundings(run)
    flow |= around.deps | around.network
    grad |= around.network if form == "identity" else around.deps | around.network
    note_made(around.deps, "identity" if form == "identity" else "op")
    if around.deps:
        run.loud += 1  # what is created under dependencies differs from what the same call creates elsewhere
        join_trains(flow)
    elif kind == "op":
        join_trains(flow)
    batch, assumed = (like.batch, like.assumed) if type(like) is Data else (None, False)
    return Data(flow, grad, batch, assumed, kind=kind)


def note_made(deps: frozenset[Token], what: str) -> None:
    """Tell the blocks around that something was created in them."""
    for token in deps:
        if token.kind == "block":
            token.ref.made.add(what)


# --- names -----------------------------------------------------------------------------------


def below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def shown(value: Value | None) -> str:
    """A scope's or layer's name, "?" where it is unknown."""
    if value is None:
        return "?"
    known = text(value)
    if known is not None and not (type(value) is Const and value.assumed):
        return known.rstrip("/")
    if isinstance(value, Obj):
        path = value.slots.get("#path")
        if isinstance(path, str):
            return path
    return "?"


def unique(run: Run, graphs: Graphs, path: str, base: str) -> str:
    """The name that a layer without one gets: `dense`, `dense_1`, ... within its scope."""
    graph = graphs.current(run)
    key = ("count", path, base)
    count = graph.slots.get(key, 0)
    run.memory.write(graph.slots, key, count + 1)
    return base if not count else f"{base}_{count}"


def restart(run: Run, graphs: Graphs, path: str) -> None:
    """Opening a variable scope by its name starts the numbering of the names in it anew."""
    graph = graphs.current(run)
    for key in list(graph.slots):
        if isinstance(key, tuple) and key[0] == "count" and (key[1] == path or key[1].startswith(path + "/")):
            run.memory.write(graph.slots, key, 0)


def within(path: str, scope: str) -> bool:
    """Whether a collection's `scope=` (a prefix that `re.match` is asked for) selects an op or variable of this path."""
    scope = scope.rstrip("/")
    if not scope or "?" in scope or any(sign in scope for sign in "*.[(|^$\\"):
        return True
    for have, want in zip(path.split("/"), scope.split("/"), strict=False):
        if "?" in have:
            return True
        if have != want:
            return have.startswith(want)
    return len(path.split("/")) >= len(scope.split("/")) or "?" in path


# --- collections -----------------------------------------------------------------------------


def key_of(value: Value | None) -> str | None:
    """The name of a collection: a key of tf.GraphKeys or a string; None if it is unknown."""
    if isinstance(value, Lib):
        root, _, last = value.name.rpartition(".")
        if root.endswith("GraphKeys"):
            return KEYS.get(last, last.lower())
        return None
    return text(value) if value is not None else None


def held(run: Run, graphs: Graphs, key: str | None, scope: Value | None) -> frozenset[Token]:
    """The update ops that `get_collection(key, scope)` gives now."""
    wanted = shown(scope) if scope is not None and not (type(scope) is Const and scope.value is None) else ""
    found: set[Token] = set()
    for token in graphs.everything(run, "updates"):
        norm = token.ref
        assert isinstance(norm, GraphNorm)
        if (key is None or norm.key == key or norm.key is None) and (within(norm.path, wanted) or within(norm.name, wanted)):
            found.add(token)
    return frozenset(found)
