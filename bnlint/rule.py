"""What a rule is: a pure function over the story, declared in a file of its own in `rules/`.

A rule file's module docstring is the rule's page. The file holds exactly one function decorated with `rule`:

    @rule("BN208", "mode-not-applied", severity="error")
    def check(story: Story) -> Iterator[Report]:
        ...

Rules import only bnlint and the standard library, hold no state and never see libcst.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnlint.findings import Confidence, Cure, Place, Severity, Step

if TYPE_CHECKING:
    from bnlint.story import Story


@dataclass(frozen=True, slots=True)
class Report:
    """What a rule yields: a message of one line without a capital or a full stop, where, how sure, and why.

    `subjects` names what the mistake is about (a network, a train op: any hashable), so that of several codes
    for one mistake only the most specific is kept. `severity` and `default` override the rule's own.
    """

    message: str
    place: Place
    confidence: Confidence
    trace: tuple[Step, ...] = ()
    subjects: frozenset[object] = frozenset()
    fix: Cure | None = None
    severity: Severity | None = None
    default: bool | None = None


Check = Callable[["Story"], Iterator[Report]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered rule. `page` is its module's docstring, `frameworks` those it speaks about."""

    code: str
    name: str
    severity: Severity
    default: bool
    frameworks: tuple[str, ...]
    check: Check
    page: str = field(repr=False)


def rule(
    code: str, name: str, *, severity: Severity, default: bool = True, frameworks: tuple[str, ...] = ("torch",)
) -> Callable[[Check], Rule]:
    """Declare the decorated function as the check of rule `code`; the result is the `Rule`."""

    def declare(check: Check) -> Rule:
        import sys

        page = sys.modules[check.__module__].__doc__ or ""
        return Rule(code, name, severity, default, frameworks, check, page)

    return declare
