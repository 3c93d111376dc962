"""The cost of a command: processor time of all its processes, wall-clock time, and their memory taken together."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BETWEEN_SAMPLES = 0.05
"""seconds between two looks at the memory"""


@dataclass(frozen=True, slots=True)
class Cost:
    """cpu: user and system seconds of all processes; wall: seconds; peak: bytes, summed over the processes (0: not known)."""

    cpu: float
    wall: float
    peak: int

    def least(self, other: Cost) -> Cost:
        """The better of two runs in each figure: other programs can only make a run slower."""
        return Cost(min(self.cpu, other.cpu), min(self.wall, other.wall), min(self.peak, other.peak))


def cost_of(command: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end. Its output is thrown away; exit status 1 is what linters say when they found something."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks = [0]
    sampler = threading.Thread(target=_sample, args=(process, peaks), daemon=True)
    sampler.start()
    _, said = process.communicate()
    wall = time.monotonic() - started
    sampler.join()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command[:6])} ended with {process.returncode}: {said.decode(errors='replace')[-400:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, peaks[0])


def _sample(process: subprocess.Popen[bytes], peaks: list[int]) -> None:
    while process.poll() is None:
        peaks[0] = max(peaks[0], sum(map(_resident, _family(process.pid))))
        time.sleep(BETWEEN_SAMPLES)


def _family(pid: int) -> list[int]:
    """A process and all below it; /proc is Linux's."""
    found = [pid]
    for parent in found:
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
            for task in tasks:
                found += map(int, Path(f"/proc/{parent}/task/{task}/children").read_text().split())
        except OSError:
            continue
    return found


def _resident(pid: int) -> int:
    """Bytes of a process: what it shares with others (a forked child with its parent) counts in parts."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
