"""What a file is for, by the names that tools look for."""

from __future__ import annotations

from pathlib import Path


def is_test_file(path: Path) -> bool:
    """Whether test runners, or those who keep to their customs, take a file for test code."""
    name = path.name
    if name.startswith("test_") or "tests" in path.parts[-3:-1]:
        return True
    return name.endswith(("_test.py", "_test_util.py", "_test_utils.py")) or name == "conftest.py"
