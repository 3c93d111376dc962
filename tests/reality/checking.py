"""Generated programs are told, run with each of their flags set and not set, and compared."""

from __future__ import annotations

import itertools
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.reality.comparing import Verdict, compare, told
from tests.reality.generating import Program, programs
from tests.reality.recording import Happened, TooLong, run
from tests.reality.stand_ins import in_place


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
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        texts = {root / name: text for name, text in program.files}
        for path, text in texts.items() if len(texts) > 1 else ():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        runs = happened_in(program, texts)
        return compare(told(root, texts), runs) if runs is not None else None


def happened_in(program: Program, texts: dict[Path, str]) -> list[list[Happened]] | None:
    """What happens in a program with each of its flags set and not set."""
    *_, entry = texts
    code = compile(texts[entry], str(entry), "exec")
    runs = []
    for chosen in itertools.product((False, True), repeat=len(program.flags)):
        argv = tuple(flag for flag, on in zip(program.flags, chosen, strict=True) if on)
        with in_place(entry.parent):
            happened, ended = run(code, argv, files=[str(path) for path in texts], follow="env." in program.text)
        if isinstance(ended, TooLong) or (isinstance(ended, RuntimeError) and "inference tensor" in str(ended).lower()):
            return None  # a batch norm that was built in inference mode may not be trained outside of it
        if ended is not None:
            raise ended
        runs.append(happened)
    return runs


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
