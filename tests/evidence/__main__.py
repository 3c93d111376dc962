"""Run the evidence of all rules, or of those whose codes begin as given, and compare it with their pages.

    python -m tests.evidence [CODE...] [--write] [--seeds N]

`--write` puts what was measured on the pages; `--seeds` runs each program with that many seeds instead of the one of the
page, and asks of the others that the difference has the same direction. Exit status 1 if a run contradicts a page; what a
missing framework prevents is skipped and said.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from bnlint.rulebook import rule_files
from tests.evidence import claims, programs
from tests.evidence.claims import Claim
from tests.evidence.judging import contradiction, is_number, same_direction
from tests.evidence.programs import Pair, ProgramError


def verdict(pair: Pair, page: Claim | None, seeds: int, writing: bool) -> tuple[Claim | None, str]:
    """What was shown, and "as on the page" or what is the matter; of what will be written the page cannot be wrong."""
    if lacking := programs.missing(pair):
        return None, f"skipped: {' and '.join(lacking)} not installed"
    try:
        shown = programs.show(pair)
        others = [programs.show(pair, seed) for seed in range(1, seeds) if is_number(shown.good) and programs.seeded(pair)]
    except ProgramError as error:
        return None, f"failed: {error}"
    reason = None if writing else contradiction(page, shown) if page else "the page says nothing"
    if not all(same_direction(shown, other) for other in others):
        reason = "another seed shows the contrary"
    if others:
        shown = claims.with_others(shown, others)
    elif page and page.metric == shown.metric:
        shown = replace(shown, others=page.others)
    return shown, f"failed: {reason}" if reason else "written" if writing else "as on the page"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("codes", nargs="*", metavar="CODE", type=str.upper)
    parser.add_argument("--write", action="store_true", help="put what was measured on the pages")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="run each program with so many seeds")
    options = parser.parse_args()

    began, failed = time.monotonic(), 0
    table = Table("code", "metric", "bad", "good", "other seeds", "verdict", caption_justify="left")
    for rule_file in rule_files():
        pairs = [pair for pair in programs.pairs_of(rule_file) if not options.codes or pair.code.startswith(tuple(options.codes))]
        said = claims.claims(rule_file)
        kept: list[Claim] = []
        for number, pair in enumerate(pairs):
            page = said[number] if number < len(said) else None
            shown, outcome = verdict(pair, page, options.seeds, options.write)
            kept += [claim for claim in [shown or page] if claim]
            row = shown or page
            print(f"{pair}: {outcome}", *(str(row).splitlines() if row else ()), sep="\n    ", file=sys.stderr)
            table.add_row(str(pair), *((row.metric, row.bad, row.good, row.others) if row else [""] * 4), outcome)
            failed += outcome.startswith("failed")
        if options.write and pairs:
            claims.write(rule_file, kept)
    table.caption = f"{table.row_count} pairs of programs, {failed} failed, {time.monotonic() - began:.0f} s"
    Console(width=None if sys.stdout.isatty() else 180).print(table)
    return int(failed > 0)


sys.exit(main())
