"""Graphs that are saved with their ops and imported again: whatever flag was a constant when they were built, they keep.

Facts: TensorFlow 1.15, "tf.train.import_meta_graph" (rebuilds the ops as they were saved), "tf.train.Saver.save" (writes the
graph beside the variables), "tf.train.Supervisor" and "tf.train.MonitoredTrainingSession" (save by themselves).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bnlint.program import model as ir
from bnlint.story.events import Fetched, GraphImported, GraphNorm, GraphSaved, Story, TrainOp
from bnlint.story.events.metagraphs import Kind
from bnlint.story.framework import Args
from bnlint.story.frameworks.tensorflow.graph import Graphs
from bnlint.story.machine import Run
from bnlint.story.values import Const, Data, Lib, Obj, Token, Value, text, truth

IMPORTS: dict[str, Kind] = {
    "tensorflow.train.import_meta_graph": "meta graph",
    "tensorflow.saved_model.loader.load": "saved model",
    "tensorflow.saved_model.load": "saved model",
}
SAVING: dict[str, Kind] = {
    "tensorflow.train.Supervisor": "meta graph",
    "tensorflow.train.MonitoredTrainingSession": "meta graph",
    "slim.learning.train": "meta graph",
    "tensorflow.saved_model.simple_save": "saved model",
}
METHODS: dict[str, Kind] = {"save": "meta graph", "add_meta_graph_and_variables": "saved model"}
LOOKUPS = frozenset({"get_tensor_by_name", "get_operation_by_name", "as_graph_element"})
LEARNS = re.compile(r"train|optimi|minimi|gradient", re.I)
"""names of what changes variables, in a graph of which nothing else is known"""


def call(run: Run, graphs: Graphs, name: str, args: Args, node: ir.Call) -> Value | None:
    """Write down what a call imports or saves; only an import gives something of its own: a saver."""
    kind = IMPORTS.get(name)
    if kind is not None:
        graphs.imported_graphs.append((run.story, run.emit(GraphImported, node, kind=kind)))
        return run.allocate(Lib("tensorflow.train.Saver"), node)
    kind = SAVING.get(name)
    if kind is not None and (name != "tensorflow.train.MonitoredTrainingSession" or args.get(2, "checkpoint_dir") is not None):
        saved(run, graphs, kind, node)
    return None


def method(run: Run, graphs: Graphs, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
    if name in LOOKUPS and graphs.imported_graphs:
        found = tokens(run, graphs, text(args.get(0, "name") or args.get(0, "obj") or Const(None)) or "")
        return Data(found, kind="tensor") if found else None
    if name in METHODS and isinstance(owner, Obj) and owner.lib.endswith(("Saver", "SavedModelBuilder")):
        saved(run, graphs, METHODS[name], node)
    return None


def saved(run: Run, graphs: Graphs, kind: Kind, node: ir.Call) -> None:
    built = any(isinstance(event, (GraphNorm, TrainOp)) for event in run.story.events)
    if run.story.test or (graphs.imported_here(run) and not built):
        return  # what was imported is saved again
    norms = tuple(event for event in run.story.events if isinstance(event, GraphNorm))
    trained = {token.ref.graph for event in run.story.events if isinstance(event, TrainOp) for token in event.through}
    if trained:  # what is trained is saved, not what is built beside it in a graph of its own
        norms = tuple(norm for norm in norms if norm.graph in trained)
    before = graphs.saved_graphs[-1] if graphs.saved_graphs else None
    if before is None or before.norms != norms or before.kind != kind:
        graphs.saved_graphs.append(run.emit(GraphSaved, node, kind=kind, norms=norms))


def tokens(run: Run, graphs: Graphs, name: str) -> frozenset[Token]:
    """What a tensor of this name stands for: one of the graphs that the story imported."""
    found = frozenset(event.token for event in graphs.imported_here(run))
    if found and LEARNS.search(name):
        found |= {Token("imported training", token.ref) for token in found}
    return found


# --- when everything is told -----------------------------------------------------------------


def told(run: Run, graphs: Graphs) -> Iterator[Story]:
    """A story for each graph that was imported to be used, once it is known what the project saves."""
    norms = [event for story in run.stories for event in story.events if isinstance(event, GraphNorm)]
    for story, event in graphs.imported_graphs:
        if not story.test and norms and used(story, event) and traced(graphs, event, norms):
            made = Story(run.project, story.path, story.entry, story.bound, False)
            made.events.append(event)
            yield made


def used(story: Story, event: GraphImported) -> bool:
    """Whether tensors of the imported graph are fetched, and none that would train it further."""
    training = Token("imported training", event)
    for other in story.events:
        if isinstance(other, Fetched) and event.token in other.flow:
            if training in other.flow:
                return False
            event.used = event.used or other
        elif isinstance(other, TrainOp) and event.token in other.built:
            event.tuned = True
    return event.used is not None


def traced(graphs: Graphs, event: GraphImported, norms: list[GraphNorm]) -> bool:
    """Whether all that the project saves is in train mode by constants; unsure where the graphs that it saves are not known."""
    saves = [save for save in graphs.saved_graphs if save.kind == event.kind]
    known = [save for save in saves if any(told_by_text(norm) for norm in save.norms)]
    if known:
        event.saved, event.norms = known[0], known[0].norms
        event.certain = True
        return all(truth(norm.flag) is True and not norm.under for save in known for norm in save.norms)
    constant = [norm for norm in norms if type(norm.flag) is Const and norm.flag.value is True]
    if not saves or not constant or any(told_by_text(norm) and type(norm.flag) is Data for norm in norms):
        return False
    event.saved, event.norms = saves[0], tuple(constant[:1])
    return True


def told_by_text(norm: GraphNorm) -> bool:
    """Whether the flag is a constant or a placeholder, not something that the story does not know."""
    return type(norm.flag) is Const or (type(norm.flag) is Data and norm.flag.kind == "placeholder")
