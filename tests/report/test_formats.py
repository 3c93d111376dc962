"""What each output format says about the same outcome."""

from __future__ import annotations

import json

import pytest

from bnlint.report import render
from bnlint.report.closing import closing
from tests.report.outcomes import BASE, finding, insertion, outcome, place

KEYS = {
    "code", "name", "message", "severity", "confidence", "filename", "location", "end_location", "cell", "trace", "fix", "url",
}  # fmt: skip


def test_concise_is_one_line_with_place_code_and_confidence() -> None:
    assert render("concise", outcome(finding()), BASE) == "train.py:4:8: BN201 [certain] evaluated in train mode\n"


def test_concise_names_the_cell_of_a_notebook() -> None:
    text = render("concise", outcome(finding(at=place("/project/a.ipynb", row=2, cell=5))), BASE)
    assert text.startswith("a.ipynb:cell 5:2:8: ")


def test_file_outside_the_working_directory_is_named_absolutely() -> None:
    assert render("concise", outcome(finding(at=place("/elsewhere/x.py"))), BASE).startswith("/elsewhere/x.py:4:8: ")


def test_json_of_nothing_is_an_empty_array() -> None:
    assert render("json", outcome(), BASE) == "[]\n"


def test_json_has_every_key_and_null_where_there_is_nothing() -> None:
    (row,) = json.loads(render("json", outcome(finding()), BASE))
    assert set(row) == KEYS
    assert row["fix"] is None
    assert row["cell"] is None
    assert row["filename"] == "train.py"
    assert row["location"] == {"row": 4, "column": 8}
    assert row["end_location"] == {"row": 4, "column": 14}
    assert row["trace"][0] == {
        "message": "built with BatchNorm2d here",
        "filename": "models.py",
        "location": {"row": 3, "column": 19},
        "cell": None,
    }


def test_json_carries_the_edits_of_a_fix() -> None:
    (row,) = json.loads(render("json", outcome(finding(fix=insertion())), BASE))
    assert row["fix"] == {
        "applicability": "unsafe",
        "message": "insert net.eval()",
        "edits": [{"location": {"row": 3, "column": 1}, "end_location": {"row": 3, "column": 1}, "content": "net.eval()\n"}],
    }


def test_full_marks_the_place_and_numbers_the_trace() -> None:
    text = render("full", outcome(finding(fix=insertion())), BASE)
    assert text == (
        "error[BN201] eval-in-train-mode (certain): evaluated in train mode\n"
        "  --> train.py:4:8\n"
        "  |\n"
        "2 | net.train()\n"
        "3 | for x in validation:\n"
        "4 |  out = net(x)\n"
        "  |        ^^^^^^\n"
        "  because\n"
        "    1. models.py:3:19: built with BatchNorm2d here\n"
        "         | self.bn = BatchNorm2d(8)\n"
        "    2. train.py:2:8: put in train mode\n"
        "         | net.train()\n"
        "  help: insert net.eval() (unsafe fix)\n"
        "\n"
    )


def test_full_without_colour_has_no_escape_sequences_and_with_colour_the_same_text() -> None:
    import re

    plain, coloured = (render("full", outcome(finding()), BASE, color=color) for color in (False, True))
    assert "\x1b" not in plain
    assert "\x1b" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_full_survives_a_place_beyond_the_text() -> None:
    assert "train.py:99:1" in render("full", outcome(finding(at=place(row=99, column=1))), BASE)


def test_full_takes_messages_literally() -> None:
    message = "evaluated [bold]now[/bold] :smile:"
    assert message in render("full", outcome(finding(message=message)), BASE)


def test_github_escapes_what_has_a_meaning_in_workflow_commands() -> None:
    text = render("github", outcome(finding(at=place("/project/a,b:c.py"), message="100% of\nit")), BASE)
    assert text.startswith(
        "::error title=bnlint BN201 eval-in-train-mode [certain],file=a%2Cb%3Ac.py,line=4,endLine=4,col=8,endColumn=13::"
    )
    assert "100%25 of%0Ait%0A1. models.py:3:19: built with BatchNorm2d here" in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("output_format", ["full", "concise", "github"])
def test_formats_print_nothing_for_nothing(output_format: str) -> None:
    assert render(output_format, outcome(), BASE) == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (outcome(finding(), finding()), "Found 2 findings (2 errors)"),
        (outcome(finding(), hidden=3), "Found 1 finding (1 error); 3 possible findings hidden: --min-confidence possible"),
        (
            outcome(hidden=1),
            "Nothing to report in 1 file: 1 network with batch norm followed; "
            "1 possible finding hidden: --min-confidence possible",
        ),
        (outcome(files=0, with_batch_norm=0), "Nothing to check: no Python files found"),
        (outcome(files=7, with_batch_norm=0), "Nothing to report: no batch norm found in 7 files"),
        (
            outcome(files=3, with_batch_norm=2, networks=0),
            "Nothing to report in 3 files: batch norm is named in 2 files, but no network that holds one is seen to run",
        ),
        (
            outcome(exhausted=("train.py: main",)),
            "Nothing to report in 1 file: 1 network with batch norm followed; "
            "the analysis budget ran out in 1 entry point, which may hide findings",
        ),
    ],
)
def test_closing_line_says_what_was_found_or_why_there_is_nothing(given: object, said: str) -> None:
    assert closing(given) == said  # type: ignore[arg-type]


def test_verbose_closing_names_the_entry_points_that_ran_out_of_budget() -> None:
    assert closing(outcome(exhausted=("train.py: main",)), verbose=True).endswith("\n  budget ran out: train.py: main")
