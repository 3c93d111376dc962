"""Every fixture is linted with all rules and must be reported exactly where its comments say.

`# expect: BN201` is a report on that line; `# todo: BN201` is a known miss, which must still be missed: when it is
found the comment has to become an expectation.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.linting import CHECKOUT, copy_case, lint, marks, reported

FIXTURES = CHECKOUT / "fixtures"


def cases() -> list[Path]:
    found = [path for path in FIXTURES.glob("*/*") if path.name != "__pycache__" and not path.name.endswith(".fixed.py")]
    return sorted(path for path in found if path.is_dir() or path.suffix in (".py", ".ipynb", ".prototxt"))


def case_id(path: Path) -> str:
    return f"{path.parent.name}/{path.name if path.is_dir() else path.stem}"


@pytest.mark.parametrize("case", cases(), ids=case_id)
def test_fixture_is_reported_exactly_where_it_says(case: Path, tmp_path: Path) -> None:
    folder = copy_case(case, tmp_path)
    outcome = lint(folder)
    found, wanted, known_misses = reported(outcome, folder), marks(folder, "expect"), marks(folder, "todo")

    said = {(str(f.place.path), f.place.row, f.code): f.message for f in outcome.findings}
    details = "\n".join(f"  {Path(path).name}:{row} {code} {message}" for (path, row, code), message in said.items())
    assert sorted(found & known_misses) == [], "a known miss is found now: make it an expectation"
    assert sorted((found - wanted).elements()) == [], f"reported, but not expected:\n{details}"
    assert sorted((wanted - found).elements()) == [], f"expected, but not reported:\n{details}"
