"""How the map is put in words, the same in every drawing."""

from __future__ import annotations

import os
from pathlib import Path

from bnlint.findings import Place
from bnlint.inspecting.atlas import Atlas, Entry, Network, Norm, Turn
from bnlint.outcome import Lines
from bnlint.report.names import filename

SIGNS = {"train": "\N{BLACK CIRCLE}", "eval": "\N{WHITE CIRCLE}", "mixed": "\N{CIRCLE WITH LEFT HALF BLACK}", "unknown": "?"}
"""a sign for each mode"""
TELLING = frozenset({
    "num_features", "axis", "momentum", "decay", "eps", "epsilon", "training", "is_training", "trainable", "affine",
    "track_running_stats", "fused", "renorm", "updates_collections", "center", "scale",
})  # fmt: skip
"""the arguments of a batch norm that are told first"""
WIDEST = 60
"""characters of arguments after which no more are told"""
LONGEST = 64
"""characters of a line of code that are shown"""


def spot(place: Place | None, base: Path) -> str:
    """`file:row`, or that it is not known."""
    if place is None:
        return "place unknown"
    cell = "" if place.cell is None else f":cell {place.cell}"
    return f"{filename(place.path, base)}{cell}:{place.row}"


def ground(atlas: Atlas, base: Path) -> Path:
    """The innermost folder that holds everything on the map: names are shorter from there."""
    places = [turn.place for entry in atlas.entries for turn in entry.turns]
    places += [place for network in atlas.networks for place in (network.place, network.defined) if place]
    places += [found.place for found in atlas.unfollowed]
    folders = {os.path.dirname(place.path) for place in places} | {os.path.dirname(entry.path) for entry in atlas.entries}
    common = Path(os.path.commonpath(folders)) if folders else base
    return common if len(common.parts) > 1 else base


def norm(found: Norm) -> str:
    """`2 x BatchNorm2d(num_features=16|32)`."""
    if found.library:
        return f"{found.kind} of a library, which holds batch norm"
    ranked = sorted(found.arguments, key=lambda argument: argument[0] not in TELLING)
    given = ""
    for name, texts in ranked:
        if given and len(given) > WIDEST:
            given += ", ..."
            break
        given += f"{', ' if given else ''}{name}={'|'.join(texts)}"
    times = f"{found.count} \N{MULTIPLICATION SIGN} " if found.count > 1 else ""
    return f"{times}{found.kind}({given})"


def network(found: Network) -> str:
    copied = ", a copy" if found.copied else ""
    sure = "" if found.certain else ", may hold batch norm"
    return f"{found.name}{copied}{sure}"


def entry(found: Entry) -> str:
    """What runs: a module, its `__main__` block, or a function that nothing calls."""
    name = {"<module>": "when it is imported", "__main__": "as the main program"}.get(found.name, f"{found.name}()")
    if not found.bound:
        name += ", which nothing calls: its arguments are unknown"
    return f"{name} (test code)" if found.test else name


def mode(turn: Turn) -> str:
    train, evaluation, _ = turn.counts
    if turn.mode == "mixed":
        return f"{train} in train, {evaluation} in eval mode"
    if turn.mode == "unknown":
        return "train or eval mode"
    return f"{turn.mode} mode"


def purpose(turn: Turn) -> str:
    words = {"unknown": "purpose ?", "target": "gives a target", "graph": "graph built"}
    doubt = "?" if turn.sure == "possible" else ""
    return words.get(turn.purpose, turn.purpose) + doubt


def batch(turn: Turn) -> str:
    """`~` stands for a size that is an option's default."""
    return "batch ?" if turn.batch is None else f"batch {'~' if turn.assumed else ''}{turn.batch}"


def gradient(turn: Turn) -> str:
    if turn.purpose == "graph":
        return ""
    return {True: "gradient", False: "no gradient", None: "gradient ?"}[turn.gradient]


def passes(turn: Turn) -> str:
    return {"": "", "first": "first pass only", "later": "later passes"}[turn.passes]


def switch(turn: Turn) -> str:
    """A call that sets the mode, and the mode where the call does not say it."""
    told = turn.switch if turn.mode in turn.switch else f"{turn.switch}: {mode(turn)}"
    return f"{turn.part}: {told}" if turn.part else told


def code(place: Place, lines: Lines) -> str:
    """The line of code at a place, without the colon that opens a block."""
    known = lines(place.path, place.cell)
    text = known[place.row - 1].strip() if 0 < place.row <= len(known) else ""
    clean = "".join(char if char.isprintable() else " " for char in text).split("  #")[0].rstrip().removesuffix(":")
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 3] + "..."
