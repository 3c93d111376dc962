"""The pairs of programs, what they need, and what they tell when they run in a process of their own."""

from __future__ import annotations

import ast
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

from tests.evidence import running
from tests.evidence.claims import Claim
from tests.linting import CHECKOUT

FRAMEWORKS = ("torch", "tensorflow", "tf_keras", "keras", "jax", "flax", "onnx", "opacus")
SEEDED = re.compile(r"(?<=seed\()0(?=\))|(?<=RandomState\()0(?=\))|(?<=key\()0(?=\))")
LAST_LINE = re.compile(r"(?P<metric>[^:\n]+): (?P<figure>\S+)")


class ProgramError(Exception):
    """A program tells nothing; the message says which and what happened instead."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A program that the rule reports, and its twin that it does not."""

    code: str
    bad: Path
    good: Path

    def __str__(self) -> str:
        return f"{self.code}{self.bad.stem.removeprefix('bad_measured')}"


def pairs_of(rule_file: Path) -> list[Pair]:
    """The pairs of a rule by name."""
    folder = CHECKOUT / "fixtures" / rule_file.stem
    code = rule_file.stem.split("_")[0].upper()
    return [Pair(code, bad, bad.with_name("good" + bad.name[len("bad") :])) for bad in sorted(folder.glob("bad_measured*.py"))]


@cache
def needs(program: Path) -> tuple[str, ...]:
    """The frameworks that a program imports, in the order of `FRAMEWORKS`."""
    text = program.read_text("utf-8")
    # TensorFlow 2.16 and later take Keras 3, or Keras 2 from a package of its own
    names = {"tf_keras"} if "TF_USE_LEGACY_KERAS" in text else {"keras"} if "keras" in text else set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return tuple(name for name in FRAMEWORKS if name in names)


def seeded(pair: Pair) -> bool:
    """Whether the pair can run with another seed."""
    return SEEDED.search(pair.good.read_text("utf-8")) is not None


def missing(pair: Pair) -> list[str]:
    """The frameworks that the pair needs and that are not installed."""
    return [name for name in needs(pair.bad) if name not in packages_distributions()]


def versions(pair: Pair) -> str:
    """`torch 2.13.0, opacus 1.6.0`: what is installed of what the pair needs."""
    installed = packages_distributions()
    return ", ".join(f"{name} {version(installed[name][0]).split('+')[0]}" for name in needs(pair.bad))


def run(program: Path, seed: int = 0) -> tuple[str, str]:
    """Metric and figure that a program prints last; of one that raises the metric is empty, the figure the exception's name.

    seed: in place of the program's own, which is 0. Raises ProgramError if it does neither, or takes too long.
    """
    done = running.run(program.name, SEEDED.sub(str(seed), program.read_text("utf-8")), "torch" in needs(program))
    if done.status is None:
        raise ProgramError(f"{program.name} runs longer than {running.SECONDS} s")
    lines = (done.errors if done.status else done.out).strip().splitlines() or [""]
    if done.status:
        raised = re.match(r"(?:\w+\.)*(\w+)(?=:|$)", lines[-1])
        if raised is None:
            raise ProgramError(f"{program.name} ends with status {done.status}: {lines[-1]}")
        return "", raised[1]
    told = LAST_LINE.fullmatch(lines[-1])
    if told is None:
        raise ProgramError(f"{program.name} ends without a line `metric: figure`: {lines[-1]!r}")
    return told["metric"], told["figure"]


def show(pair: Pair, seed: int = 0) -> Claim:
    """Run both programs of a pair side by side. Raises ProgramError."""
    with ThreadPoolExecutor(2) as pool:
        (bad_metric, bad), (good_metric, good) = pool.map(run, (pair.bad, pair.good), (seed, seed))
    if not good_metric:
        raise ProgramError(f"{pair}: the good program raises {good}")
    if bad_metric and bad_metric != good_metric:
        raise ProgramError(f"{pair}: the twins measure different things, {bad_metric!r} and {good_metric!r}")
    return Claim(good_metric[:1].upper() + good_metric[1:], bad, good, versions(pair))
