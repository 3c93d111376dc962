"""The house keeps its own rules: floors, sizes, what a rule may use, and that every rule is complete."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bnlint.boundaries import pairs
from bnlint.builtin import BUILTIN
from bnlint.rulebook import load_file, load_rules, rule_files, rules_of
from tests import readme_table
from tests.linting import CHECKOUT

PACKAGE = CHECKOUT / "bnlint"
SOURCES = sorted(PACKAGE.rglob("*.py"))
LONG, TOO_LONG = 400, 450

FLOORS: tuple[frozenset[str], ...] = (
    # lowest first; a room may import rooms of its own floor and of those below
    frozenset({"__init__", "findings"}),
    frozenset({"cells"}),
    frozenset({"read", "program"}),
    frozenset({"suppress", "project"}),
    frozenset({"story"}),
    frozenset({"judging"}),
    frozenset({"rule"}),
    frozenset({"baseline"}),
    frozenset({"builtin"}),
    frozenset({"rulebook", "select", "boundaries", "outcome"}),
    frozenset({"config"}),
    frozenset({"answers", "cache", "fixing"}),
    frozenset({"analysis"}),
    frozenset({"check", "report"}),
    frozenset({"inspecting"}),
    frozenset({"cli", "__main__"}),
)
MAY_IMPORT_LIBCST = ("program",)
MAY_IMPORT_RICH = ("cli/progress.py", "report/full.py", "report/terminal_page.py", "inspecting/as_tree.py")
RULES_MAY_IMPORT = frozenset({"findings", "rule", "judging", "story", "project", "program"})


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    return next((number for number, rooms in enumerate(FLOORS) if name in rooms), -1)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(path: Path, *, typing_only: bool = False) -> Iterator[str]:
    """Dotted names of the modules that a file imports anywhere, those for type checkers alone only if asked for."""
    waiting: list[ast.AST] = [tree(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not typing_only:
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "bnlint" else [module]
        waiting.extend(ast.iter_child_nodes(node))


def own_rooms(path: Path) -> set[str]:
    found = set()
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "bnlint" and len(parts) > 1 and not parts[1].startswith("__"):
            found.add(parts[1])
    return found


def relative(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_room_imports_only_what_lies_below_it(path: Path) -> None:
    mine = floor(room(path))
    assert mine >= 0, f"{room(path)} stands on no floor: declare it in FLOORS"
    above = {name for name in own_rooms(path) if floor(name) > mine}
    assert above == set()


@pytest.mark.parametrize("path", [*SOURCES, *rule_files()], ids=relative)
def test_a_file_is_short_and_says_what_it_is_for(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= TOO_LONG, f"more than {LONG} lines is two jobs"
    assert ast.get_docstring(tree(path)), "no docstring"


def test_libcst_is_known_to_the_lowering_room_only() -> None:
    users = {room(path) for path in SOURCES if any(name.split(".")[0] == "libcst" for name in imported(path, typing_only=True))}
    assert users <= set(MAY_IMPORT_LIBCST)


def test_slow_parts_of_libcst_are_never_used() -> None:
    slow = re.compile(r"libcst\.(matchers|metadata)|MetadataWrapper|CSTVisitor|CSTTransformer")
    assert [relative(path) for path in SOURCES if slow.search(path.read_text("utf-8"))] == []


def test_rich_is_known_to_the_rooms_that_draw_only() -> None:
    users = [path for path in SOURCES if any(name.split(".")[0] == "rich" for name in imported(path, typing_only=True))]
    assert {path.relative_to(PACKAGE).as_posix() for path in users} <= set(MAY_IMPORT_RICH)


def test_machine_formats_import_neither_rich_nor_libcst_when_there_is_nothing_to_parse(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("print('no network here')\n")
    program = (
        "import sys\nfrom bnlint.cli.main import main\n"
        "try:\n    main(['check', '--no-cache', '--output-format', 'json', sys.argv[1]])\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "assert not {'rich', 'libcst'} & set(sys.modules), 'imported without need'\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=CHECKOUT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "[]\n"


def test_analysed_code_is_never_executed_and_caches_hold_data_only() -> None:
    modules = {"pickle", "marshal", "shelve", "dill", "runpy"}
    for path in SOURCES:
        assert not modules & {name.split(".")[0] for name in imported(path)}, relative(path)
        own = {node.name for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)}
        called = {node.func.id for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        assert not {"eval", "exec", "compile", "__import__"} & (called - own), relative(path)


def test_no_drawer_modules() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert [relative(path) for path in [*SOURCES, *rule_files()] if path.stem in drawers] == []


# --- rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_rule_file_holds_exactly_one_rule_named_like_the_file(path: Path) -> None:
    rules = rules_of(load_file(path))
    assert len(rules) == 1, "the file declares no rule" if not rules else "the file declares several rules"
    assert path.stem == f"{rules[0].code.lower()}_{rules[0].name.replace('-', '_')}"


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_rule_page_begins_with_a_sentence(path: Path) -> None:
    first = rules_of(load_file(path))[0].page.split("\n\n", 1)[0]
    assert not first.startswith("#"), first
    assert first.endswith("."), first


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_rule_imports_only_bnlint_and_the_standard_library(path: Path) -> None:
    foreign = {name for name in imported(path) if name.split(".")[0] not in {*sys.stdlib_module_names, "bnlint"}}
    assert foreign == set()
    assert own_rooms(path) <= RULES_MAY_IMPORT


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_rule_has_fixtures_that_are_wrong_and_fixtures_that_are_right(path: Path) -> None:
    folder = CHECKOUT / "fixtures" / path.stem
    cases = [case.name for case in folder.glob("*") if not case.name.endswith(".fixed.py")]
    least = 3 if rules_of(load_file(path))[0].default else 2
    assert sum(name.startswith("bad_") for name in cases) >= least, f"fewer than {least} bad_ cases in {relative(folder)}"
    assert sum(name.startswith("good_") for name in cases) >= least, f"fewer than {least} good_ cases in {relative(folder)}"


def test_every_fixture_belongs_to_a_rule() -> None:
    known = {path.stem for path in rule_files()}
    folders = {path.name for path in (CHECKOUT / "fixtures").iterdir() if path.is_dir()}
    # the showcase is a small project with mistakes of several kinds, the whole programs are right, or wrong in one place
    assert sorted(folders - known - {"showcase", "whole_programs"}) == []


def messages(path: Path) -> Iterator[str]:
    """The literal beginnings of the messages that a rule gives to its reports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Report", "Step"):
            given = [word.value for word in node.keywords if word.arg == "message"] or node.args[:1]
            for value in given:
                if isinstance(value, ast.JoinedStr) and value.values:
                    yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in value.values)  # type: ignore[misc]
                elif isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_messages_are_one_line_without_a_full_stop(path: Path) -> None:
    for message in messages(path):
        assert "\n" not in message
        assert not message.endswith("."), message
        first = message.split()[0] if message.split() else ""
        # names such as BatchNorm2d and abbreviations such as DDP keep their capitals
        assert not re.fullmatch(r"[A-Z][a-z]+", first), f"begins with a capital: {message}"


def test_no_two_rules_share_a_code_or_a_name() -> None:
    keys = [key for rule in (*BUILTIN, *load_rules()) for key in (rule.code, rule.name)]
    assert len(keys) == len(set(keys))


def test_boundaries_never_silence_in_a_circle() -> None:
    over: dict[str, set[str]] = {}
    for specific, general in pairs():
        over.setdefault(specific, set()).add(general)

    def below(code: str, seen: frozenset[str]) -> None:
        assert code not in seen, f"{code} silences itself"
        for general in over.get(code, ()):
            below(general, seen | {code})

    for code in over:
        below(code, frozenset())


def test_readme_lists_the_rules() -> None:
    text = readme_table.README.read_text("utf-8")
    assert readme_table.between_marks(text) == readme_table.table(), "run: python -m tests.readme_table"


def test_the_wheel_is_told_of_every_package() -> None:
    text = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    listed = set(re.findall(r'^    "(bnlint[\w.]*)",$', text, re.MULTILINE))
    folders = {path.parent.relative_to(CHECKOUT).as_posix().replace("/", ".") for path in SOURCES}
    assert listed == folders | {"bnlint.rules"}
