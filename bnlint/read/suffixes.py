"""The names of files that are read as something else than Python, for rooms that need not know how."""

from __future__ import annotations

NOTEBOOK = ".ipynb"
PROTOTXT = ".prototxt"
