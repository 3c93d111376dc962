"""Whether a batch norm keeps running statistics: said when it is built, or switched later on.

Facts, torch 2.13, "_BatchNorm": built with `track_running_stats=False` it has no buffers and uses the batch in both modes;
set afterwards it goes on using its buffers in eval mode, and in train mode no longer updates them.
"""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story.events import MomentumSet, TrackingSet
from bnlint.story.framework import Args
from bnlint.story.frameworks.torch import networks
from bnlint.story.frameworks.torch.known import BATCH_NORMS
from bnlint.story.libraries import is_norm_class
from bnlint.story.lineage import library_names
from bnlint.story.machine import Run
from bnlint.story.values import Const, Lib, Obj, Value, options, truth

TRACKING = "track_running_stats"
BUFFERS = ("running_mean", "running_var")
WITHOUT = "#without_statistics"
"""slot of a batch norm that was built to keep none"""


def given(made: Obj, args: Args) -> None:
    """Keep on a new batch norm whether it was told to keep no statistics."""
    names = [made.lib] if made.lib else [base.name for base in made.cls.order if isinstance(base, Lib)]  # type: ignore[union-attr]
    if not any(name in BATCH_NORMS and name.startswith("torch.nn.") for name in names):
        return
    flag = args.get(3 if "Lazy" in names[0] else 4, TRACKING)
    if type(flag) is Const and flag.value is False:
        made.slots[WITHOUT] = "assumed" if flag.assumed else "certain"


def assigned(run: Run, owner: Value, attr: str, value: Value, node: ir.Expr) -> None:
    """`norm.track_running_stats = ...`, `norm.running_mean = None`, `norm.momentum = ...`"""
    if attr == "momentum":
        for option in options(owner):
            own_convention = isinstance(option, Obj) and not any(is_norm_class(name) for name in library_names(option))
            if not own_convention and isinstance(option, Obj) and networks.is_norm(run, option):
                run.emit(MomentumSet, node, norm=option, value=value)
    if attr != TRACKING and not (attr in BUFFERS and type(value) is Const and value.value is None):
        return
    for option in options(owner):
        if isinstance(option, Obj) and networks.is_module(option) and networks.is_norm(run, option):
            removed = attr != TRACKING
            run.emit(TrackingSet, node, norm=option, flag=None if removed else truth(value), removed=removed)
