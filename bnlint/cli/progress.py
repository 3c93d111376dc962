"""The progress bar of a long run: on standard error, on a terminal, and only when the run takes a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""seconds that a run may take without a bar: most end earlier, and need not import rich"""


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Gives the function to call with what is being done, how many of these are done, and how many there are (0: not known)."""
    started = time.monotonic()
    bar: Progress | None = None
    task: TaskID | None = None

    def advance(doing: str, done: int, total: int) -> None:
        nonlocal bar, task
        if bar is None:
            if time.monotonic() - started < PATIENCE:
                return
            from rich.console import Console
            from rich.progress import Progress

            bar = Progress(console=Console(stderr=True), transient=True)
            bar.start()
            task = bar.add_task(doing)
        if task is not None:
            # how many entry points a project has is known when the last one is told
            bar.update(task, description=doing if total else f"{doing} {done}", completed=done, total=total or None)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()
