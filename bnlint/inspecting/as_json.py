"""The map for programs: one object; networks by number, all keys always present, null where bnlint could not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bnlint.findings import Place
from bnlint.inspecting.atlas import Atlas, Entry, Network, Turn
from bnlint.outcome import Lines
from bnlint.report.names import filename


def render(atlas: Atlas, base: Path, lines: Lines, *, color: bool = False) -> str:
    document = {
        "networks": [_network(network, base) for network in atlas.networks],
        "entries": [_entry(entry, base) for entry in atlas.entries],
        "unfollowed": [{"message": found.text, **_place(found.place, base)} for found in atlas.unfollowed],
        "networks_left_out": atlas.left_out,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _network(network: Network, base: Path) -> dict[str, Any]:
    return {
        "id": network.number,
        "name": network.name,
        "framework": network.framework or None,
        "built": _place(network.place, base),
        "class": _place(network.defined, base),
        "copy": network.copied,
        "certain": network.certain,
        "batch_norms": [
            {
                "kind": norm.kind,
                "count": norm.count,
                "library": norm.library,
                "arguments": {name: list(texts) for name, texts in norm.arguments},
                "built": _place(norm.place, base),
            }
            for norm in network.norms
        ],
        "notes": [{"message": note.text, "part": note.part or None, **_place(note.place, base)} for note in network.notes],
    }


def _entry(entry: Entry, base: Path) -> dict[str, Any]:
    return {
        "filename": filename(entry.path, base),
        "name": entry.name,
        "called": entry.bound,
        "test": entry.test,
        "budget_ran_out": entry.exhausted,
        "timeline": [_turn(turn, base) for turn in entry.turns],
        "left_out": entry.left_out,
    }


def _turn(turn: Turn, base: Path) -> dict[str, Any]:
    train, evaluation, either = turn.counts
    forward = not turn.switch
    return {
        "kind": "forward" if forward else "mode",
        "network": turn.network,
        "part": turn.part or None,
        "call": turn.switch or None,
        "purpose": turn.purpose if forward and turn.purpose != "unknown" else None,
        "purpose_confidence": turn.sure or None,
        "mode": None if turn.mode == "unknown" else turn.mode,
        "batch_norms": {"train": train, "eval": evaluation, "either": either} if forward else None,
        "batch": turn.batch,
        "batch_assumed": turn.assumed,
        "gradient": turn.gradient,
        "passes": turn.passes or None,
        "function": turn.function or None,
        "calls": [_place(place, base) for place in turn.calls],
        "loops": [_place(place, base) for place in turn.loops],
        **_place(turn.place, base),
    }


def _place(place: Place | None, base: Path) -> Any:
    if place is None:
        return None
    return {"filename": filename(place.path, base), "location": {"row": place.row, "column": place.column}, "cell": place.cell}
