"""What a tensor is that a program makes up itself: the reference of a token of the kind "noise" or "constant"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Made:
    """A tensor made by `torch.randn(1, 3, 224, 224)` and its like.

    name: the function; sizes: the axes, None for one that is not written down as a number.
    """

    serial: int
    name: str
    sizes: tuple[int | None, ...]
