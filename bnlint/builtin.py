"""The three codes that are not rules: what bnlint says about the files and about itself.

They are always active and certain; only BN003 can be ignored. This file holds their pages and makes their findings;
it must never decide whether one is shown.
"""

from __future__ import annotations

from bnlint.findings import Finding, Place
from bnlint.rule import Report, Rule

UNREADABLE, INTERNAL, UNUSED = "BN001", "BN002", "BN003"
NEVER_HIDDEN = frozenset({UNREADABLE, INTERNAL})


def _nothing(story: object) -> tuple[Report, ...]:
    """Built-in codes are reported by the pipeline, never by a story."""
    return ()


BUILTIN: tuple[Rule, ...] = (
    Rule(
        UNREADABLE, "unreadable-source", "error", True, (), lambda story: iter(_nothing(story)),
        """A file cannot be read or parsed.

The file could not be opened, decoded or parsed, so nothing in it was checked and other files see it as unknown.
The other files are linted all the same, and so are the other cells of a notebook of which one cannot be parsed.
Python 2 is read as far as possible; a broken Python 3 file is reported here.
A file that the prefilter skips, because it can have nothing to do with batch norm, is not parsed and hence not
checked for syntax.

This is not a rule: it is always active and cannot be ignored or suppressed.
""",
    ),
    Rule(
        INTERNAL, "internal-error", "error", True, (), lambda story: iter(_nothing(story)),
        """bnlint itself failed on this place.

A rule or the engine raised an error. The rest of the run goes on, and the exit status is 2 so that the failure is not
mistaken for a clean bill of health. Please report it, with the file if you can.

This is not a rule: it is always active and cannot be ignored or suppressed.
""",
    ),
    Rule(
        UNUSED, "unused-suppression", "warning", True, (), lambda story: iter(_nothing(story)),
        """A suppression comment hides nothing.

A comment such as `# noqa: BN201` or `# bnlint: ignore[BN201]` names a code that is not reported at that place (any
more). A comment that outlives its reason will one day hide a real mistake. A blanket `# noqa` is never reported, for
it may speak to other linters.

This is not a rule: it is always active, but `--ignore BN003` switches it off.
""",
    ),
)  # fmt: skip

_BY_CODE = {rule.code: rule for rule in BUILTIN}


def finding(code: str, message: str, place: Place) -> Finding:
    """A finding of a built-in code."""
    rule = _BY_CODE[code]
    return Finding(code, rule.name, message, rule.severity, "certain", place)
