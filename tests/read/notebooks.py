"""Makes notebooks for tests."""

from __future__ import annotations

import json
from typing import Any


def code(source: str, **more: Any) -> dict[str, Any]:
    return {
        "cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source.splitlines(True), **more,
    }  # fmt: skip


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(True)}


def notebook(*cells: dict[str, Any] | str, metadata: dict[str, Any] | None = None) -> bytes:
    """A notebook of nbformat 4 as Jupyter writes it; of a string it makes a code cell."""
    made = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    record = {"cells": made, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()
