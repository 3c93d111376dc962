"""Print what bnlint costs on trees of Python files, beside `ast.parse`, `libcst.parse_module` and other linters.

    python -m tests.benchmark PATH... [--repeat 3] [--only cold,warm] [--scaling 10000,100000,1000000]

Every figure is the least of the repeats, taken in turn: a noisy machine makes runs slower, never faster. CPU is user and
system time of all processes, `ratio` is CPU as a multiple of `ast.parse` over all files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmark.measuring import Cost, cost_of, python
from tests.benchmark.trees import copied, leaf, scaled, sources

PARSE = """
import sys, warnings
from pathlib import Path
from {module} import {name} as parse
import gc
gc.disable()
warnings.simplefilter("ignore")
for path in Path(sys.argv[1]).rglob("*.py"):
    try:
        parse(path.read_bytes())
    except Exception:
        pass
"""


def bnlint(tree: Path, *options: str) -> list[str]:
    return python("-m", "bnlint", "check", str(tree), "--isolated", "--exit-zero", "--quiet", *options)


def commands(tree: Path, kept: Path) -> dict[str, tuple[list[str], Callable[[], object]]]:
    """What is measured by its name: the command, and what is done before each of its runs."""

    def nothing() -> None:
        pass

    def touch() -> None:
        with leaf(tree).open("ab") as file:
            file.write(b"\n# touched\n")

    found: dict[str, tuple[list[str], Callable[[], object]]] = {
        "python -c pass": (python("-c", "pass"), nothing),
        "bnlint --version": (python("-m", "bnlint", "--version"), nothing),
        "ast.parse": (python("-c", PARSE.format(module="ast", name="parse"), str(tree)), nothing),
        "libcst.parse_module": (python("-c", PARSE.format(module="libcst", name="parse_module"), str(tree)), nothing),
        "bnlint cold, 1 process": (bnlint(tree, "--no-cache", "--jobs=1"), nothing),
        f"bnlint cold, {os.cpu_count()} processes": (bnlint(tree, "--no-cache"), nothing),
        "bnlint cold, fills cache": (bnlint(tree, f"--cache-dir={kept}"), lambda: shutil.rmtree(kept, ignore_errors=True)),
        "bnlint warm": (bnlint(tree, f"--cache-dir={kept}"), nothing),
        "bnlint warm, 1 file touched": (bnlint(tree, f"--cache-dir={kept}"), touch),
    }
    for name, arguments in (
        ("ruff", ("check", "--isolated", "--no-cache", "--exit-zero", "--quiet")),
        ("flake8", ("--isolated", "--exit-zero")),
        ("torchfix", ("--isolated", "--select=ALL")),
    ):
        if program := shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
            found[name] = ([program, *arguments, str(tree)], nothing)
    return found


def measured(tree: Path, kept: Path, repeat: int, only: list[str]) -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    for _ in range(repeat):
        for name, (command, before) in commands(tree, kept).items():
            if only and name != "ast.parse" and not any(word in name for word in only):
                continue
            before()
            cost = cost_of(command, tree)
            found[name] = found[name].least(cost) if name in found else cost
    return found


def show(title: str, tree: Path, costs: dict[str, Cost]) -> None:
    files = list(sources(tree))
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    print(f"\n{title}: {len(files)} files, {lines:,} lines")
    print(f"  {'':30} {'CPU s':>8} {'wall s':>8} {'ratio':>7} {'peak MB':>8} {'files/s':>8} {'us/line':>8}")
    unit = costs["ast.parse"].cpu
    for name, cost in costs.items():
        print(
            f"  {name:30} {cost.cpu:8.2f} {cost.wall:8.2f} {cost.cpu / unit:7.1f} {cost.peak / 1e6:8.0f}"
            f" {len(files) / cost.wall:8.0f} {cost.cpu / lines * 1e6:8.1f}"
        )


def commit(path: Path) -> str:
    said = subprocess.run(["git", "-C", str(path), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return said.stdout.strip()[:12] or "no commit"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="", help="words of the names of what is measured")
    parser.add_argument("--scaling", default="", help="numbers of lines for a table of growing projects")
    given = parser.parse_args()
    only = [word for word in given.only.split(",") if word]
    paths = [path.resolve() for path in given.paths]
    for path in paths:
        print(f"{path.name} {commit(path)}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tree = copied(paths, place / "tree")
        show("tree", tree, measured(tree, place / "kept", given.repeat, only))
        for number, lines in enumerate(int(count) for count in given.scaling.split(",") if count):
            grown = scaled(paths, place / f"scaled{number}", lines)
            wanted = only or ["1 process", "warm"]
            show("one project", grown, measured(grown, place / f"kept{number}", given.repeat, wanted))
            shutil.rmtree(grown)


if __name__ == "__main__":
    main()
