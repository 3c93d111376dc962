"""Generated programs are told, run with each of their flags set and not set, and compared."""

from __future__ import annotations

import itertools
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.reality.comparing import Verdict, compare, told
from tests.reality.generating import Program, programs
from tests.reality.recording import TooLong, run
from tests.reality.stand_ins import in_place

PATH = Path("/project/train.py")


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
        argv = tuple(flag for flag, on in zip(program.flags, chosen, strict=True) if on)
        with in_place(PATH.parent):
            happened, ended = run(code, argv, follow="env." in program.text)
        if isinstance(ended, TooLong):
            return None
        if ended is not None:
            raise ended
        runs.append(happened)
    return compare(told(PATH.parent, {PATH: program.text}), runs)


def campaign(count: int, number: int) -> Tally:
    """Generate programs from a seed and compare each of them."""
    tally = Tally()

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
