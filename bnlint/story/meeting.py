"""The batch norms that a forward has run through so far: one that ran twice in different modes ran in either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bnlint.story.events import NormUse


def meet(met: dict[int, NormUse], uses: Iterable[NormUse]) -> None:
    """Add uses to those by the identity of the norm; the later one of a norm stands for both."""
    for use in uses:
        known = met.get(id(use.norm))
        if known is not None and known.modes is not use.modes:
            names = {mode.name for mode in use.modes}
            other = frozenset(mode for mode in known.modes if mode.name not in names)
            if other:
                use = replace(use, modes=use.modes | other)
        met[id(use.norm)] = use
