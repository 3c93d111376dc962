"""Programs are told, run with each of their flags set and not set, and compared: one of them, many, or a fixture."""

from __future__ import annotations

import itertools
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.linting import CHECKOUT
from tests.reality.comparing import Verdict, compare, told
from tests.reality.generating import Program, programs
from tests.reality.recording import TooLong, run

PATH = Path("/project/train.py")
SMALL = ("bn201", "bn202", "bn208", "bn209", "bn211", "bn402", "bn405")
FIXTURES = sorted(
    path
    for path in (CHECKOUT / "fixtures").glob("bn*/*.py")
    if path.name.startswith(("bad", "good")) and "import torch\n" in path.read_text("utf-8")
)
QUICK = [path for path in FIXTURES if path.parent.name.startswith(SMALL)]
"""those of the rules that ask for modes"""
BEGINNING = 40
"""how many forwards of a fixture are watched: most of them train for longer than a test may take"""


@dataclass(slots=True)
class Tally:
    """What became of many programs; counterexamples: texts, with what is wrong with them."""

    programs: int = 0
    long: int = 0
    forwards: int = 0
    decided: int = 0
    exact: int = 0
    vague: int = 0
    counterexamples: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """The share of places of forwards in decided programs of which exactly what happens is told."""
        return self.exact / max(1, self.exact + self.vague)


def judged(program: Program) -> Verdict | None:
    """What the comparison finds; None for a program that applies its networks too often."""
    code = compile(program.text, str(PATH), "exec")
    runs = []
    for chosen in itertools.product((False, True), repeat=len(program.flags)):
        happened, ended = run(code, tuple(flag for flag, on in zip(program.flags, chosen, strict=True) if on))
        if isinstance(ended, TooLong):
            return None
        if ended is not None:
            raise ended
        runs.append(happened)
    return compare(told(PATH, program.text), runs)


def campaign(count: int, number: int) -> Tally:
    """Generate programs from a seed and compare each of them."""
    tally = Tally()
    torch.set_num_threads(1)

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(programs())
    def each(program: Program) -> None:
        try:
            verdict = judged(program)
        except Exception:
            tally.counterexamples.append(f"{program.text}\n# {traceback.format_exc()}")
            return
        tally.programs += 1
        if verdict is None:
            tally.long += 1
            return
        tally.forwards += verdict.forwards
        if verdict.unsound:
            tally.counterexamples.append(f"{program.text}\n# {'; '.join(verdict.unsound)}")
        if program.decided:
            tally.decided += 1
            tally.exact += verdict.exact
            tally.vague += len(verdict.vague)

    each()
    return tally


def fixture(path: Path) -> Verdict | str:
    """What the comparison of a fixture finds, or why it cannot be run here."""
    text = path.read_text("utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        happened, ended = run(compile(text, str(path), "exec"), most=BEGINNING)
    if ended is not None and not isinstance(ended, TooLong):
        return f"ends with {type(ended).__name__}: {ended}"
    if not happened:
        return "runs no network by itself"
    return compare(told(path, text), [happened])
