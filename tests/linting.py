"""Runs the linter in the test process, as the command line would, on a copy in a folder of its own.

A copy, because the context of a file is its project: inside the checkout every fixture would see all the others.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bnlint.check import check
from bnlint.config import Settings, settle
from bnlint.fixing.passes import Fixed, fix
from bnlint.outcome import Outcome
from bnlint.read.source import read_bytes

CHECKOUT = Path(__file__).parent.parent
EXPECTATION = re.compile(r"#\s*(expect|todo):\s*([A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)")


class Mark(NamedTuple):
    """A code at a row of a file, given relative to the linted folder."""

    file: str
    cell: int | None
    row: int
    code: str


def everything() -> Settings:
    """All rules, at the confidence that users see."""
    return settle({}, {"select": ("ALL",), "cache": False, "jobs": 1})


def lint(folder: Path, settings: Settings | None = None) -> Outcome:
    return check((folder,), settings or everything())


def fixed(folder: Path, settings: Settings | None = None, *, unsafe: bool = True) -> Fixed:
    """What all fixes together leave of a folder; nothing is written."""
    chosen = settings or everything()
    return fix(lambda contents: check((folder,), chosen, overlay=contents), read_bytes, unsafe=unsafe)


def reported(outcome: Outcome, folder: Path) -> Counter[Mark]:
    return Counter(
        Mark(Path(finding.place.path).relative_to(folder).as_posix(), finding.place.cell, finding.place.row, finding.code)
        for finding in outcome.findings
    )


def copy_case(case: Path, into: Path) -> Path:
    """The folder to lint: a copy of the case, alone."""
    folder = into.resolve() / "case"
    if case.is_dir():
        shutil.copytree(case, folder)
    else:
        folder.mkdir()
        shutil.copy(case, folder)
    return folder


def marks(folder: Path, word: str) -> Counter[Mark]:
    """What the comments `# expect:` (or `# todo:`) of the files below `folder` say."""
    found: Counter[Mark] = Counter()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".ipynb", ".prototxt")):
        name = path.relative_to(folder).as_posix()
        for cell, lines in _texts(path):
            for row, line in enumerate(lines, 1):
                for match in EXPECTATION.finditer(line):
                    if match[1] == word:
                        found.update(Mark(name, cell, row, code.strip()) for code in match[2].split(","))
    return found


def _texts(path: Path) -> Iterator[tuple[int | None, list[str]]]:
    text = path.read_bytes().decode("utf-8", "replace")
    if path.suffix != ".ipynb":
        yield None, text.split("\n")
        return
    import json

    code = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, 1):
        yield number, "".join(cell["source"]).split("\n")
