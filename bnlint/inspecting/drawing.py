"""The drawings of the map by name, so that only the one that is wanted gets imported."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from bnlint.inspecting.atlas import Atlas
from bnlint.outcome import Lines

_ROOMS = {
    "text": "bnlint.inspecting.as_tree",
    "json": "bnlint.inspecting.as_json",
    "mermaid": "bnlint.inspecting.as_mermaid",
    "svg": "bnlint.inspecting.as_svg",
}
DRAWINGS = tuple(_ROOMS)


def draw(drawing: str, atlas: Atlas, base: Path, lines: Lines, *, color: bool = False) -> str:
    """The map as text that ends with a line break, file names relative to `base`."""
    return cast(str, import_module(_ROOMS[drawing]).render(atlas, base, lines, color=color))
