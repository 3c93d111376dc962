"""The formats that other programs read: what each says about the same outcome, and that a document stays one when empty."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as xml

import pytest

from bnlint.config import OUTPUT_FORMATS
from bnlint.findings import Edit, Finding, Fix
from bnlint.report import _ROOMS, render
from bnlint.report.fingerprints import fingerprints
from bnlint.report.statistics import render as counts
from tests.report.outcomes import BASE, TEXTS, finding, insertion, outcome, place


def test_every_format_of_the_settings_has_a_room() -> None:
    assert set(_ROOMS) == set(OUTPUT_FORMATS)


def test_grouped_names_a_file_once_and_aligns_its_places() -> None:
    other = finding(at=place("/project/models.py", row=12, column=1))
    text = render("grouped", outcome(finding(at=place(row=4)), finding(at=place(row=104)), other), BASE)
    assert text == (
        "train.py:\n"
        "    4:8  BN201 eval-in-train-mode [certain] evaluated in train mode\n"
        "  104:8  BN201 eval-in-train-mode [certain] evaluated in train mode\n"
        "\n"
        "models.py:\n"
        "  12:1  BN201 eval-in-train-mode [certain] evaluated in train mode\n"
    )


def test_json_lines_are_the_objects_of_the_json_report_one_to_a_line() -> None:
    given = outcome(finding(), finding(message="a\nb\u2028c"))
    lines = render("json-lines", given, BASE).splitlines()
    assert [json.loads(line) for line in lines] == json.loads(render("json", given, BASE))


# --- SARIF -----------------------------------------------------------------------------------


def sarif(*findings: Finding) -> Any:
    (run,) = json.loads(render("sarif", outcome(*findings), BASE))["runs"]
    return run


def test_sarif_points_from_a_result_to_the_metadata_of_its_rule() -> None:
    run = sarif(finding())
    (result,) = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "BN201"
    assert rules[0]["help"]["markdown"].startswith("# eval-in-train-mode (BN201)")
    assert (result["level"], result["properties"]["confidence"]) == ("error", "certain")


def test_sarif_names_files_below_the_working_directory_by_a_relative_address() -> None:
    run = sarif(finding(at=place("/project/a b.py")), finding(at=place("/elsewhere/x.py")))
    below, outside = (result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"])
    assert below == {"uri": "a%20b.py", "uriBaseId": "%SRCROOT%"}
    assert outside == {"uri": "file:///elsewhere/x.py"}
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": "file:///project/"}}


def test_sarif_tells_the_trace_as_related_places_and_as_a_flow_that_ends_at_the_finding() -> None:
    (result,) = sarif(finding())["results"]
    texts = [step["message"]["text"] for step in result["relatedLocations"]]
    assert texts == ["built with BatchNorm2d here", "put in train mode"]
    flow = [step["location"] for step in result["codeFlows"][0]["threadFlows"][0]["locations"]]
    assert flow[-1]["message"]["text"] == "evaluated in train mode"
    assert flow[-1]["physicalLocation"] == result["locations"][0]["physicalLocation"]


def test_sarif_carries_the_edits_of_a_fix_by_file() -> None:
    (result,) = sarif(finding(fix=insertion()))["results"]
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "train.py"
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 1},
            "insertedContent": {"text": "net.eval()\n"},
        }
    ]


def test_sarif_gives_no_rows_of_a_notebook_cell_as_rows_of_the_file() -> None:
    (result,) = sarif(finding(at=place("/project/a.ipynb", row=2, cell=5)))["results"]
    (location,) = result["locations"]
    assert "region" not in location["physicalLocation"]
    assert location["logicalLocations"][0]["name"] == "cell 5, line 2"


def test_sarif_says_that_the_run_failed_when_bnlint_did() -> None:
    failed = replace(finding(), code="BN002", name="internal-error")
    assert sarif(finding())["invocations"] == [{"executionSuccessful": True}]
    assert sarif(failed)["invocations"] == [{"executionSuccessful": False}]


# --- GitLab, JUnit, reviewdog ----------------------------------------------------------------


def test_fingerprints_stay_when_the_line_moves_and_differ_between_findings_that_are_alike() -> None:
    here = outcome(finding(), finding())
    lower = [finding(at=place(row=6)), finding(at=place(row=6))]
    moved = replace(outcome(*lower), lines=lambda path, cell: ["", "", *TEXTS[path].split("\n")])
    assert fingerprints(here, BASE) == fingerprints(moved, BASE)
    assert len(set(fingerprints(here, BASE))) == 2


def test_gitlab_issue_has_the_fields_that_the_widget_needs() -> None:
    (issue,) = json.loads(render("gitlab", outcome(finding()), BASE))
    assert issue["severity"] == "major"
    assert issue["location"] == {"path": "train.py", "lines": {"begin": 4, "end": 4}}
    assert issue["check_name"] == "BN201"
    assert "1. models.py:3:19: built with BatchNorm2d here" in issue["content"]["body"]


def test_junit_holds_no_character_that_xml_cannot() -> None:
    root = xml.fromstring(render("junit", outcome(finding(message="a\x00b\x1b[1m <&\"> \ud800c")), BASE))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "a\ufffdb\ufffd[1m <&\"> \ufffdc"


def test_rdjson_counts_columns_in_bytes() -> None:
    given = replace(outcome(finding()), lines=lambda path, cell: ["", "", "", "é = 'ü'; net(x)"])
    (diagnostic,) = json.loads(render("rdjson", given, BASE))["diagnostics"]
    assert diagnostic["location"]["range"] == {"start": {"line": 4, "column": 10}, "end": {"line": 4, "column": 16}}
    assert diagnostic["severity"] == "ERROR"


def test_rdjson_suggests_a_fix() -> None:
    (diagnostic,) = json.loads(render("rdjson", outcome(finding(fix=insertion())), BASE))["diagnostics"]
    start = {"line": 3, "column": 1}
    assert diagnostic["suggestions"] == [{"range": {"start": start, "end": start}, "text": "net.eval()\n"}]


def test_rdjson_suggests_a_fix_in_several_places_as_one_with_what_stands_between() -> None:
    edits = (
        *insertion().edits,
        Edit(place(row=1, column=7, end_column=10), "make"),
        Edit(place(row=1, column=1, end_column=4), "model"),
    )
    (diagnostic,) = json.loads(render("rdjson", outcome(finding(fix=Fix("swap", "safe", edits))), BASE))["diagnostics"]
    assert diagnostic["suggestions"] == [
        {
            "range": {"start": {"line": 1, "column": 1}, "end": {"line": 3, "column": 1}},
            "text": "model = make()\nnet.train()\nnet.eval()\n",
        }
    ]


def test_rdjson_suggests_no_part_of_a_fix_that_reaches_into_another_file() -> None:
    edits = (*insertion().edits, Edit(place("/project/models.py", row=1, column=1, end_column=1), "x"))
    (diagnostic,) = json.loads(render("rdjson", outcome(finding(fix=Fix("swap", "safe", edits))), BASE))["diagnostics"]
    assert "suggestions" not in diagnostic


IN_CELL = place("/project/a.ipynb", row=2, cell=5)


@pytest.mark.parametrize(
    ("output_format", "said"),
    [
        ("grouped", "  cell 5:2:8  BN201"),
        ("sarif", '"text": "evaluated in train mode (cell 5, line 2)"'),
        ("gitlab", "evaluated in train mode (cell 5, line 2)"),
        ("junit", "(a.ipynb:cell 5:2:8)"),
        ("rdjson", "evaluated in train mode (eval-in-train-mode, certain) (cell 5, line 2)"),
    ],
)
def test_a_finding_in_a_notebook_names_its_cell(output_format: str, said: str) -> None:
    text = render(output_format, outcome(finding(at=IN_CELL)), BASE)
    assert said in text
    assert "(cell" not in render(output_format, outcome(finding()), BASE)


def test_a_row_of_a_cell_is_never_given_as_one_of_the_file() -> None:
    given = outcome(finding(at=IN_CELL))
    (issue,) = json.loads(render("gitlab", given, BASE))
    assert issue["location"] == {"path": "a.ipynb", "lines": {"begin": 1}}
    (diagnostic,) = json.loads(render("rdjson", given, BASE))["diagnostics"]
    assert diagnostic["location"] == {"path": "a.ipynb"}
    case = xml.fromstring(render("junit", given, BASE)).find(".//testcase")
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("a.ipynb", None)


@pytest.mark.parametrize("output_format", ["sarif", "gitlab", "junit", "rdjson"])
def test_a_document_stays_one_when_there_is_nothing_to_report(output_format: str) -> None:
    text = render(output_format, outcome(), BASE)
    if output_format == "junit":
        assert xml.fromstring(text).get("failures") == "0"
    else:
        assert json.loads(text) is not None


def test_statistics_count_the_most_frequent_rule_first() -> None:
    other = replace(finding(), code="BN101", name="missing-update-ops")
    given = outcome(other, *[finding()] * 10)
    assert counts("full", given) == "10  BN201  eval-in-train-mode\n 1  BN101  missing-update-ops\n"
    assert json.loads(counts("json", given))[0] == {"code": "BN201", "name": "eval-in-train-mode", "count": 10}
    assert counts("full", outcome()) == ""
