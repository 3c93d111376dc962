"""Whether a program has shuffled examples by hand: from then on the order of its arrays may mean nothing.

Which arrays are shuffled is not followed: `numpy.random.shuffle` works in place, an index is applied later.
"""

from __future__ import annotations

from bnlint.story.machine import Run

MIXING = frozenset({
    "shuffle", "permutation", "permuted", "train_test_split", "sample", "choice", "randperm", "StratifiedShuffleSplit",
    "ShuffleSplit", "KFold", "StratifiedKFold",
})  # fmt: skip
"""functions and methods of NumPy, random, pandas and scikit-learn"""


def noted(run: Run, name: str) -> None:
    """A function or method of a library is called."""
    if name.rpartition(".")[2] in MIXING and not run.state.get("mixed"):
        run.memory.write(run.state, "mixed", True)


def mixed(run: Run) -> bool:
    return bool(run.state.get("mixed"))
