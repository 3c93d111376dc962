"""Settings that extend what the story knows: further batch-norm classes and networks that hold one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bnlint.cli.main import main

PROGRAM = """
import torch
from somewhere import FancyNorm, build_net

def test(model, loader):
    with torch.no_grad():
        for x in loader:
            print(model(x))

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = FancyNorm(4)

    def forward(self, x):
        return self.norm(x)

if __name__ == "__main__":
    test({made}, torch.utils.data.DataLoader(load(), batch_size=8))
"""


@pytest.mark.parametrize(
    ("setting", "made"),
    [('batch-norm-classes = ["FancyNorm"]', "Net()"), ('models-with-batch-norm = ["somewhere.build_net"]', "build_net()")],
)
def test_a_class_or_network_of_the_settings_holds_batch_norm(tmp_path: Path, setting: str, made: str) -> None:
    (tmp_path / "train.py").write_text(PROGRAM.replace("{made}", made))
    command = ["check", str(tmp_path), "--no-cache", "--output-format", "concise"]

    without = CliRunner().invoke(main, command)
    (tmp_path / "pyproject.toml").write_text(f"[tool.bnlint]\n{setting}\n")
    with_it = CliRunner().invoke(main, command)

    assert "BN201" not in without.output
    assert "BN201" in with_it.output
