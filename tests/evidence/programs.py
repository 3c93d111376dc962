"""The pairs of programs, what they need, and what they tell when they run in a process of their own."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

from tests.evidence.claims import Claim
from tests.linting import CHECKOUT

FRAMEWORKS = ("torch", "tensorflow", "tf_keras", "keras", "jax", "flax", "onnx", "opacus")
LAST_LINE = re.compile(r"(?P<metric>[^:\n]+): (?P<figure>\S+)")
SECONDS = 300
# one thread: sums are added in one order, hence the same figures on every machine that adds alike
SURROUNDINGS = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


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


def missing(pair: Pair) -> list[str]:
    """The frameworks that the pair needs and that are not installed."""
    return [name for name in needs(pair.bad) if name not in packages_distributions()]


def versions(pair: Pair) -> str:
    """`torch 2.13.0, opacus 1.6.0`: what is installed of what the pair needs."""
    installed = packages_distributions()
    return ", ".join(f"{name} {version(installed[name][0]).split('+')[0]}" for name in needs(pair.bad))


def run(program: Path) -> tuple[str, str]:
    """Metric and figure that a program prints last; of one that raises the metric is empty, the figure the exception's name.

    Raises ProgramError if it does neither, or takes longer than `SECONDS`.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-W", "ignore", str(program)],
                cwd=folder,
                env=os.environ | SURROUNDINGS,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise ProgramError(f"{program.name} runs longer than {SECONDS} s") from None
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines() or [""]
    if done.returncode:
        raised = re.match(r"(?:\w+\.)*(\w+)(?=:|$)", lines[-1])
        if raised is None:
            raise ProgramError(f"{program.name} ends with status {done.returncode}: {lines[-1]}")
        return "", raised[1]
    told = LAST_LINE.fullmatch(lines[-1])
    if told is None:
        raise ProgramError(f"{program.name} ends without a line `metric: figure`: {lines[-1]!r}")
    return told["metric"], told["figure"]


def show(pair: Pair) -> Claim:
    """Run both programs of a pair side by side. Raises ProgramError."""
    with ThreadPoolExecutor(2) as pool:
        (bad_metric, bad), (good_metric, good) = pool.map(run, (pair.bad, pair.good))
    if not good_metric:
        raise ProgramError(f"{pair}: the good program raises {good}")
    if bad_metric and bad_metric != good_metric:
        raise ProgramError(f"{pair}: the twins measure different things, {bad_metric!r} and {good_metric!r}")
    return Claim(good_metric[:1].upper() + good_metric[1:], bad, good, versions(pair))
