"""What bnlint tells of programs is what PyTorch does when they run: generated programs, and the fixtures that run alone.

Needs PyTorch (any build, the CPU is enough) and NumPy; `python -m tests.reality 2000` runs thousands of programs, and
`python -m tests.reality fixtures` all fixtures.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare the story with")
pytest.importorskip("numpy", reason="NumPy is not installed: some programs turn tensors into arrays")
pytest.importorskip("hypothesis", reason="hypothesis is not installed: it writes the programs")

from tests.reality import checking, fixtures

pytestmark = pytest.mark.reality

PROGRAMS, SEED = 40, 7
SMALL = ("bn202", "bn203", "bn208", "bn405")
QUICK = [subject for subject in fixtures.subjects() if subject.name.startswith(SMALL)]
"""those of the rules that ask for modes"""


def test_generated_programs_do_what_is_told_of_them() -> None:
    """Soundness only: a share of so few places says nothing, the command asks for precision over thousands of programs."""
    assert checking.campaign(PROGRAMS, SEED).counterexamples == []


@pytest.mark.parametrize("subject", QUICK, ids=lambda subject: subject.name)
def test_a_fixture_does_what_is_told_of_it(subject: fixtures.Subject) -> None:
    outcome = fixtures.check(subject)
    if outcome.verdict is None:
        pytest.skip(outcome.ended)
    assert outcome.verdict.unsound == []
