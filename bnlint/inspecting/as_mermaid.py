"""The map as a Mermaid flow chart, which GitHub, GitLab and notebooks draw: a box for each loop, a colour for each mode.

Source: Mermaid 11, "Flowcharts". Bounded, for Mermaid refuses large texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bnlint.inspecting import words
from bnlint.inspecting.atlas import Atlas, Network, Turn
from bnlint.inspecting.nested import Loop, Node, nested
from bnlint.outcome import Lines
from bnlint.report.names import filename

MOST_NETWORKS, MOST_ENTRIES, MOST_TURNS, MOST_NORMS = 20, 10, 30, 6
STYLES = {
    "train": "fill:#ffe3a8,stroke:#b37400,color:#3d2800",
    "eval": "fill:#c7e6ff,stroke:#1f6fb2,color:#062a47",
    "mixed": "fill:#e5d4f7,stroke:#7a3fb0,color:#2c0f47",
    "unknown": "fill:#f3f3f3,stroke:#888,color:#333,stroke-dasharray:4 3",
    "network": "fill:#dff2dc,stroke:#3f8f3a,color:#123d10",
}


def render(atlas: Atlas, base: Path, lines: Lines, *, color: bool = False) -> str:
    return "\n".join(_chart(atlas, words.ground(atlas, base), lines)) + "\n"


def _chart(atlas: Atlas, base: Path, lines: Lines) -> Iterator[str]:
    yield "flowchart TB"
    for name, style in STYLES.items():
        yield f"  classDef {name} {style}"
    if not atlas.networks:
        yield '  nothing["no network with batch norm is seen"]:::unknown'
        return
    yield '  subgraph networks["Networks"]'
    for network in atlas.networks[:MOST_NETWORKS]:
        yield f'    n{network.number}["{_network(network, base)}"]:::network'
    more = len(atlas.networks) - MOST_NETWORKS + atlas.left_out
    if more > 0:
        yield f'    rest["... and {more} more"]:::network'
    yield "  end"
    names = {network.number: network.name for network in atlas.networks}
    for number, entry in enumerate(atlas.entries[:MOST_ENTRIES], 1):
        title = f"{filename(entry.path, base)} {words.entry(entry)}"
        yield f'  subgraph e{number}["{_escape(title)}"]'
        yield "    direction TB"
        ids: list[str] = []
        yield from _nodes(nested(entry.turns[:MOST_TURNS]), f"e{number}", names, base, lines, ids)
        more = len(entry.turns) - MOST_TURNS + entry.left_out
        if more > 0:
            ids.append(f"e{number}rest")
            yield f'    e{number}rest["... and {more} more"]:::unknown'
        if len(ids) > 1:
            yield "    " + " --> ".join(ids)
        yield "  end"
        yield f"  networks ~~~ e{number}"


def _nodes(
    nodes: Sequence[Node], prefix: str, names: dict[int, str], base: Path, lines: Lines, ids: list[str]
) -> Iterator[str]:
    for number, node in enumerate(nodes, 1):
        name = f"{prefix}x{number}"
        if isinstance(node, Loop):
            code = words.code(node.place, lines) or "loop"
            yield f'    subgraph {name}["{_escape(code)}"]'
            yield "    direction TB"
            yield from _nodes(node.body, name, names, base, lines, ids)
            yield "    end"
        else:
            ids.append(name)
            # round ends for what sets the mode, boxes for forwards
            left, right = ("([", "])") if node.switch else ("[", "]")
            yield f'    {name}{left}"{_turn(node, names, base)}"{right}:::{node.mode}'


def _turn(turn: Turn, names: dict[int, str], base: Path) -> str:
    head = f"[{turn.network}] {names[turn.network]}"
    when = words.passes(turn)
    place = words.spot(turn.place, base) + (f" ({when})" if when else "")
    if turn.switch:
        told = [f"{head}: {words.switch(turn)}", place]
    else:
        facts = ", ".join(filter(None, (words.mode(turn), words.batch(turn), words.gradient(turn))))
        told = [f"{head}: {words.purpose(turn)}", facts, place]
    return "<br/>".join(map(_escape, told))


def _network(network: Network, base: Path) -> str:
    told = [f"[{network.number}] {words.network(network)}", *map(words.norm, network.norms[:MOST_NORMS])]
    if len(network.norms) > MOST_NORMS:
        told.append(f"... and {len(network.norms) - MOST_NORMS} more places")
    told.append(f"built {words.spot(network.place, base)}" if network.place else "built where bnlint cannot tell")
    return "<br/>".join(map(_escape, told))


def _escape(text: str) -> str:
    """Signs that Mermaid or the browser would take for their own, as Mermaid's entity codes."""
    codes = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;", ";": "#59;"}
    return "".join(codes.get(char, char) for char in text)
