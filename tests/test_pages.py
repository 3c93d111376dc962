"""A rule's page is true: what it calls bad is reported, what it calls good is not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from bnlint.rule import Rule
from bnlint.rulebook import load_file, load_rules, rule_files
from tests.linting import CHECKOUT, lint

FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
SECTION = re.compile(r"^## +(.+?) *$", re.MULTILINE)
SECTIONS = ["What it looks like", "Why it hurts", "Bad", "Good", "Silent when", "Right on purpose", "Fix", "Source", "Measured"]


def section(page: str, heading: str) -> str:
    """What stands below the heading, up to the next one."""
    parts = SECTION.split(inspect.cleandoc(page))
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(heading, "").strip()


def blocks(page: str, heading: str) -> list[str]:
    """The python fences below the heading, up to the next one."""
    return FENCE.findall(section(page, heading) + "\n")


def examples(heading: str) -> list[tuple[Rule, str]]:
    return [(rule, block) for rule in load_rules() for block in blocks(rule.page, heading)]


def example_ids(heading: str) -> list[str]:
    numbers: dict[str, int] = {}
    ids = []
    for rule, _ in examples(heading):
        numbers[rule.code] = numbers.get(rule.code, 0) + 1
        ids.append(f"{rule.code}-{heading.lower()}-{numbers[rule.code]}")
    return ids


def codes_in(block: str, folder: Path) -> set[str]:
    # a folder of its own name: a page is no test, and must not be taken for one by the name of the folder
    project = folder.resolve() / "page"
    project.mkdir()
    (project / "train.py").write_text(block, "utf-8")
    return {finding.code for finding in lint(project).findings}


@pytest.mark.parametrize(("rule", "block"), examples("Bad"), ids=example_ids("Bad"))
def test_bad_example_of_a_page_is_reported(rule: Rule, block: str, tmp_path: Path) -> None:
    assert rule.code in codes_in(block, tmp_path)


@pytest.mark.parametrize(("rule", "block"), examples("Good"), ids=example_ids("Good"))
def test_good_example_of_a_page_is_not_reported(rule: Rule, block: str, tmp_path: Path) -> None:
    found = codes_in(block, tmp_path)
    assert rule.code not in found
    assert "BN001" not in found, "the example does not parse"


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_page_shows_the_wrong_and_the_right_way(path: Path) -> None:
    page = load_file(path).__doc__ or ""
    assert blocks(page, "Bad"), "no python block below '## Bad'"
    assert len(blocks(page, "Bad")) == len(blocks(page, "Good")), "each wrong program has a right one beside it"


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_pages_have_the_same_sections_in_the_same_order(path: Path) -> None:
    assert SECTION.findall(load_file(path).__doc__ or "") == SECTIONS


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_page_says_how_to_silence_its_own_rule_and_no_other(path: Path) -> None:
    page = load_file(path).__doc__ or ""
    assert set(re.findall(r"`# bnlint: ignore\[(\w+)\] reason`", section(page, "Right on purpose"))) <= {path.stem[:5].upper()}
    assert "ignore[" not in page.replace(section(page, "Right on purpose"), "")


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_page_says_of_a_fix_what_the_fixtures_show(path: Path) -> None:
    text = section(load_file(path).__doc__ or "", "Fix")
    fixed = any((CHECKOUT / "fixtures" / path.stem).rglob("*.fixed.py"))
    assert text.startswith("`bnlint check --fix" if fixed else "`--fix` does not change this"), text
