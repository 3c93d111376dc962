"""Small programs whose stories are told, and what a test asks of them.

A program says itself what is expected: `#: train` on a line means that every forward on it runs in train mode,
`#: train, eval` first in one and then in the other, `#: eval|train` that both are possible, `#: nothing` that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from bnlint.program.lower import parse_program
from bnlint.project.imports import Imports
from bnlint.project.project import Project
from bnlint.story import tell
from bnlint.story.events import Forward, Story

ROOT = Path("/project")
MAIN = "train.py"
EXPECTED = re.compile(r"#: (.+)$")
NET = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.bn = nn.BatchNorm2d(8)

    def forward(self, x):
        return self.bn(self.conv(x))
"""


def stories(files: Mapping[str, str] | str) -> list[Story]:
    """The stories of a project, given as one program or as texts by relative path."""
    texts = {MAIN: files} if isinstance(files, str) else files
    programs = {ROOT / name: parse_program(dedent(text)) for name, text in texts.items()}
    project = Project(ROOT, programs, Imports(ROOT, programs), frozenset(programs))
    told = list(tell(project))
    assert [failure for story in told for failure in story.failures] == []
    return told


def with_net(text: str) -> str:
    """A program that has a network with batch norm, `Net`."""
    return NET + dedent(text)


def modes(files: Mapping[str, str] | str) -> dict[tuple[str, int], list[str]]:
    """By file and row, the modes in which batch norms run there, each different set once, in the order of the story."""
    found: dict[tuple[str, int], list[str]] = {}
    for story in stories(files):
        for forward in story.of(Forward):
            if forward.norms:
                names = {mode.name for use in forward.norms for mode in use.modes}
                place = forward.where.place
                rows = found.setdefault((Path(place.path).relative_to(ROOT).as_posix(), place.row), [])
                if "|".join(sorted(names)) not in rows:
                    rows.append("|".join(sorted(names)))
    return found


def check_modes(files: Mapping[str, str] | str) -> None:
    """Whether the forwards of a program run in the modes that its comments say."""
    texts = {MAIN: files} if isinstance(files, str) else files
    told = modes(texts)
    expected: dict[tuple[str, int], list[str]] = {}
    for name, text in texts.items():
        for row, line in enumerate(dedent(text).splitlines(), 1):
            said = EXPECTED.search(line)
            if said:
                expected[name, row] = [] if said[1] == "nothing" else said[1].split(", ")
    assert expected, "the program expects nothing"
    assert {where: told.get(where, []) for where in expected} == expected
