"""Which selector wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnlint.builtin import BUILTIN
from bnlint.rule import Rule
from bnlint.select import FileIgnores, Selection, Selectors, UnknownSelector, find_rule, parse_selectors

CATALOGUE = (
    *BUILTIN,
    *(
        Rule(code, name, "error", default, ("torch",), lambda story: iter(()), "")
        for code, name, default in [
            ("BN201", "eval-in-train-mode", True),
            ("BN202", "train-mode-not-restored", True),
            ("BN301", "batch-of-one", True),
            ("BN611", "unused-batch-norm", False),
        ]
    ),
)
EVERY = ["BN201", "BN202", "BN301", "BN611"]


def shown(*sources: Selectors) -> list[str]:
    selection = Selection(CATALOGUE, sources)
    return [rule.code for rule in CATALOGUE if rule not in BUILTIN and selection.shows(rule.code, rule.default, "/p/a.py")]


def test_without_selectors_the_defaults_are_shown() -> None:
    assert shown() == ["BN201", "BN202", "BN301"]


@pytest.mark.parametrize(
    ("sources", "codes"),
    [
        ([Selectors(select=("ALL",))], EVERY),
        ([Selectors(select=("BN2",))], ["BN201", "BN202"]),
        ([Selectors(select=("unused-batch-norm",))], ["BN611"]),
        ([Selectors(select=())], []),
        ([Selectors(extend_select=("BN611",))], EVERY),
        ([Selectors(ignore=("batch-of-one",))], ["BN201", "BN202"]),
    ],
)
def test_a_selector_is_a_code_a_prefix_a_name_or_all(sources: list[Selectors], codes: list[str]) -> None:
    assert shown(*sources) == codes


@pytest.mark.parametrize(
    ("sources", "codes"),
    [
        ([Selectors(select=("BN201",), ignore=("BN2",))], ["BN201"]),
        ([Selectors(select=("BN2",), ignore=("BN201",))], ["BN202"]),
        ([Selectors(select=("ALL",), ignore=("BN2",))], ["BN301", "BN611"]),
        ([Selectors(select=("BN20",), ignore=("BN2",))], ["BN201", "BN202"]),
    ],
)
def test_the_more_specific_selector_wins(sources: list[Selectors], codes: list[str]) -> None:
    assert shown(*sources) == codes


def test_ignoring_wins_over_selecting_at_equal_length() -> None:
    assert shown(Selectors(select=("BN201", "BN202"), ignore=("eval-in-train-mode",))) == ["BN202"]


def test_the_command_line_wins_over_the_file() -> None:
    assert shown(Selectors(ignore=("BN201",)), Selectors(extend_select=("BN201",))) == ["BN201", "BN202", "BN301"]
    assert shown(Selectors(select=("BN2",)), Selectors(select=("BN3",))) == ["BN301"]


def test_ignoring_in_the_file_holds_beside_a_broader_selection_on_the_command_line() -> None:
    assert shown(Selectors(ignore=("BN201",)), Selectors(select=("ALL",))) == ["BN202", "BN301", "BN611"]


def test_a_finding_that_is_off_by_its_own_default_is_shown_when_its_rule_is_named() -> None:
    assert not Selection(CATALOGUE, ()).shows("BN201", False, "/p/a.py")
    for selector in ("BN201", "BN2", "ALL", "eval-in-train-mode"):
        assert Selection(CATALOGUE, (Selectors(select=(selector,)),)).shows("BN201", False, "/p/a.py")


def test_of_the_built_in_codes_only_the_unused_suppression_can_be_ignored() -> None:
    selection = Selection(CATALOGUE, (Selectors(select=("BN201",)),))
    assert all(selection.shows(rule.code, True, "/p/a.py") for rule in BUILTIN)
    ignoring = Selection(CATALOGUE, (Selectors(ignore=("BN001", "BN002", "BN003")),))
    assert [ignoring.shows(rule.code, True, "/p/a.py") for rule in BUILTIN] == [True, True, False]


def test_per_file_ignores_match_like_gitignore_below_their_base() -> None:
    per_file = [FileIgnores(Path("/p"), "tests/*", ("BN2",)), FileIgnores(Path("/p"), "demo.py", ("ALL",))]
    selection = Selection(CATALOGUE, (), per_file)
    assert not selection.shows("BN201", True, "/p/tests/a.py")
    assert selection.shows("BN301", True, "/p/tests/a.py")
    assert selection.shows("BN201", True, "/p/src/a.py")
    assert not selection.shows("BN201", True, "/p/deep/down/demo.py")
    assert selection.shows("BN001", True, "/p/demo.py")


@pytest.mark.parametrize(
    ("selector", "meant"), [("BN-611", "BN611"), ("eval-in-training-mode", "eval-in-train-mode"), ("all", "ALL"), ("BN999", None)]
)
def test_an_unknown_selector_is_refused_with_a_guess(selector: str, meant: str | None) -> None:
    with pytest.raises(UnknownSelector) as caught:
        Selection(CATALOGUE, (Selectors(select=(selector,)),))
    assert repr(selector) in str(caught.value)
    if meant:
        assert f"did you mean {meant!r}?" in str(caught.value)


def test_a_rule_is_found_in_any_case_of_letters() -> None:
    assert find_rule("bn201", CATALOGUE).name == "eval-in-train-mode"


def test_lists_of_selectors_are_separated_by_commas() -> None:
    assert parse_selectors("BN2, BN301,,ALL") == ("BN2", "BN301", "ALL")
