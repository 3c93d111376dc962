"""Batch norms that are built and never called: an attribute that nothing reads once the owner's `forward` ran to its end.

That no forward came by is not enough, for another option, entry point or subclass may take another path. So the text is
asked as well: no method of the class, of its bases and of what is derived from it may read the attribute, nothing may
read one of this name of another object, and no text of the file may name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bnlint.findings import Place
from bnlint.program import model as ir
from bnlint.story import reads
from bnlint.story.events import Unused
from bnlint.story.frameworks.torch.known import BATCH_NORMS
from bnlint.story.machine import Run
from bnlint.story.nesting import children
from bnlint.story.values import Cls, Const, Data, Func, Lib, Obj, Value

PLAIN_BASES = frozenset({
    "torch.nn.Module", "torch.jit.ScriptModule", "lightning.LightningModule", "abc.ABC", "builtins.object", "typing.Generic",
})  # fmt: skip
"""library classes that call no part of a module by themselves"""


def look(run: Run, owner: Obj, own: Func, norms: Sequence[tuple[str, Obj]], result: Value) -> None:
    """The `forward` of an owner has ended, and gave `result`; `norms` are the attributes that hold a batch norm directly."""
    told: set[tuple[int, str]] = run.state.setdefault("unused", set())
    met = run.norms[-1] if run.norms else {}
    cls = owner.cls
    left = [
        (name, norm)
        for name, norm in norms
        if id(norm) not in met and norm.lib in BATCH_NORMS and (id(cls), name) not in told
    ]
    if not left or not isinstance(cls, Cls) or not isinstance(own.node, ir.Function) or run.story.exhausted:
        return
    if (type(result) is Const and result.value is None) or (type(result) is Data and result.kind == "never"):
        return  # a stub
    held = [id(part) for part in children(owner)]
    for name, norm in left:
        told.add((id(cls), name))
        if held.count(id(norm)) == 1 and named_in(run, cls, norm) and not read(run, cls, name):
            ends = name_of(run, own)
            event = run.emit(Unused, own.node, norm=norm, owner=owner, attribute=name, forward=ends)
            if norm.site is not None:
                event.where = replace(event.where, place=norm.site)


def name_of(run: Run, own: Func) -> Place:
    """Where a method's name stands."""
    node = own.node
    assert isinstance(node, ir.Function)
    return run.place(ir.Name(node.at, node.at + len(node.name), node.name), own.scope.module)


def named_in(run: Run, cls: Cls, norm: Obj) -> bool:
    """Whether a batch norm was built by the text of the class itself, or of a base: not by a function that others use, too."""
    site = norm.site
    for base in cls.order:
        if isinstance(base, Cls) and site is not None and site.path == str(base.module.path):
            rows = [base.module.offsets.place(offset)[0] for offset in (base.node.start, base.node.end)]
            if rows[0] <= site.row <= rows[1]:
                return True
    return False


def read(run: Run, cls: Cls, name: str) -> bool:
    """Whether anything of the project may read this attribute of an instance of the class."""
    if any(isinstance(base, Lib) and base.name not in PLAIN_BASES for base in cls.order):
        return True
    run.whole = True
    texts: reads.Texts = run.profiles.setdefault("reads", reads.Texts(run.project.programs))
    family = [base for base in cls.order if isinstance(base, Cls)]
    for base in family:
        found = texts.of_class(base.node)
        if found.computed or name in found.own or name in found.foreign:
            return True
    if name in texts.whole().foreign:
        return True
    for base in family:
        if name in texts.of_file(base.module.path).words:
            return True
        derived = [texts.of_class(each) for each in texts.descendants(base.name)]
        if any(found.computed or name in found.own for found in derived):
            return True
    return False
