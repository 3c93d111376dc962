"""Where to cure a mistake whose statement also runs when all is well: at the call that leads there.

A method that training and evaluation share is no place for `eval()`; the loop that calls it to evaluate is.
"""

from __future__ import annotations

from bnlint.judging import sites
from bnlint.judging.sites import Site
from bnlint.program import model as ir
from bnlint.story import Story
from bnlint.story.events import Forward


def evaluating(story: Story, forward: Forward, shared: list[Forward], site: Site, receiver: str) -> tuple[Site, str] | None:
    """The call that leads to a forward only to evaluate, and what the network is called there.

    shared: the forwards at the same place, some of which train; site, receiver: where it stands, and the network's name there.
    """
    calls = forward.where.calls
    trained = {place for other in shared if "training" in other.purposes for place in other.where.calls}
    if not calls or calls[-1] in trained or calls[-1].path != site.file:
        return None
    found = sites.call_site(story, calls[-1])
    name = named_by_caller(site, receiver, found[1]) if found is not None else None
    return (found[0], name) if found is not None and name is not None else None


def named_by_caller(site: Site, receiver: str, call: ir.Call) -> str | None:
    """What the caller of the function around a site calls what is `receiver` there; None where it is no parameter of it."""
    around = [node for node in site.path if isinstance(node, ir.Function | ir.Class | ir.Lambda)]
    function = around[-1] if around else None
    root, dot, rest = receiver.partition(".")
    if not isinstance(function, ir.Function) or function.generator or sites.binds(function, receiver) or function.decorators:
        return None
    owned = len(around) > 1 and isinstance(around[-2], ir.Class)
    if owned != isinstance(call.func, ir.Attribute) or any(arg.star for arg in call.args):
        return None
    positions = [param.name for param in function.params.items if param.kind in ("positional", "plain")]
    if owned and positions[:1] == [root] and isinstance(call.func, ir.Attribute):
        given: ir.Expr | None = call.func.value
    else:
        listed = [arg.value for arg in call.args if arg.keyword is None]
        given = dict(zip(positions[owned:], listed, strict=False)).get(root)
        given = next((arg.value for arg in call.args if arg.keyword == root), given)
    name = sites.dotted(given) if given is not None else None
    return None if name is None else f"{name}{dot}{rest}"
