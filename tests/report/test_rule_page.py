"""How a rule's page is printed."""

from __future__ import annotations

import json

from bnlint.report.rule_page import markdown, render, summary
from bnlint.rule import Rule

PAGE = "First\nsentence.\n\n## Bad\n\n```python\nx = 1\n```\n"
RULE = Rule("BN901", "some-name", "warning", False, ("torch",), lambda story: iter(()), PAGE)


def test_markdown_page_begins_with_name_code_and_facts() -> None:
    assert markdown(RULE).startswith("# some-name (BN901)\n\n*warning, off by default, torch*\n\nFirst\nsentence.")


def test_summary_is_the_first_paragraph_as_one_line() -> None:
    assert summary(RULE) == "First sentence"


def test_json_of_one_rule_is_an_object_and_of_all_an_array() -> None:
    assert json.loads(render([RULE], "json"))["code"] == "BN901"
    assert [row["name"] for row in json.loads(render([RULE], "json", many=True))] == ["some-name"]


def test_text_page_without_colour_has_no_escape_sequences() -> None:
    text = render([RULE], "text")
    assert "\x1b" not in text
    assert "x = 1" in text
