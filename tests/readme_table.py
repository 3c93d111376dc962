"""The table of rules in README.md: `python -m tests.readme_table` writes it, a house test compares it.

It stands between two marks; nothing else of README.md is touched.
"""

from __future__ import annotations

from bnlint.report.rule_page import summary
from bnlint.rulebook import load_rules
from tests.linting import CHECKOUT

README = CHECKOUT / "README.md"
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"


def table() -> str:
    lines = ["| Code | Name | Default | Severity | Frameworks | What it finds |", "|---|---|---|---|---|---|"]
    for rule in load_rules():
        default = "on" if rule.default else "off"
        about = summary(rule).replace("|", "\\|")
        lines.append(f"| {rule.code} | {rule.name} | {default} | {rule.severity} | {', '.join(rule.frameworks)} | {about} |")
    return "\n".join(lines)


def between_marks(text: str) -> str:
    """Raises ValueError when a mark is missing."""
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def main() -> None:
    text = README.read_text("utf-8")
    start, stop = text.index(BEGIN) + len(BEGIN), text.index(END)
    README.write_text(f"{text[:start]}\n{table()}\n{text[stop:]}", "utf-8")


if __name__ == "__main__":
    main()
