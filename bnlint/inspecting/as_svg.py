"""The map as a picture: a lane for each network, time runs downwards, loops are boxes, the colour is the mode.

Self-contained: no script, no font or style from elsewhere. Every mark has a tooltip with all that is known of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from bnlint.inspecting import words
from bnlint.inspecting.atlas import Atlas, Entry, Turn
from bnlint.inspecting.nested import Loop, Node, nested
from bnlint.outcome import Lines
from bnlint.report.names import filename

MOST_NETWORKS, MOST_ENTRIES, MOST_TURNS, MOST_NORMS, MOST_LANES, MOST_UNFOLLOWED = 30, 20, 60, 6, 8, 12
ROW, LINE, LANE, INDENT, MARGIN = 26, 18, 250, 16, 24
"""heights of a row of a time line and of a line of text; widths of a lane, of a level of loops, around everything"""
PLACES, CHARACTER = 330, 6.4
"""widths of the column of places, and of a character of small text, about"""
PAPER, INK, FAINT = "#ffffff", "#1d2430", "#6b7685"
FILLS = {"train": "#ffe3a8", "eval": "#c7e6ff", "mixed": "#e5d4f7", "unknown": "#f1f2f4"}
EDGES = {"train": "#b37400", "eval": "#1f6fb2", "mixed": "#7a3fb0", "unknown": "#8a93a0"}
MEANINGS = {
    "train": "train mode",
    "eval": "eval mode",
    "mixed": "some in train, some in eval mode",
    "unknown": "train or eval mode",
}


@dataclass(slots=True)
class _Page:
    """What has been drawn, how far down, and how wide it became. Boxes of loops lie behind everything."""

    y: float = MARGIN
    width: float = 0
    behind: list[str] = field(default_factory=list)
    front: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, style: str = "") -> None:
        named = f' class="{style}"' if style else ""
        self.front.append(f'<text x="{x:g}" y="{y:g}"{named}>{_clean(text)}</text>')
        self.width = max(self.width, x + len(text) * (9 if style == "head" else CHARACTER))

    def line(self, text: str, style: str = "", indent: float = 0) -> None:
        self.y += LINE
        self.text(MARGIN + indent, self.y, text, style)


def render(atlas: Atlas, base: Path, lines: Lines, *, color: bool = False) -> str:
    ground = words.ground(atlas, base)
    page = _Page()
    page.line(f"Batch norm in {filename(str(ground), base) if ground != base else base.name or base}", "head")
    _legend(page)
    _networks(page, atlas, ground)
    for entry in atlas.entries[:MOST_ENTRIES]:
        _entry(page, entry, atlas, ground, lines)
    _more(page, len(atlas.entries) - MOST_ENTRIES, "entry points")
    _unfollowed(page, atlas, ground)
    width, height = round(page.width + MARGIN), round(page.y + MARGIN)
    style = (
        f"text{{font:12px ui-sans-serif,system-ui,sans-serif;fill:{INK}}}.head{{font-size:18px;font-weight:600}}"
        f".title{{font-weight:600;font-size:13px}}.faint{{fill:{FAINT};font-size:11px}}.code{{font:11px ui-monospace,monospace}}"
    )
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{style}</style>",
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        *page.behind,
        *page.front,
        "</svg>\n",
    ])  # fmt: skip


def _legend(page: _Page) -> None:
    page.y += 14
    x: float = MARGIN
    for mode, meaning in MEANINGS.items():
        page.front.append(_box(x, page.y, 14, 12, FILLS[mode], EDGES[mode], 3))
        page.text(x + 20, page.y + 10, meaning, "faint")
        x += 40 + len(meaning) * CHARACTER
    page.text(x, page.y + 10, "? bnlint could not tell, ~ the default of an option", "faint")
    page.y += 14


def _networks(page: _Page, atlas: Atlas, base: Path) -> None:
    if not atlas.networks:
        page.line("No network with batch norm is seen")
    for network in atlas.networks[:MOST_NETWORKS]:
        page.y += 6
        page.line(f"[{network.number}] {words.network(network)}", "title")
        built = f"built {words.spot(network.place, base)}" if network.place else "built where bnlint cannot tell"
        page.text(MARGIN + 40 + len(f"[{network.number}] {words.network(network)}") * 7.4, page.y, built, "faint")
        for norm in network.norms[:MOST_NORMS]:
            place = f", {words.spot(norm.place, base)}" if norm.place else ""
            page.line(f"{words.norm(norm)}{place}", "code", INDENT)
        _more(page, len(network.norms) - MOST_NORMS, "places with batch norm")
        for note in network.notes[:MOST_NORMS]:
            page.line(f"{note.part + ': ' if note.part else ''}{note.text}, {words.spot(note.place, base)}", "faint", INDENT)
        _more(page, len(network.notes) - MOST_NORMS, "notes")
    _more(page, len(atlas.networks) - MOST_NETWORKS + atlas.left_out, "networks")


def _entry(page: _Page, entry: Entry, atlas: Atlas, base: Path, lines: Lines) -> None:
    names = {network.number: network.name for network in atlas.networks}
    shown = entry.turns[:MOST_TURNS]
    used = list(dict.fromkeys(turn.network for turn in shown))
    # the last lane takes what has no room of its own
    lanes = {number: MARGIN + PLACES + min(lane, MOST_LANES - 1) * LANE for lane, number in enumerate(used)}
    right = max(lanes.values()) + LANE
    page.width = max(page.width, right)
    page.y += 20
    page.line(f"{filename(entry.path, base)} {words.entry(entry)}", "title")
    page.y += LINE + 4
    top = page.y
    for number in used[:MOST_LANES]:
        crowd = number == used[MOST_LANES - 1] and len(used) > MOST_LANES if len(used) >= MOST_LANES else False
        page.text(lanes[number] + 8, page.y, "other networks" if crowd else _short(f"[{number}] {names[number]}", LANE), "title")
    page.y += 8
    _nodes(page, nested(shown), 0, lanes, right, base, lines)
    for x in dict.fromkeys(lanes.values()):
        page.behind.append(f'<path d="M{x + 4:g} {top - 10:g}V{page.y + 4:g}" stroke="#d5dae1" stroke-width="2"/>')
    _more(page, len(entry.turns) - MOST_TURNS + entry.left_out, "lines")


def _nodes(
    page: _Page, nodes: Sequence[Node], depth: int, lanes: dict[int, int], right: float, base: Path, lines: Lines
) -> None:
    for node in nodes:
        x = MARGIN + depth * INDENT
        if isinstance(node, Loop):
            top = page.y + 3
            page.y += ROW
            code = words.code(node.place, lines) or "loop"
            page.text(x + 8, page.y - 6, _short(f"\N{CLOCKWISE OPEN CIRCLE ARROW} {code}", PLACES - depth * INDENT), "code")
            at = len(page.behind)
            _nodes(page, node.body, depth + 1, lanes, right - 4, base, lines)
            page.y += 4
            # inner boxes were drawn first, and would lie behind this one
            box = _box(x, top, right - x, page.y - top, "#20304a", "#20304a", 6, f"{code}\n{words.spot(node.place, base)}")
            page.behind.insert(at, f'<g fill-opacity=".045" stroke-opacity=".25">{box}</g>')
        else:
            page.y += ROW
            _turn(page, node, x, lanes[node.network], base)


def _turn(page: _Page, turn: Turn, x: float, lane: float, base: Path) -> None:
    place = words.spot(turn.place, base) + (f" in {turn.function}" if turn.function else "")
    page.text(x + 8, page.y - 6, _short(place, MARGIN + PLACES - x), "faint")
    when = words.passes(turn)
    if turn.switch:
        label, full = words.switch(turn), f"{words.switch(turn)}\n{place}"
    else:
        parts = [words.purpose(turn), words.batch(turn), "" if turn.gradient else words.gradient(turn)]
        label = " \N{MIDDLE DOT} ".join(part for part in parts if part)
        facts = (words.purpose(turn), words.mode(turn), words.batch(turn), words.gradient(turn), place)
        full = "\n".join(filter(None, facts))
    tip = f"{full}\n{when}" if when else full
    label += f" ({when.split()[0]})" if when else ""
    fill = PAPER if turn.switch else FILLS[turn.mode]
    width = min(LANE - 12, 18 + len(label) * CHARACTER)
    page.front.append(_box(lane, page.y - ROW + 5, width, ROW - 7, fill, EDGES[turn.mode], 9 if turn.switch else 4, tip))
    page.text(lane + 9, page.y - 7, _short(label, LANE - 20), "faint" if turn.switch else "")


def _unfollowed(page: _Page, atlas: Atlas, base: Path) -> None:
    if not atlas.unfollowed:
        return
    page.y += 16
    page.line("What bnlint could not follow", "title")
    for found in atlas.unfollowed[:MOST_UNFOLLOWED]:
        page.line(f"{found.text}, {words.spot(found.place, base)}", "faint", INDENT)
    _more(page, len(atlas.unfollowed) - MOST_UNFOLLOWED, "places")


def _more(page: _Page, more: int, what: str) -> None:
    if more > 0:
        page.line(f"... and {more} more {what}", "faint", INDENT)


def _box(x: float, y: float, width: float, height: float, fill: str, edge: str, radius: int, tip: str = "") -> str:
    shape = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" fill="{fill}" stroke="{edge}"'
    return f"{shape}><title>{_clean(tip)}</title></rect>" if tip else f"{shape}/>"


def _short(text: str, width: float) -> str:
    room = max(4, int(width / CHARACTER))
    return text if len(text) <= room else text[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _clean(text: str) -> str:
    return escape("".join(char if char.isprintable() or char == "\n" else " " for char in text))
