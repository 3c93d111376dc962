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


LONG = "value = function(" + ", ".join(f"argument_{n}" for n in range(9)) + ")"
BOTH = f"""First sentence.

## What it looks like

- one `code that stays whole` among words that are wrapped where the width ends
  and go on

## Bad

```python
import torch
{LONG}
```

## Good

```python
import torch
value = function()
```
"""


def in_terminal(page: str, **options: bool) -> list[str]:
    return render(
        [Rule("BN901", "some-name", "warning", False, (), lambda story: iter(()), page)], "text", width=40, **options
    ).splitlines()


def test_prose_is_wrapped_between_words_and_not_within_code() -> None:
    lines = in_terminal(BOTH)
    assert "- one `code that stays whole` among" in lines
    assert "  words that are wrapped where the width" in lines


def test_no_line_of_a_program_is_broken() -> None:
    assert f"  - {LONG}" in in_terminal(BOTH)


def test_lines_that_differ_between_wrong_and_right_are_marked() -> None:
    lines = in_terminal(BOTH)
    assert lines.count("    import torch") == 2
    assert "  + value = function()" in lines


def test_headings_are_underlined_where_there_is_no_colour() -> None:
    lines = in_terminal(BOTH)
    assert lines[:2] == ["some-name (BN901)", "================="]
    assert lines[lines.index("Bad") + 1] == "---"


def test_colour_takes_the_place_of_backticks_and_underlines() -> None:
    text = "\n".join(in_terminal(BOTH, color=True))
    assert "\x1b[36mcode that stays whole\x1b[0m" in text
    assert "`" not in text
    assert "---" not in text
