"""How often each code is reported, in place of the findings themselves: `--statistics`."""

from __future__ import annotations

import json
from collections import Counter

from bnlint.outcome import Outcome

FORMATS = ("full", "concise", "grouped", "json", "json-lines")
"""the output formats that can hold counts; all the others are made of findings"""


def render(output_format: str, outcome: Outcome) -> str:
    """The codes with the most findings first."""
    counts = Counter((finding.code, finding.name) for finding in outcome.findings)
    ranking = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [{"code": code, "name": name, "count": count} for (code, name), count in ranking]
    if output_format == "json":
        return json.dumps(rows, indent=2) + "\n"
    if output_format == "json-lines":
        return "".join(json.dumps(row) + "\n" for row in rows)
    width = len(str(ranking[0][1])) if ranking else 0
    return "".join(f"{count:>{width}}  {code}  {name}\n" for (code, name), count in ranking)
