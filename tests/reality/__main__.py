"""`python -m tests.reality [PROGRAMS [SEED]]`: compare the story with what happens in thousands of generated programs.

`python -m tests.reality fixtures [WORD]`: in the fixtures that run by themselves, those with the word in their name.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter

from tests.reality.checking import campaign
from tests.reality.fixtures import check, subjects

PRECISE = 0.97


def generated(count: int, number: int) -> bool:
    tally = campaign(count, number)
    for text in tally.counterexamples[:3]:
        print(text, end="\n\n")
    print(f"{tally.programs} programs ({tally.long} too long to run), {tally.forwards} different forwards")
    print(f"{len(tally.counterexamples)} counterexamples")
    places = tally.exact + tally.vague
    print(f"{tally.decided} decided programs: {tally.exact} of {places} places told exactly, {tally.precision:.1%}")
    return not tally.counterexamples and tally.precision >= PRECISE


def fixtures(word: str) -> bool:
    ran = whole = forwards = wrong = 0
    skipped: Counter[str] = Counter()
    found = [subject for subject in subjects() if word in subject.name]
    for subject in found:
        outcome = check(subject)
        if outcome.verdict is None:
            print(f"{subject.name}: not run: {outcome.ended}")
            skipped[outcome.ended.partition(":")[0]] += 1
            continue
        ran += 1
        whole += not outcome.ended
        forwards += outcome.verdict.forwards
        wrong += bool(outcome.verdict.unsound)
        until = f" (until {outcome.ended})" if outcome.ended else ""
        for problem in outcome.verdict.unsound:
            print(f"{subject.name}: {problem}{until}")
    print(f"{len(found)} programs with PyTorch, {ran} of them apply a network when they run", end=" ")
    print(f"({whole} come to their end or are watched long enough), {forwards} different forwards")
    print("not run: " + ", ".join(f"{count} {reason}" for reason, count in skipped.most_common()))
    print(f"{wrong} programs do what is not told of them")
    return not wrong


warnings.simplefilter("ignore")
words = sys.argv[1:]
if words and words[0] == "fixtures":
    right = fixtures(words[1] if len(words) > 1 else "")
else:
    right = generated(int(words[0]) if words else 2_000, int(words[1]) if len(words) > 1 else 0)
sys.exit(not right)
