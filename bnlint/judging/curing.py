"""Cures that several rules offer: another argument, `eval()` before a stretch of code, `train()` before or behind it.

None where the text does not say for sure what to write, or where the change would reach further than the mistake.
"""

from __future__ import annotations

from bnlint.findings import Argument, Change, Cure, Edit, Insert, Place
from bnlint.judging import callers, modes, sites
from bnlint.judging.sites import Site
from bnlint.program import model as ir
from bnlint.story import Story
from bnlint.story.events import Backward, Event, Exported, Forward, ModeMisused, ModeSet
from bnlint.story.values import Obj


def argument(story: Story, place: Place, name: str, value: str, *, over: tuple[str, ...] = ()) -> Change | None:
    """Give the call at a place the argument `name=value`.

    Where it is given already, it is replaced if it is written as one of the constants `over`.
    """
    found = sites.call_site(story, place)
    if found is None:
        return None
    site, call = found
    if any(arg.star for arg in call.args):
        return None
    given = next((arg for arg in call.args if arg.keyword == name), None)
    if given is not None:
        known = isinstance(given.value, ir.Const) and repr(given.value.value) in over
        return Edit(site.place(given.value), value) if known else None
    last = call.args[-1] if call.args else None
    if last is not None and last.keyword is None and isinstance(last.value, ir.Comprehension) and len(call.args) == 1:
        return None  # `f(x for x in y)` has no brackets of its own
    return Argument(site.place(call), site.place(last) if last is not None else None, f"{name}={value}")


def switched(story: Story, event: Forward | Exported, site: Site, receiver: str, mode: str) -> tuple[Insert, ...] | None:
    """Put a network in `mode` before the statement at a site, or before the loops and blocks around that do nothing else.

    Behind it the network goes back to train mode where the next training forward relies on that.
    """
    if site.statement is None or isinstance(site.statement, ir.Match | ir.Function | ir.Class) or other_owner(site, receiver):
        return None
    anchor = climb(story, event, site, receiver)
    if anchor is None:
        return None
    changes = [Insert(site.place(anchor), f"{receiver}.{mode}()")]
    if mode == "eval" and relied_on(story, event):
        leaves = any(isinstance(part, ir.Return | ir.Raise) for part in sites.below(anchor))
        if leaves or isinstance(anchor, ir.If | ir.Try) or not all_fresh(event):
            return None
        changes.append(Insert(site.place(anchor), f"{receiver}.train()", after=True))
    return tuple(changes)


def other_owner(site: Site, receiver: str) -> bool:
    """Whether the name is not one that can be spoken of before the statement: made within it, or a library's."""
    statement = site.statement
    assert statement is not None
    root = receiver.partition(".")[0]
    if sites.imported(site.program, receiver):
        return True
    if isinstance(statement, ir.Assign | ir.AugAssign):
        return sites.binds(statement.value, root)
    header = (getattr(statement, name, None) for name in ("test", "iter", "value"))
    return any(isinstance(part, ir.Node) and sites.binds(part, root) for part in header)


def climb(story: Story, event: Forward | Exported, site: Site, receiver: str) -> ir.Stmt | None:
    """The outermost loop or `with` around a statement, in the same function, that can be seen to be part of the evaluation."""
    return outermost(site, receiver, [place for other in story.events if other_business(other) for place in way(other)])


def outermost(site: Site, receiver: str, keep_out: list[Place]) -> ir.Stmt | None:
    """The outermost loop or `with` around a statement, in the same function, that holds none of these places."""
    anchor = site.statement
    for parent in site.parents:
        if not isinstance(parent, ir.Loop | ir.While | ir.With) or sites.binds(parent, receiver):
            break
        if any(sites.inside(place, site, parent) for place in keep_out):
            break
        anchor = parent
    return anchor


def other_business(event: Event) -> bool:
    """Whether it is an event that must not see another mode: training, and the switching of modes."""
    return isinstance(event, Backward | ModeSet) or (isinstance(event, Forward) and "training" in event.purposes)


def way(event: Event) -> tuple[Place, ...]:
    return (*event.where.calls, event.where.place)


def relied_on(story: Story, event: Forward | Exported) -> bool:
    """Whether the next training forward through the same batch norms relies on the mode that they are in here."""
    mine = {id(use.norm) for use in event.norms}
    for later in story.events[event.number + 1 :]:
        if isinstance(later, ModeSet) and later.modes == {"train"} and modes.whole(later.net, event.net):
            return False
        if isinstance(later, Forward) and "training" in later.purposes and any(id(use.norm) in mine for use in later.norms):
            return True
    return False


def all_fresh(event: Forward | Exported) -> bool:
    """Whether `train()` would bring back what was: all batch norms are in train mode, none was frozen."""
    return all(modes.names(use) == {"train"} for use in event.norms)


def receiver_of(call: ir.Call) -> str | None:
    """The name of what is called: `net` of `net(x)` and of `net.forward(x)`."""
    func = call.func
    if isinstance(func, ir.Attribute) and func.attr in ("forward", "__call__"):
        func = func.value
    return sites.dotted(func)


def evaluated(story: Story, forward: Forward) -> Cure | None:
    """`net.eval()` before the loop that evaluates."""
    found = sites.call_site(story, forward.where.place)
    receiver = receiver_of(found[1]) if found is not None else None
    if found is None or receiver is None or forward.where.place in story.indirect:
        return None
    shared = same_call(story, forward)
    if any("training" in other.purposes for other in shared):
        # nothing that minds the mode may happen behind the call
        minds = (event for event in story.events if other_business(event))
        caller = callers.evaluating(story, forward, shared, found[0], receiver)
        if caller is None or any(forward.where.calls[-1] in event.where.calls for event in minds):
            return None
        changes = switched(story, forward, *caller, "eval")
    else:
        changes = switched(story, forward, found[0], receiver, "eval")
    if changes is None:
        return None
    called = changes[0].content
    return Cure(f"call `{called}` before" + (", and `train()` behind" if len(changes) > 1 else ""), "unsafe", changes)


def fed(story: Story, run: Forward) -> Cure | None:
    """False in place of the one True that a run of a session is fed, where that run never trains."""
    found = sites.call_site(story, run.where.place)
    if found is None or any("training" in other.purposes for other in same_call(story, run)):
        return None
    site, call = found
    pairs = [pair for arg in call.args if isinstance(arg.value, ir.Dict) for pair in arg.value.items]
    flags = [value for _, value in pairs if isinstance(value, ir.Const) and value.value is True]
    if len(flags) != 1:
        return None
    return Cure("feed False", "unsafe", (Edit(site.place(flags[0]), "False"),))


def same_call(story: Story, forward: Forward) -> list[Forward]:
    """All forwards that the same call makes, of this network or of others."""
    return [other for other in story.of(Forward) if other.where.place == forward.where.place]


def trained(story: Story, forward: Forward, left: ModeSet) -> Cure | None:
    """`net.train()` before the loop that trains, as far out as the `eval()` that was left behind allows."""
    found = sites.call_site(story, forward.where.place)
    receiver = receiver_of(found[1]) if found is not None else None
    if found is None or receiver is None or found[0].statement is None or other_owner(found[0], receiver):
        return None
    if forward.where.place in story.indirect:
        return None
    if any("training" not in other.purposes for other in same_call(story, forward)):
        return None
    site = found[0]
    switches = [event for event in story.of(ModeSet) if event is left or "eval" in event.modes]
    anchor = outermost(site, receiver, [place for event in switches for place in way(event)])
    if anchor is None or isinstance(anchor, ir.Match | ir.Function | ir.Class):
        return None
    return Cure(f"call `{receiver}.train()` before", "unsafe", (Insert(site.place(anchor), f"{receiver}.train()"),))


def exported(story: Story, event: Exported) -> Cure | None:
    """`net.eval()` before an export, or `.eval()` on what is built within its call."""
    found = sites.call_site(story, event.where.place)
    if found is None or not found[1].args or found[1].args[0].star or found[1].args[0].keyword:
        return None
    site, call = found
    if "onnx" in event.how and not any((sites.dotted(arg.value) or "").endswith(".PRESERVE") for arg in call.args):
        return None  # the exporter itself is told to train
    given = call.args[0].value
    receiver = sites.dotted(given)
    if receiver is None:
        if not isinstance(given, ir.Call) or not isinstance(event.net, Obj) or relied_on(story, event):
            return None
        behind = site.place(ir.Name(given.end, given.end, ""))
        return Cure("put it in eval mode first", "unsafe", (Edit(behind, ".eval()"),))
    changes = switched(story, event, site, receiver, "eval")
    return Cure(f"call `{receiver}.eval()` before", "unsafe", changes) if changes else None


def mode_applied(story: Story, event: ModeMisused) -> Cure | None:
    """The call that was meant: parentheses behind the method, or `eval()` for the assignment of False."""
    found = sites.site(story, event.where.place, ir.Attribute)
    if found is None or not isinstance(found.node, ir.Attribute):
        return None
    node = found.node
    if event.kind == "not called":
        statement = found.statement
        if not isinstance(statement, ir.ExprStmt) or statement.end != node.end:
            return None
        behind = found.place(ir.Name(node.end, node.end, ""))
        return Cure(f"call `{event.attribute}()`", "safe", (Edit(behind, "()"),))
    assignment = found.statement
    if not isinstance(assignment, ir.Assign) or assignment.targets != (node,) or assignment.annotation is not None:
        return None
    value = assignment.value
    if not isinstance(value, ir.Const) or not isinstance(value.value, bool) or value.end != assignment.end:
        return None
    wanted = value.value is not (node.attr == "eval")
    method = "train" if wanted else "eval"
    whole = found.place(ir.Name(node.at, assignment.end, ""))
    return Cure(f"call `{method}()`", "safe", (Edit(whole, f"{method}()"),))
