"""Runs a program in a process of its own, in an empty folder, on one thread.

Importing PyTorch takes longer than most of the programs: theirs are forked from a process that has imported it and done
nothing else. Where there is no forking, and for other frameworks, each is a Python of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

SECONDS = 180
# one thread: sums are added in one order, hence the same figures on every machine that adds alike
SURROUNDINGS = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit status, None if it ran too long, and what it wrote."""

    status: int | None
    out: str
    errors: str


def run(name: str, text: str, preloaded: bool) -> Ended:
    """Run the text of a program under a file name; preloaded: whether it imports PyTorch, and may be forked from it."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, name)
        program.write_text(text, "utf-8")
        forking = forks() if preloaded else None
        return forked(forking, program) if forking is not None else started(program)


def started(program: Path) -> Ended:
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(program)],
            cwd=program.parent, env=os.environ | SURROUNDINGS, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ended(None, "", "")
    return Ended(done.returncode, done.stdout, done.stderr)


@cache
def forks() -> ForkServerContext | None:
    """Where processes are forked from, None where there is no forking."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return None
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.evidence.preloaded"])
    return context


def forked(context: ForkServerContext, program: Path) -> Ended:
    process = context.Process(target=be, args=(program,))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        assert process.pid is not None
        os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has started
        process.join()
        return Ended(None, "", "")
    told = [program.with_suffix(suffix).read_text("utf-8", "replace") for suffix in (".out", ".err")]
    return Ended(process.exitcode, *told)


def be(program: Path) -> None:
    """Become the program: what it prints goes into files beside it."""
    os.setsid()
    for number, suffix in ((1, ".out"), (2, ".err")):
        os.dup2(os.open(program.with_suffix(suffix), os.O_WRONLY | os.O_CREAT), number)
    os.chdir(program.parent)
    sys.argv = [str(program)]
    warnings.simplefilter("ignore")
    runpy.run_path(str(program), run_name="__main__")
