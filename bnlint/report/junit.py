"""The XML that continuous integration knows from test runs: a suite for each file, a failed case for each finding.

Source: the format of the Ant JUnit task as Jenkins, GitLab and GitHub's actions read it; there is no standard.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as xml

from bnlint.findings import Finding
from bnlint.outcome import Outcome
from bnlint.report.names import filename, location

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""what XML 1.0 cannot hold, escaped or not"""


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    number = str(len(outcome.findings))
    root = xml.Element("testsuites", name="bnlint", tests=str(len(outcome.findings) or 1), failures=number, errors="0")
    for path, members in groupby(outcome.findings, key=lambda finding: finding.place.path):
        findings = list(members)
        count = str(len(findings))
        suite = xml.SubElement(root, "testsuite", name=_clean(filename(path, base)), tests=count, failures=count, errors="0")
        for finding in findings:
            _case(suite, finding, base)
    if not outcome.findings:
        # readers take a report without a case for a run that did not take place
        suite = xml.SubElement(root, "testsuite", name="bnlint", tests="1", failures="0", errors="0")
        xml.SubElement(suite, "testcase", name="no findings", classname="bnlint")
    xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _case(suite: xml.Element, finding: Finding, base: Path) -> None:
    place = finding.place
    name = _clean(filename(place.path, base))
    case = xml.SubElement(
        suite, "testcase", name=f"{finding.code} {finding.name} ({_clean(location(place, base))})", classname=name, file=name,
    )  # fmt: skip
    if place.cell is None:
        # rows of a notebook's cell are none of its file: there the name tells the cell
        case.set("line", str(place.row))
    failure = xml.SubElement(case, "failure", type=finding.severity, message=_clean(finding.message))
    lines = [f"{location(place, base)}: {finding.code} [{finding.confidence}] {finding.message}"]
    lines += [f"{number}. {location(step.place, base)}: {step.message}" for number, step in enumerate(finding.trace, 1)]
    failure.text = _clean("\n".join(lines))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
