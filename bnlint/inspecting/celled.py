"""The map of notebooks: rows of their programs, which the stories count, as rows of their cells, which people see."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from bnlint.cells import Cells, place_in_cell
from bnlint.findings import Place

T = TypeVar("T")


def celled(value: T, notebooks: Cells) -> T:
    """A part of the map with each place in the cell that it lies in."""
    result: Any = value
    if not notebooks:
        return value
    if isinstance(value, Place):
        result = place_in_cell(value, notebooks)
    elif isinstance(value, tuple):
        result = tuple(celled(each, notebooks) for each in value)
    elif is_dataclass(value) and not isinstance(value, type):
        result = replace(value, **{each.name: celled(getattr(value, each.name), notebooks) for each in fields(value)})
    converted: T = result
    return converted
