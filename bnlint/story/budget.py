"""How much telling the stories of a project may cost: a budget for each entry point, and pools that all of them share.

A step is a statement or a call; memory's work is counted in, so that no way of writing code makes a step expensive.
The pools grow with the size of the project, so the whole stays linear. Counts, never clocks: two runs tell the same.
"""

from __future__ import annotations

from bnlint.project.project import Project

STEPS_PER_ENTRY = 120_000
STEPS_UNBOUND = 8_000
"""for an entry point that nothing calls"""
SHARE, SHARE_UNBOUND = 2, 8
"""No entry point takes more than a half, or an eighth, of what is left: those after it have to be told as well. Powers of
two, so that a few more lines in a file do not change what the entry points of others may take."""
STEPS_AT_LEAST = 1_000
"""for a module's body although the pool is empty: its names are needed; to this each line of the file adds a few"""
STEPS_PER_LINE = 2
POOL = 400_000
POOL_UNBOUND = 40_000
"""The first pool grows by two steps with each line of the project, the second by one with every other."""
RUNS = 400
RUNS_SHARE = 50
"""One function may run 400 times in an entry point: a wrapper that builds a graph's layers runs once for each of them. It
may run more often while there is plenty: while less than a third of the steps is spent, and no more often than a fiftieth
of them. After that its calls are not followed, and what comes later
in the program is still told."""
UNROLLED_IN_ALL = 144
"""passes over the innermost body of nested loops whose elements are known"""
WORK_PER_STEP = 48
"""entries of memory that are copied, joined or undone at the cost of one step"""


class Budget:
    """What is left for entry points that run with what their program gives them, and for those that nothing calls."""

    def __init__(self, project: Project) -> None:
        lines = sum(len(program.lines) for program in project.programs.values())
        self.bound = POOL + STEPS_PER_LINE * lines
        self.unbound = POOL_UNBOUND + lines // 2

    def allowed(self, bound: bool, lines: int) -> int:
        """The steps of the next entry point, which stands in a file of so many lines; 0 if it is not to run."""
        if bound:
            return max(min(STEPS_PER_ENTRY, rounded(self.bound // SHARE)), STEPS_AT_LEAST + STEPS_PER_LINE * lines)
        return min(STEPS_UNBOUND, rounded(self.unbound // SHARE_UNBOUND))

    def spend(self, bound: bool, steps: int) -> None:
        if bound:
            self.bound -= steps
        else:
            self.unbound -= steps


def rounded(steps: int) -> int:
    """Down to a power of two; 0 for what is none or less."""
    return 1 << (steps.bit_length() - 1) if steps > 0 else 0
