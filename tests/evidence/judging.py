"""Whether a run bears out what a page says.

The sizes are those of toy programs and move a little from one processor or version to the next; the damage must not. So
each figure has to come back to within a quarter of the difference between the two: the direction holds then, and at
least half of the damage is there. A plain 0 is exact, and so are words and infinities.
"""

from __future__ import annotations

import math

from tests.evidence.claims import Claim

SHARE = 1 / 4
NOTHING = 1e-6


def contradiction(page: Claim, shown: Claim) -> str | None:
    """Why the run does not show what the page says, None if it does."""
    if page.metric != shown.metric:
        return f"the page measures {page.metric!r}, the programs {shown.metric!r}"
    if page.bad == page.good:
        return "the page shows no difference"
    for name, said, came in (("bad", page.bad, shown.bad), ("good", page.good, shown.good)):
        other = page.good if said is page.bad else page.bad
        if not _close(said, came, other):
            return f"{name} is {came} here, {said} on the page"
    return None


def same_direction(claim: Claim, other: Claim) -> bool:
    """Whether two runs differ in size only: what is more in one of them is more in the other."""
    try:
        return (float(claim.bad) - float(claim.good)) * (float(other.bad) - float(other.good)) > 0
    except ValueError:
        return (claim.bad, claim.good) == (other.bad, other.good)


def _close(said: str, came: str, other: str) -> bool:
    if not (is_number(said) and is_number(came)):
        return said == came
    if said == "0":
        return abs(float(came) - float(said)) < NOTHING
    room = abs(float(said) - float(other)) if is_number(other) else abs(float(said))
    return abs(float(came) - float(said)) <= SHARE * room


def is_number(figure: str) -> bool:
    """Whether a figure is a finite number, not a word."""
    try:
        return math.isfinite(float(figure))
    except ValueError:
        return False
