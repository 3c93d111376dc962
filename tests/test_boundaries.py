"""One mistake, one report."""

from __future__ import annotations

from bnlint.boundaries import Claim, one_per_mistake
from bnlint.findings import Confidence, Finding, Place


def claim(code: str, row: int = 5, *, about: str = "", sure: Confidence = "likely", default: bool = True) -> Claim:
    finding = Finding(code, "name", "message", "error", sure, Place("/p/a.py", row, 1, row, 9), default=default)
    return Claim(finding, frozenset({about} if about else ()))


def kept(*claims: Claim) -> list[str]:
    return [claim.finding.code for claim in one_per_mistake(claims)]


def test_the_specific_report_silences_the_general_one_at_its_place() -> None:
    assert kept(claim("BN201"), claim("BN203")) == ["BN203"]


def test_a_mistake_elsewhere_in_the_program_is_reported_beside_it() -> None:
    assert kept(claim("BN201", row=5, about="net"), claim("BN203", row=9, about="net")) == ["BN201", "BN203"]


def test_one_cause_seen_at_two_places_is_one_report() -> None:
    assert kept(claim("BN201", row=5, about="net"), claim("BN402", row=9, about="net")) == ["BN402"]
    assert kept(claim("BN201", row=5, about="net"), claim("BN402", row=9, about="other")) == ["BN201", "BN402"]


def test_a_less_sure_report_silences_nothing() -> None:
    assert kept(claim("BN201", sure="certain"), claim("BN203", sure="likely")) == ["BN201", "BN203"]


def test_a_report_that_is_off_by_default_does_not_hide_one_that_is_on() -> None:
    assert kept(claim("BN302", about="net", default=False), claim("BN701", about="net")) == ["BN302", "BN701"]


def test_of_three_descriptions_the_most_specific_one_stays() -> None:
    assert kept(claim("BN101", about="op"), claim("BN103", about="op"), claim("BN102", about="op")) == ["BN102"]


def test_different_mistakes_at_one_place_are_both_reported() -> None:
    assert kept(claim("BN901"), claim("BN305")) == ["BN901", "BN305"]
