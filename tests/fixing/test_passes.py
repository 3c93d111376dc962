"""Passes: fixes that are in each other's way follow one another, and one that does not help is not kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bnlint.fixing.write import CannotWrite, write
from tests.linting import fixed, lint

TWO_NETWORKS = """\
import torch
from functools import partial
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 8), torch.randint(0, 2, (256,)))
loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
test = DataLoader(data, batch_size=32)
a = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8))
b = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8))
optimizer = torch.optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)


def train():
    for x, y in loader:
        loss = nn.functional.cross_entropy(b(a(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


"""


def left_of(rest: str, tmp_path: Path) -> str:
    """What all fixes leave of a program that begins with two networks and a function that trains them."""
    folder = tmp_path.resolve() / "case"
    folder.mkdir()
    path = folder / "program.py"
    path.write_text(TWO_NETWORKS + rest)
    result = fixed(folder)
    path.write_bytes(result.contents.get(path, path.read_bytes()))
    assert len(lint(folder).findings) == len(result.outcome.findings)
    return path.read_text().removeprefix(TWO_NETWORKS)


def test_two_networks_that_evaluate_in_one_loop_are_switched_one_after_the_other(tmp_path: Path) -> None:
    loop = "    with torch.no_grad():\n        for x, y in test:\n            print(b(a(x)).argmax(1) == y)\n"
    assert left_of(f"for epoch in range(3):\n    train()\n{loop}", tmp_path) == (
        "for epoch in range(3):\n    train()\n"
        f"    b.eval()\n    a.eval()\n{loop}    a.train()\n    b.train()\n"
    )


def test_nothing_is_put_back_where_training_starts_with_train(tmp_path: Path) -> None:
    loop = "    for x, y in test:\n        print(a(x).argmax(1) == y)\n"
    assert left_of(f"for epoch in range(3):\n    a.train()\n    train()\n{loop}", tmp_path) == (
        f"for epoch in range(3):\n    a.train()\n    train()\n    a.eval()\n{loop}"
    )


def test_a_loop_of_one_line_is_switched_before(tmp_path: Path) -> None:
    loop = "with torch.no_grad():\n    for x, y in test: print(a(x).argmax(1))\n"
    assert left_of(f"train(); print('trained')\n{loop}", tmp_path) == f"train(); print('trained')\na.eval()\n{loop}"


def test_a_network_that_a_loop_names_is_switched_within(tmp_path: Path) -> None:
    text = "train()\nfor net in [a, b]:\n    for x, y in test:\n        print(net(x).argmax(1))\n"
    assert left_of(text, tmp_path) == text.replace("    for x", "    net.eval()\n    for x")


@pytest.mark.parametrize(
    "text",
    [
        "train()\nf = partial(a)\nfor x, y in test:\n    print(f(x).argmax(1))\n",
        "train()\nf = lambda x: a(x)\nfor x, y in test:\n    print(f(x).argmax(1))\n",
        "train()\nprint([net(x).argmax(1) for net in [a, b] for x, y in test])\n",
        "a[1].eval()\nfor epoch in range(3):\n    train()\n    for x, y in test:\n        print(a(x).argmax(1))\n",
        "def first(net):\n    for x, y in test:\n        return net(x).argmax(1)\n\n\n"
        "for epoch in range(3):\n    train()\n    print(first(a))\n",
    ],
    ids=["of a partial", "in a lambda", "named by a comprehension", "partly frozen", "left by a return"],
)
def test_what_cannot_be_fixed_for_sure_is_left(text: str, tmp_path: Path) -> None:
    assert left_of(text, tmp_path) == text


def test_a_network_on_a_row_with_other_statements_is_switched_there(tmp_path: Path) -> None:
    text = "train(); torch.jit.trace(a, torch.randn(2, 8)).save('a.pt')\n"
    assert left_of(text, tmp_path) == text.replace("torch.jit", "a.eval(); torch.jit")


def test_a_suppression_that_a_fix_makes_superfluous_goes_with_it(tmp_path: Path) -> None:
    text = "train()\nfor x, y in test:\n    print(a(x).argmax(1))\n    print(a(x).argmax(1))  # noqa: BN201\n"
    assert left_of(text, tmp_path) == text.replace("for x", "a.eval()\nfor x").replace("  # noqa: BN201", "")


# --- writing ---------------------------------------------------------------------------------


def test_a_file_that_has_changed_meanwhile_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"new\n")
    with pytest.raises(CannotWrite, match="was changed while it was linted"):
        write(path, b"fixed\n", b"old\n")
    assert path.read_bytes() == b"new\n"
    assert os.listdir(tmp_path) == ["a.py"]


def test_a_file_that_is_gone_or_read_only_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="cannot be written"):
        write(tmp_path / "a.py", b"fixed\n", b"old\n")
    path = tmp_path / "b.py"
    path.write_bytes(b"old\n")
    path.chmod(0o444)
    with pytest.raises(CannotWrite, match="is read-only"):
        write(path, b"fixed\n", b"old\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
