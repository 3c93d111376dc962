"""The closing line of the human formats: what was found, what is hidden, or why there is nothing."""

from __future__ import annotations

from collections import Counter

from bnlint.outcome import Outcome


def closing(outcome: Outcome, *, verbose: bool = False, fixed: int = 0, unsafe: bool = False) -> str:
    """One line, or a few: the entry points whose budget ran out are listed when `verbose`.

    fixed: how many findings were fixed before; unsafe: whether unsafe fixes are asked for.
    """
    parts = [_found(outcome)]
    if fixed:
        parts.append(f"{fixed} fixed")
    parts += _fixable(outcome, unsafe)
    if outcome.baselined:
        parts.append(f"{_count(outcome.baselined, 'finding')} hidden by the baseline")
    if outcome.hidden_possible:
        parts.append(f"{_count(outcome.hidden_possible, 'possible finding')} hidden: --min-confidence possible")
    if outcome.exhausted:
        entries = _count(len(outcome.exhausted), "entry point")
        parts.append(f"the analysis budget ran out in {entries}, which may hide findings")
    text = "; ".join(parts)
    if verbose:
        text += "".join(f"\n  budget ran out: {entry}" for entry in outcome.exhausted)
    return text


def _fixable(outcome: Outcome, unsafe: bool) -> list[str]:
    """How many findings a fix is offered for, and by which option."""
    kinds = Counter(finding.fix.applicability for finding in outcome.findings if finding.fix is not None)
    now = kinds["safe"] + (kinds["unsafe"] if unsafe else 0)
    told = [f"{now} fixable: --fix"] if now else []
    if kinds["unsafe"] and not unsafe:
        more = " more" if now else ""
        told.append(f"{kinds['unsafe']}{more} fixable: --fix --unsafe-fixes")
    return told


def _found(outcome: Outcome) -> str:
    if outcome.findings:
        severities = Counter(finding.severity for finding in outcome.findings)
        kinds = [
            _count(severities["error"], "error"),
            _count(severities["warning"], "warning"),
            f"{severities['info']} info",
        ]
        shown = [kind for kind in kinds if not kind.startswith("0 ")]
        return f"Found {_count(len(outcome.findings), 'finding')} ({', '.join(shown)})"
    if not outcome.files:
        return "Nothing to check: no Python files found"
    files = _count(outcome.files, "file")
    if not outcome.with_batch_norm:
        return f"Nothing to report: no batch norm found in {files}"
    if not outcome.networks:
        speak = _count(outcome.with_batch_norm, "file")
        return f"Nothing to report in {files}: batch norm is named in {speak}, but no network that holds one is seen to run"
    followed = _count(outcome.networks, "network")
    return f"Nothing to report in {files}: {followed} with batch norm followed"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
