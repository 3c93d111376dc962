"""What bnlint tells of programs is what PyTorch does when they run: generated programs, and the fixtures that run alone.

Needs PyTorch (any build, the CPU is enough); `python -m tests.reality 2000` runs thousands of programs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare the story with")
pytest.importorskip("hypothesis", reason="hypothesis is not installed: it writes the programs")

from tests.reality import checking

pytestmark = pytest.mark.reality

PROGRAMS, SEED = 40, 7


def test_generated_programs_do_what_is_told_of_them() -> None:
    """Soundness only: a share of so few places says nothing, the command asks for precision over thousands of programs."""
    assert checking.campaign(PROGRAMS, SEED).counterexamples == []


@pytest.mark.parametrize("path", checking.QUICK, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_fixture_does_what_is_told_of_it(path: Path) -> None:
    verdict = checking.fixture(path)
    if isinstance(verdict, str):
        pytest.skip(verdict)
    assert verdict.unsound == []
