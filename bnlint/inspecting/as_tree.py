"""The map as a tree for people. Everything that colour says is also said by a word or a sign."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from bnlint.inspecting import words
from bnlint.inspecting.atlas import Atlas, Entry, Network, Turn
from bnlint.inspecting.nested import Loop, Node, nested, together, walk
from bnlint.outcome import Lines
from bnlint.report.names import filename

STYLES = {"train": "yellow", "eval": "cyan", "mixed": "magenta", "unknown": "red"}
MOST_NETWORKS, MOST_ENTRIES, MOST_TURNS, MOST_NOTES, MOST_NORMS, MOST_UNFOLLOWED = 40, 30, 60, 8, 12, 15
MOST_TOGETHER = 6
"""networks that one line names"""
ALL = "--output-format json tells all"
STEP = 4
"""columns that a level of the tree takes"""


def render(atlas: Atlas, base: Path, lines: Lines, *, color: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=color, no_color=not color, color_system="standard" if color else None,
                      highlight=False, markup=False, emoji=False, width=10_000, legacy_windows=False)  # fmt: skip
    ground = words.ground(atlas, base)
    if ground != base and atlas.networks:
        console.print(Text(f"{filename(str(ground), base)}/", style="bold underline"), soft_wrap=True)
        console.print()
    for tree in (_networks(atlas, ground), _entries(atlas, ground, lines), _unfollowed(atlas, ground)):
        if tree is not None:
            console.print(tree, soft_wrap=True)
            console.print()
    if atlas.entries:
        console.print(Text("? bnlint could not tell   ~ the default of an option", style="dim"))
    if not atlas.networks:
        files = "1 file" if atlas.files == 1 else f"{atlas.files} files"
        console.print(Text(f"No network with batch norm is seen in {files}"))
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _networks(atlas: Atlas, base: Path) -> Tree | None:
    if not atlas.networks:
        return None
    tree = Tree(Text("Networks", style="bold"))
    for network in atlas.networks[:MOST_NETWORKS]:
        branch = tree.add(_heading(network, base))
        for norm in network.norms[:MOST_NORMS]:
            place = f"  {words.spot(norm.place, base)}" if norm.place else ""
            branch.add(Text.assemble(words.norm(norm), (place, "dim")))
        _rest(branch, len(network.norms) - MOST_NORMS, "places with batch norm")
        for note in network.notes[:MOST_NOTES]:
            part = f"{note.part}: " if note.part else ""
            branch.add(Text.assemble((f"{part}{note.text}", "italic"), ("  " + words.spot(note.place, base), "dim")))
        _rest(branch, len(network.notes) - MOST_NOTES, "notes")
    _rest(tree, len(atlas.networks) - MOST_NETWORKS + atlas.left_out, "networks")
    return tree


def _heading(network: Network, base: Path) -> Text:
    places = f"built {words.spot(network.place, base)}" if network.place else "built where bnlint cannot tell"
    if network.defined:
        places += f", class {words.spot(network.defined, base)}"
    return Text.assemble(
        (f"[{network.number}] ", "bold green"), (words.network(network), "bold"),
        f"  {network.framework}" if network.framework else "", (f"  {places}", "dim"),
    )  # fmt: skip


def _entries(atlas: Atlas, base: Path, lines: Lines) -> Tree | None:
    if not atlas.entries:
        return None
    tree = Tree(Text("What happens", style="bold"))
    names = {network.number: network.name for network in atlas.networks}
    for entry in atlas.entries[:MOST_ENTRIES]:
        _entry(tree, entry, names, base, lines)
    _rest(tree, len(atlas.entries) - MOST_ENTRIES, "entry points")
    return tree


def _entry(tree: Tree, entry: Entry, names: dict[int, str], base: Path, lines: Lines) -> None:
    branch = tree.add(Text.assemble((filename(entry.path, base), "bold"), f" {words.entry(entry)}"))
    groups = together(entry.turns)[:MOST_TURNS]
    shown = [group[0] for group in groups]
    titles = {id(group[0]): _name(group, names) for group in groups}
    nodes = nested(shown)
    # columns stand below each other although deeper lines begin further right
    deepest = max(depth for depth, _ in walk(nodes))
    width = max(map(len, titles.values()))
    purpose = max((len(words.purpose(turn)) for turn in shown if not turn.switch), default=0)
    mode = max((len(words.mode(turn)) for turn in shown if not turn.switch), default=0)

    def add(parent: Tree, body: Sequence[Node], depth: int) -> None:
        for node in body:
            if isinstance(node, Loop):
                text = words.code(node.place, lines) or "loop"
                loop = parent.add(Text.assemble((text, "blue"), ("  " + words.spot(node.place, base), "dim")))
                add(loop, node.body, depth + 1)
            else:
                name = titles[id(node)].ljust(width + STEP * (deepest - depth))
                parent.add(_turn(node, name, purpose, mode, base))

    add(branch, nodes, 0)
    told = sum(map(len, groups))
    _rest(branch, len(entry.turns) - told + entry.left_out, "lines", everywhere=told == len(entry.turns))


def _turn(turn: Turn, name: str, purpose: int, mode: int, base: Path) -> Text:
    place = words.spot(turn.place, base) + (f" in {turn.function}" if turn.function else "")
    sign = words.SIGNS[turn.mode]
    if turn.switch:
        told = f"{sign} {words.switch(turn)}"
        cells = [(name, ""), ("  ", ""), (told.ljust(purpose + mode + 32), STYLES[turn.mode])]
    else:
        cells = [
            (name, ""), ("  ", ""), (words.purpose(turn).ljust(purpose), "bold"), ("  ", ""),
            (f"{sign} {words.mode(turn).ljust(mode)}", STYLES[turn.mode]),
            (f"  {words.batch(turn).ljust(10)}", ""), (f"  {words.gradient(turn).ljust(11)}", ""),
            ("   ", ""),
        ]  # fmt: skip
    when = words.passes(turn)
    return Text.assemble(*cells, (f"  {place}", "dim"), (f"  ({when})" if when else "", "italic"))


def _name(group: Sequence[Turn], names: dict[int, str]) -> str:
    first = group[0].network
    if len(group) == 1:
        return f"[{first}] {names[first]}"
    return " ".join(f"[{turn.network}]" for turn in group[:MOST_TOGETHER]) + (" ..." if len(group) > MOST_TOGETHER else "")


def _unfollowed(atlas: Atlas, base: Path) -> Tree | None:
    if not atlas.unfollowed:
        return None
    tree = Tree(Text("What bnlint could not follow", style="bold"))
    for found in atlas.unfollowed[:MOST_UNFOLLOWED]:
        tree.add(Text.assemble(found.text, ("  " + words.spot(found.place, base), "dim")))
    _rest(tree, len(atlas.unfollowed) - MOST_UNFOLLOWED, "places")
    return tree


def _rest(tree: Tree, more: int, what: str, everywhere: bool = False) -> None:
    if more > 0:
        tree.add(Text(f"... and {more} more {what}" + ("" if everywhere else f": {ALL}"), style="dim"))
