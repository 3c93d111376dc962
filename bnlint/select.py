"""Which findings are shown: selectors of the command line and of the settings, and ignores per file.

A selector is a code (BN201), a prefix (BN2), a name (eval-in-train-mode) or ALL. The more specific one wins, then the
command line over the file, then ignoring over selecting. This room decides about codes only; it must never look at
the confidence of a finding or at comments in the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.builtin import NEVER_HIDDEN, UNUSED

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from bnlint.rule import Rule

EXACT = 1000
"""the specificity of a code or a name: above any prefix"""
_CODE_LIKE = re.compile(r"[A-Za-z]+\d*")


class UnknownSelector(Exception):
    """A selector that names nothing; the message says what may have been meant."""


@dataclass(frozen=True, slots=True)
class Selectors:
    """What one source (the file, or the command line) asks for; `select` and `ignore` are None when not given."""

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] | None = None
    extend_ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileIgnores:
    """Selectors ignored in the files that match `pattern` (as in .gitignore), relative to `base`."""

    base: Path
    pattern: str
    selectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """All that selecting needs to know of a rule."""

    code: str
    name: str


class Selection:
    """The decision for every code. `sources` come from the weakest (the file) to the strongest (the command line)."""

    def __init__(
        self, catalogue: Sequence[Rule | Named], sources: Sequence[Selectors], per_file: Sequence[FileIgnores] = ()
    ) -> None:
        """Raises UnknownSelector."""
        self._catalogue = catalogue
        self._per_file = [(entry, self._codes(entry.selectors)) for entry in per_file]
        given = [(strength, source) for strength, source in enumerate(sources) if source.select is not None]
        ignoring = [(strength, source) for strength, source in enumerate(sources) if source.ignore is not None]
        # an option that is given replaces the same option of a weaker source; the extend- options add up
        chosen = [(strength, True, source.select or ()) for strength, source in given[-1:]]
        chosen += [(strength, False, source.ignore or ()) for strength, source in ignoring[-1:]]
        for strength, source in enumerate(sources):
            chosen.append((strength, True, source.extend_select))
            chosen.append((strength, False, source.extend_ignore))
        self._default_applies = not given
        self._decided: dict[str, tuple[int, int, bool]] = {}
        """code -> (specificity, strength of the source, ignored), the winner by this order"""
        for strength, wanted, selectors in chosen:
            for selector in selectors:
                codes, specificity = resolve(selector, catalogue)
                for code in codes:
                    vote = (specificity, strength, not wanted)
                    self._decided[code] = max(vote, self._decided.get(code, vote))

    def shows(self, code: str, default: bool, path: str) -> bool:
        """Whether a finding of `code` in the file `path` is shown, when its own default is `default`."""
        if code in NEVER_HIDDEN:
            return True
        if any(code in codes and self._matches(entry, path) for entry, codes in self._per_file):
            return False
        decided = self._decided.get(code)
        if decided is not None:
            ignored = decided[2]
            # BN003 is no rule: it is on unless it is ignored
            return not ignored
        return code == UNUSED or (self._default_applies and default)

    def _codes(self, selectors: Iterable[str]) -> frozenset[str]:
        return frozenset(code for selector in selectors for code in resolve(selector, self._catalogue)[0])

    def _matches(self, entry: FileIgnores, path: str) -> bool:
        spec = self._specs[entry.pattern]
        try:
            relative = Path(path).relative_to(entry.base).as_posix()
        except ValueError:
            relative = Path(path).name
        return spec.match_file(relative)

    @cached_property
    def _specs(self) -> dict[str, GitIgnoreSpec]:
        # imported here: most runs have no such setting
        from pathspec import GitIgnoreSpec

        return {entry.pattern: GitIgnoreSpec.from_lines([entry.pattern]) for entry, _ in self._per_file}


def resolve(selector: str, catalogue: Sequence[Rule | Named]) -> tuple[frozenset[str], int]:
    """The codes that a selector stands for, and how specific it is. Raises UnknownSelector."""
    if selector == "ALL":
        return frozenset(rule.code for rule in catalogue), 0
    for rule in catalogue:
        if selector in (rule.code, rule.name):
            return frozenset({rule.code}), EXACT
    if _CODE_LIKE.fullmatch(selector):
        codes = frozenset(rule.code for rule in catalogue if rule.code.startswith(selector))
        if codes:
            return codes, len(selector)
    raise UnknownSelector(_unknown(selector, catalogue))


def find_rule(name: str, catalogue: Sequence[Rule]) -> Rule:
    """The rule with this code or name, in any case of letters. Raises UnknownSelector."""
    for rule in catalogue:
        if name.lower() in (rule.code.lower(), rule.name):
            return rule
    raise UnknownSelector(_unknown(name, catalogue))


def _unknown(selector: str, catalogue: Sequence[Rule | Named]) -> str:
    from difflib import get_close_matches

    known = {key.lower(): key for rule in catalogue for key in (rule.code, rule.name)} | {"all": "ALL"}
    # a letter that looks like a digit is the likeliest slip in a code
    alike = selector[:2].lower() + selector[2:].lower().translate(str.maketrans("oil", "011"))
    close = [alike] if alike in known else get_close_matches(selector.lower(), known, n=1, cutoff=0.6)
    hint = f", did you mean {known[close[0]]!r}?" if close else ""
    return f"unknown rule selector {selector!r}{hint or ''}"


def parse_selectors(text: str) -> tuple[str, ...]:
    """The selectors of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
