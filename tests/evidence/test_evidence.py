"""Each page's Measured line is borne out by a run of the programs behind it, and no rule is without one or a reason.

    python -m pytest tests/evidence -m evidence -k torch

The programs of a framework that is not installed are skipped; `pip install -e '.[evidence]'` installs them all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bnlint.rulebook import rule_files
from tests.evidence import claims, programs
from tests.evidence.claims import Claim
from tests.evidence.judging import contradiction, same_direction
from tests.evidence.programs import Pair
from tests.linting import marks

RULE_FILES = {pair: path for path in rule_files() for pair in programs.pairs_of(path)}


def case_id(pair: Pair) -> str:
    return f"{pair}-{'-'.join(programs.needs(pair.bad))}"


@pytest.mark.evidence
@pytest.mark.parametrize("pair", RULE_FILES, ids=case_id)
def test_page_says_what_its_programs_show(pair: Pair) -> None:
    if lacking := programs.missing(pair):
        pytest.skip(f"{' and '.join(lacking)} not installed")
    rule_file = RULE_FILES[pair]
    page = claims.claims(rule_file)[programs.pairs_of(rule_file).index(pair)]
    assert contradiction(page, programs.show(pair)) is None


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_each_line_of_a_page_has_a_pair_of_programs_that_is_run(path: Path) -> None:
    pairs, said = programs.pairs_of(path), claims.claims(path)
    assert len(pairs) == len(said), "run: python -m tests.evidence --write"
    assert all(claim.bad != claim.good for claim in said)


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_rule_has_a_measured_line_or_says_why_not(path: Path) -> None:
    assert claims.proves_itself(path), "neither a Measured line nor a reason: see tests/evidence/claims.py"


def test_a_page_without_a_line_or_with_a_figure_alone_does_not_prove_its_rule(tmp_path: Path) -> None:
    page = tmp_path / "bn999_page.py"
    for measured, proven in (
        ("Test accuracy .5 against .9 in a single experiment.", False),
        ("Not shown on one CPU:", False),
        ("Not shown on one CPU: it takes several GPUs.", True),
        (str(PAGE), True),
    ):
        page.write_text(f'"""A page.\n\n## Measured\n\n{measured}\n"""\n', "utf-8")
        assert claims.proves_itself(page) == proven
    page.write_text('"""A page."""\n', "utf-8")
    assert not claims.proves_itself(page)


@pytest.mark.parametrize("pair", RULE_FILES, ids=str)
def test_the_bad_program_is_reported_by_its_rule_and_the_good_one_is_not(pair: Pair, tmp_path: Path) -> None:
    """Their comments say so; that they are true is what the fixtures are tested for."""
    for program, reported in ((pair.bad, True), (pair.good, False)):
        folder = tmp_path / program.stem
        folder.mkdir()
        (folder / program.name).write_text(program.read_text("utf-8"), "utf-8")
        assert any(mark.code == pair.code for mark in marks(folder, "expect")) == reported


PAGE = Claim("Accuracy", "0.300", "0.700", "torch 2.13.0")


def shown(bad: str, good: str) -> str | None:
    return contradiction(PAGE, Claim("Accuracy", bad, good, "torch 2.13.0"))


def test_a_run_may_move_by_a_quarter_of_the_damage() -> None:
    assert shown("0.350", "0.680") is None
    assert shown("0.450", "0.700") == "bad is 0.450 here, 0.300 on the page"


def test_a_plain_0_is_exact_and_so_is_a_word() -> None:
    drift = Claim("Drift", "0.580", "0", "torch 2.13.0")
    assert contradiction(drift, Claim("Drift", "0.6", "0", "")) is None
    assert contradiction(drift, Claim("Drift", "0.6", "0.01", "")) is not None
    raising = Claim("Last batch", "ValueError", "trained", "torch 2.13.0")
    assert contradiction(raising, Claim("Last batch", "ValueError", "trained", "")) is None
    assert contradiction(raising, Claim("Last batch", "RuntimeError", "trained", "")) is not None


def test_other_seeds_must_point_the_same_way() -> None:
    assert same_direction(PAGE, Claim("Accuracy", "0.500", "0.600", ""))
    assert not same_direction(PAGE, Claim("Accuracy", "0.600", "0.500", ""))
    assert same_direction(Claim("Largest value", "inf", "8", ""), Claim("Largest value", "inf", "7", ""))


def test_lines_of_a_page_are_written_above_its_prose(tmp_path: Path) -> None:
    page = tmp_path / "bn999_page.py"
    page.write_text('"""A page.\n\n## Measured\n\nSome prose.\n"""\n\nx = 1\n', "utf-8")
    claims.write(page, [PAGE])
    seeded = claims.with_others(PAGE, [Claim("Accuracy", "0.310", "0.720", ""), Claim("Accuracy", "0.290", "0.690", "")])
    claims.write(page, [seeded])
    assert claims.claims(page) == [seeded]
    assert claims.measured(page) == (
        "Accuracy: 0.300 bad, 0.700 good (torch 2.13.0).\nOther seeds: 0.310, 0.290 bad, 0.720, 0.690 good.\n\nSome prose."
    )
    assert page.read_text("utf-8").endswith('Some prose.\n"""\n\nx = 1\n')
