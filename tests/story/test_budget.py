"""What telling costs, in steps, for code that was made to be expensive: it grows with the code and with nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from bnlint.program.lower import parse_program
from bnlint.project.imports import Imports
from bnlint.project.project import Project
from bnlint.story import budget, machine
from bnlint.story.budget import WORK_PER_STEP
from bnlint.story.events import Forward, Story
from bnlint.story.framework import Switchboard
from bnlint.story.frameworks import all_frameworks
from bnlint.story.machine import Run
from bnlint.story.telling import load, tell
from tests.story.programs import NET, ROOT, stories, with_net


@contextmanager
def counted() -> Iterator[list[int]]:
    """The steps of each story that is told meanwhile."""
    found: list[int] = []
    spend = budget.Budget.spend

    def note(self: budget.Budget, bound: bool, steps: int) -> None:
        found.append(steps)
        spend(self, bound, steps)

    budget.Budget.spend = note  # type: ignore[method-assign]
    try:
        yield found
    finally:
        budget.Budget.spend = spend  # type: ignore[method-assign]


def cost(text: str) -> int:
    """All steps of a program's stories."""
    with counted() as steps:
        stories(text)
    return sum(steps)


def last_forward(text: str) -> bool:
    """Whether the story reaches the forward at the end of a program."""
    rows = len(dedent(text).rstrip().splitlines())
    return any(forward.where.place.row == rows for story in stories(text) for forward in story.of(Forward))


def tree(levels: int, body: str) -> str:
    """Functions each of which calls the next one twice."""
    functions = [f"def f{level}(x):\n    {body}\n    f{level + 1}(x)\n    return f{level + 1}(x)\n" for level in range(levels)]
    return "".join(functions) + f"def f{levels}(x):\n    {body}\n    return x\nf0(3)\n"


def indented(levels: int, line: str) -> str:
    return "".join(f"{'    ' * level}{line.format(level=level)}\n" for level in range(levels))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(tree(20, "pass"), id="quiet_call_trees"),
        pytest.param(tree(20, "y = [x]"), id="call_trees_that_allocate"),
        pytest.param(
            "def even(n):\n    return odd(n - 1) or odd(n)\ndef odd(n):\n    return even(n - 1) or even(n)\neven(input())\n",
            id="mutual_recursion",
        ),
        pytest.param(indented(8, "for i{level} in range(9):") + "    " * 8 + "y = 1\n", id="loops_in_loops"),
        pytest.param(indented(8, "for i{level} in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]:") + "    " * 8 + "y = 1\n", id="unrolled_loops"),
        pytest.param(indented(8, "while test():") + "    " * 8 + "y = 1\n", id="while_in_while"),
        pytest.param("x = list('abcdefgh')\n" + "x = [y" + " for y in [1, 2, 3, 4, 5, 6, 7, 8, 9]" * 8 + "]\n", id="comprehensions"),
        pytest.param(indented(60, "if test():") + "    " * 60 + "y = 1\n", id="ifs_in_ifs"),
        pytest.param("for x in [" + "f(1), " * 10_000 + "]:\n    y = x\n", id="a_loop_over_10_000_elements"),
        pytest.param(
            "def f(a):\n" + "".join(f"    if a == {i}:\n        return {i}\n" for i in range(10_000)) + "f(input())\n",
            id="a_function_of_10_000_branches",
        ),
        pytest.param(
            "".join(f"def f{i}(x):\n    return f{i + 1}(x)\n" for i in range(1_000)) + "f0(3)\n", id="a_chain_of_1_000_calls"
        ),
    ],
)
def test_one_entry_point_stays_far_below_its_budget(program: str) -> None:
    assert cost(program) < budget.STEPS_PER_ENTRY // 2


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(lambda n: "def f(a):\n" + "".join(f"    if a == {i}:\n        return {i}\n" for i in range(n)), id="returns"),
        pytest.param(lambda n: "".join(f"x{i} = {i} if test() else 0\n" for i in range(n)), id="conditional_expressions"),
        pytest.param(lambda n: "".join(f"if test():\n    x{i} = {i}\n" for i in range(n)), id="branches"),
        pytest.param(
            lambda n: "if a == 0:\n    x = 0\n" + "".join(f"elif a == {i}:\n    x = {i}\n" for i in range(n)), id="elif_chains"
        ),
        pytest.param(
            lambda n: "def f(a):\n" + "".join(f"    a.x{i} = {i}\n    if a.y{i}:\n        return 0\n" for i in range(n)), id="writes"
        ),
        pytest.param(lambda n: "class A:\n" + "".join(f"    def f{i}(self):\n        pass\n" for i in range(n)), id="methods"),
        pytest.param(lambda n: "table = {" + "".join(f"'{i}': f({i}), " for i in range(n)) + "}\n", id="tables"),
        pytest.param(lambda n: "x = 0\n" + "".join(f"x = (x, x, {i})\n" for i in range(n)), id="nested_tuples"),
        pytest.param(lambda n: "x = f()\n" + "".join("x = x + x\n" for _ in range(n)), id="sums_of_the_unknown"),
        pytest.param(lambda n: "x = f()\n" + "".join("x = [x, x]\n" for _ in range(n)), id="nested_lists"),
        pytest.param(
            lambda n: "class A0:\n    pass\n" + "".join(f"class A{i + 1}(A{i}):\n    pass\n" for i in range(min(n, 400))), id="bases"
        ),
        pytest.param(
            lambda n: "x = f()\n" + "".join(f"x = A(x) if test({i}) else B(x)\n" for i in range(n)), id="choices"
        ),
    ],
)  # fmt: skip
def test_twice_the_code_costs_about_twice_the_steps(program: object) -> None:
    assert callable(program)
    few = cost(program(250) + "\nf(input())\n")
    many = cost(program(1000) + "\nf(input())\n")
    assert many < 6 * few


def test_networks_in_a_list_are_built_and_run() -> None:
    text = with_net("models = [Net() for _ in range(200)]\nx = input()\nfor model in models:\n    model.eval()\nmodels[0](x)\n")
    assert last_forward(text)
    assert cost(text) < 10_000


def test_a_deep_hierarchy_of_networks_is_one_network() -> None:
    classes = "".join(f"class N{i + 1}({'Net' if i == 0 else f'N{i}'}):\n    pass\n" for i in range(50))
    assert last_forward(NET + classes + "N50()(input())\n")


def test_what_follows_an_expensive_call_is_still_told() -> None:
    assert last_forward(NET + tree(20, "y = [x]") + "model = Net()\nmodel(input())\n")


def test_five_hundred_files_in_a_circle_are_loaded_once_each() -> None:
    files = {f"m{i:03}.py": f"import m{(i + 1) % 500:03}\nvalue = {i}\n" for i in range(500)}
    with counted() as steps:
        told = stories(files)
    assert len(told) == 500
    assert sum(steps) < 5_000


def test_names_pass_along_a_long_chain_of_imports() -> None:
    files = {f"m{i:03}.py": f"from m{i + 1:03} import Net\n" for i in range(300)}
    told = stories({**files, "m300.py": NET, "train.py": "from m000 import Net\nNet()(input())\n"})
    assert sum(len(story.of(Forward)) for story in told) == 1


def test_a_story_that_runs_out_says_so_and_keeps_what_it_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "STEPS_PER_ENTRY", 100)
    monkeypatch.setattr(budget, "STEPS_AT_LEAST", 0)
    monkeypatch.setattr(budget, "STEPS_PER_LINE", 0)
    (told,) = stories(NET + "Net()(input())\n" + "x = [1]\n" * 200)
    assert told.exhausted
    assert told.of(Forward)


def test_entry_points_that_nothing_calls_share_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "POOL_UNBOUND", 1_200)
    functions = "".join(f"def evaluate{i}(model, x):\n    model.eval()\n" + "    model(x)\n" * 30 for i in range(20))
    told = [story for story in stories(functions) if not story.bound]
    assert len(told) == 20
    assert not told[0].exhausted
    assert told[-1].exhausted


def test_the_budget_grows_with_the_project() -> None:
    def pools(rows: int) -> tuple[int, int]:
        path = ROOT / "train.py"
        programs = {path: parse_program("x = 1\n" * rows)}
        found = budget.Budget(Project(ROOT, programs, Imports(ROOT, programs), frozenset(programs)))
        return found.bound, found.unbound

    assert pools(1000) > pools(10)


def test_work_in_memory_is_paid_for() -> None:
    path: Path = ROOT / "train.py"
    programs = {path: parse_program("if test():\n" + "".join(f"    x{i} = {i}\n" for i in range(100)))}
    run = Run(Project(ROOT, programs, Imports(ROOT, programs), frozenset(programs)), Switchboard(all_frameworks()))
    with counted() as steps:
        load(run, path)
    assert sum(steps) > 100 + 300 // WORK_PER_STEP


def test_the_same_project_is_told_twice_alike() -> None:
    def shape(told: list[Story]) -> list[tuple[str, int]]:
        return [(story.entry, len(story.events)) for story in told]

    text = with_net("def main(x):\n    model = Net()\n    for _ in range(3):\n        model(x)\nmain(input())\n")
    path = ROOT / "train.py"
    programs = {path: parse_program(text)}
    project = Project(ROOT, programs, Imports(ROOT, programs), frozenset(programs))
    assert shape(list(tell(project))) == shape(list(tell(project)))


def test_a_network_given_to_a_function_that_ran_too_often_may_be_in_either_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "RUNS", 2)
    monkeypatch.setattr(machine, "RUNS_SHARE", 10**9)
    calls = "model = Net()\nfreeze(model, input())\nmodel(3)\n" * 3
    told = stories(NET + "def freeze(model, path):\n    print(path)\n    model.eval()\n" + calls)
    found = [{mark.name for use in forward.norms for mark in use.modes} for story in told for forward in story.of(Forward)]
    assert found == [{"eval"}, {"eval"}, {"train", "eval"}]
