"""One mistake, one report: which code is silent where a more specific one describes the same mistake.

Data and one pure function over the reports of a story; decided before selection and suppression, so that what is
selected never changes which code a mistake has. It must never know how a rule works.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bnlint.findings import CONFIDENCES, Finding

Reach = Literal["subject", "place"]
"""How far a specific report silences: wherever the same subject is spoken of, or only at the same place.

The first is for two codes that see one cause (a freeze undone, seen at the `train()` and at the forward); the second
for codes whose mistakes may stand beside each other in one program (an export and a validation loop in train mode).
"""

OVER: tuple[tuple[str, Reach, tuple[str, ...]], ...] = (
    # updates
    ("BN104", "subject", ("BN101",)),
    ("BN102", "subject", ("BN101", "BN103")),
    ("BN103", "subject", ("BN101",)),
    ("BN106", "subject", ("BN204",)),
    # the flag
    ("BN205", "subject", ("BN101",)),
    ("BN212", "subject", ("BN205",)),
    ("BN204", "subject", ("BN212",)),
    ("BN206", "subject", ("BN204",)),
    ("BN204", "place", ("BN201",)),
    # the mode
    ("BN203", "place", ("BN201", "BN301")),
    ("BN207", "place", ("BN211", "BN201")),
    ("BN208", "subject", ("BN201",)),
    ("BN209", "subject", ("BN201",)),
    ("BN211", "place", ("BN301", "BN302")),
    ("BN402", "subject", ("BN401", "BN201")),
    ("BN401", "subject", ("BN210",)),
    # the batch
    ("BN301", "place", ("BN302", "BN303")),
    ("BN301", "subject", ("BN704",)),
    ("BN302", "subject", ("BN701", "BN704")),
    ("BN305", "subject", ("BN304",)),
    # state and folding
    ("BN504", "place", ("BN503",)),
    ("BN806", "place", ("BN801",)),
)

_REACH: dict[tuple[str, str], Reach] = {(specific, general): reach for specific, reach, over in OVER for general in over}
_SPECIFIC_OF: dict[str, list[str]] = defaultdict(list)
for _specific, _general in _REACH:
    _SPECIFIC_OF[_general].append(_specific)


@dataclass(frozen=True, slots=True)
class Claim:
    """A finding, and what it is about: tokens that mean something within one story only."""

    finding: Finding
    subjects: frozenset[object] = frozenset()


def one_per_mistake(claims: Iterable[Claim]) -> list[Claim]:
    """The claims without those that a more specific one makes superfluous, in their order."""
    every = list(claims)
    by_code: dict[str, list[Claim]] = defaultdict(list)
    for claim in every:
        by_code[claim.finding.code].append(claim)
    return [claim for claim in every if not _superfluous(claim, by_code)]


def _superfluous(claim: Claim, by_code: Mapping[str, Sequence[Claim]]) -> bool:
    code = claim.finding.code
    return any(
        _silences(other, claim, _REACH[specific, code])
        for specific in _SPECIFIC_OF.get(code, ())
        for other in by_code.get(specific, ())
    )


def _silences(specific: Claim, general: Claim, reach: Reach) -> bool:
    sure, doubted = specific.finding, general.finding
    if CONFIDENCES.index(sure.confidence) < CONFIDENCES.index(doubted.confidence):
        return False
    if doubted.default and not sure.default:
        return False  # what users see by default must not vanish behind something they do not see
    if (sure.place.path, sure.place.cell, sure.place.row) == (doubted.place.path, doubted.place.cell, doubted.place.row):
        return True
    return reach == "subject" and not specific.subjects.isdisjoint(general.subjects)


def pairs() -> Sequence[tuple[str, str]]:
    """All pairs of a specific and a general code."""
    return tuple(_REACH)
