"""`python -m tests.reality [PROGRAMS [SEED]]`: compare the story with what happens in thousands of generated programs."""

from __future__ import annotations

import sys
import warnings

from tests.reality.checking import campaign

PRECISE = 0.97

count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
number = int(sys.argv[2]) if len(sys.argv) > 2 else 0
warnings.simplefilter("ignore")
tally = campaign(count, number)
for text in tally.counterexamples[:3]:
    print(text, end="\n\n")
print(f"{tally.programs} programs ({tally.long} too long to run), {tally.forwards} different forwards")
print(f"{len(tally.counterexamples)} counterexamples")
places = tally.exact + tally.vague
print(f"{tally.decided} decided programs: {tally.exact} of {places} places told exactly, {tally.precision:.1%}")
sys.exit(bool(tally.counterexamples) or tally.precision < PRECISE)
