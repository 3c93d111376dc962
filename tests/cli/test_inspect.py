"""`bnlint inspect` through the command line: the tree, and the drawings that other programs read."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from tests.linting import CHECKOUT
from tests.read.notebooks import notebook

SHOWCASE = CHECKOUT / "fixtures" / "showcase" / "robot_learning"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["inspect", "--no-cache", *arguments])


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)


def test_the_tree_tells_networks_then_what_happens() -> None:
    result = run(str(SHOWCASE))
    assert result.exit_code == 0
    assert "[5] ConvPolicy  torch  built agent.py:19, class models.py:14" in result.stdout
    assert "3 × BatchNorm2d(num_features=16|32)  models.py:9" in result.stdout
    (acting,) = [line for line in result.stdout.splitlines() if " acting " in line]
    for word in ("[5] ConvPolicy", "● train mode", "batch 1 ", "no gradient", "agent.py:28 in act"):
        assert word in acting
    assert "\x1b" not in result.stdout
    assert "\x1b[" in run(str(SHOWCASE), "--color", "always").stdout


def test_json_names_every_key_and_null_for_the_unknown() -> None:
    document = json.loads(run(str(SHOWCASE), "--output-format", "json").stdout)
    assert [network["id"] for network in document["networks"]] == [1, 2, 3, 4, 5]
    turns = [turn for entry in document["entries"] for turn in entry["timeline"]]
    assert len({frozenset(turn) for turn in turns}) == 1
    (acting,) = [turn for turn in turns if turn["purpose"] == "acting"]
    assert (acting["mode"], acting["batch"], acting["gradient"]) == ("train", 1, False)
    assert acting["filename"] == "fixtures/showcase/robot_learning/agent.py"
    assert any(turn["batch"] is None for turn in turns)
    assert document["unfollowed"][0]["filename"].endswith("grasp_net_caffe.py")


def test_mermaid_is_a_flow_chart_whose_boxes_are_closed() -> None:
    lines = [line.strip() for line in run(str(SHOWCASE), "--output-format", "mermaid").stdout.splitlines()]
    assert lines[0] == "flowchart TB"
    assert sum(line.startswith("subgraph") for line in lines) == lines.count("end")
    assert any("[5] ConvPolicy: acting<br/>train mode, batch 1, no gradient<br/>agent.py:28" in line for line in lines)


def test_svg_is_well_formed_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "map.svg"
    result = run(str(SHOWCASE), "--output-format", "svg", "--output-file", str(file))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "the map of 5 networks is written to" in result.stderr
    text = file.read_text("utf-8")
    root = xml.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("drawing", ["text", "json", "mermaid", "svg"])
def test_nothing_to_draw_is_said(tmp_path: Path, drawing: str) -> None:
    (tmp_path / "plain.py").write_text("print('no network here')\n")
    result = run(str(tmp_path), "--output-format", drawing)
    assert result.exit_code == 0
    wanted = '"networks": []' if drawing == "json" else "o network with batch norm is seen"
    assert wanted in result.stdout


def test_a_missing_path_exits_with_2() -> None:
    assert run("missing").exit_code == 2


def test_names_with_signs_of_markup_are_taken_literally(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "import torch\nfrom torch import nn\n"
        "net = nn.Sequential(nn.BatchNorm1d(8 if '<b>&\"' else 4))\n"
        "for x in [torch.rand(4, 8), '<&\">']:\n    net(x).sum().backward()\n"
    )
    xml.fromstring(run(str(tmp_path), "--output-format", "svg").stdout)
    assert "#lt;#amp;#quot;#gt;" in run(str(tmp_path), "--output-format", "mermaid").stdout


def test_the_map_of_a_notebook_names_its_cells(tmp_path: Path) -> None:
    build = "import torch\nfrom torch import nn\nwidth = 2 * 4\nnet = nn.Sequential(nn.BatchNorm1d(int(width)))\n"
    (tmp_path / "a.ipynb").write_bytes(notebook("%pylab", build, "x = (1,\ny", "# scores\nprint(net(torch.rand(4, 8)))"))
    text = run(str(tmp_path)).stdout
    assert "built a.ipynb:cell 2:4" in text
    assert "BatchNorm1d(num_features=int(width))" in text or "BatchNorm1d(num_features=8)" in text
    assert "a.ipynb:cell 4:2" in text
    assert "the cell cannot be read" in text
    assert "a.ipynb:cell 3:" in text
    document = json.loads(run(str(tmp_path), "--output-format", "json").stdout)
    assert (document["networks"][0]["built"]["cell"], document["networks"][0]["built"]["location"]["row"]) == (2, 4)
    assert [turn["cell"] for entry in document["entries"] for turn in entry["timeline"]] == [4]
    for drawing in ("svg", "mermaid"):
        assert "cell 4:2" in run(str(tmp_path), "--output-format", drawing).stdout


def test_the_loop_of_a_notebook_is_told_by_its_line(tmp_path: Path) -> None:
    build = "import torch\nfrom torch import nn\nnet = nn.Sequential(nn.BatchNorm1d(8))\n"
    (tmp_path / "a.ipynb").write_bytes(notebook(build, "for x in [1, 2]:\n    net(torch.rand(4, 8)).sum().backward()"))
    assert "for x in [1, 2]  a.ipynb:cell 2:1" in run(str(tmp_path)).stdout
