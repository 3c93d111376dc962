"""Which batches share a step of the optimiser: what `zero_grad`, steps, loops and libraries make of the gradients."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from bnlint.story.events import Accumulated
from tests.story.programs import stories, with_net

LOADER = """
from torch.utils.data import DataLoader
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
loader = DataLoader(data(), batch_size=4)
scaler = torch.cuda.amp.GradScaler()
"""

CASES = {
    "a step in every eighth iteration": (
        """
        for i, x in enumerate(loader):
            net(x).mean().backward()
            if (i + 1) % 8 == 0 or i + 1 == len(loader):
                optimizer.step()
                optimizer.zero_grad()
        """,
        [("condition", 8)],
    ),
    "a scaler makes the step": (
        """
        for i, x in enumerate(loader):
            scaler.scale(net(x).mean()).backward()
            if not i % 2:
                scaler.step(optimizer)
                net.zero_grad()
        """,
        [("condition", 2)],
    ),
    "a counter of its own": (
        """
        waiting = 0
        for x in loader:
            net(x).mean().backward()
            waiting += 1
            if waiting == 8:
                optimizer.step()
                optimizer.zero_grad()
                waiting = 0
        """,
        [("condition", None)],
    ),
    "a step after a loop over pieces": (
        """
        for x in loader:
            optimizer.zero_grad()
            for piece in x.chunk(8):
                net(piece).mean().backward()
            optimizer.step()
        """,
        [("loop", None)],
    ),
    "a loop that an unknown number repeats": (
        """
        for x in loader:
            for _ in range(size()):
                net(x).mean().backward()
            optimizer.step()
        """,
        [],
    ),
    "gradients begin anew in every iteration": (
        """
        for i, x in enumerate(loader):
            optimizer.zero_grad()
            net(x).mean().backward()
            if i % 8 == 0:
                optimizer.step()
        """,
        [],
    ),
    "several losses of one forward": (
        """
        for x in loader:
            y = net(x)
            for loss in (y.mean(), y.pow(2).mean()):
                loss.backward(retain_graph=True)
            optimizer.step()
        """,
        [],
    ),
    "every iteration makes its step": (
        """
        for i, x in enumerate(loader):
            net(x).mean().backward()
            if i % 2:
                scaler.step(optimizer)
            else:
                optimizer.step()
        """,
        [],
    ),
    "accelerate counts": (
        """
        from accelerate import Accelerator
        accelerator = Accelerator(gradient_accumulation_steps=8)
        model, solver, batches = accelerator.prepare(net, optimizer, loader)
        for x in batches:
            with accelerator.accumulate(model):
                accelerator.backward(model(x).mean())
                solver.step()
                solver.zero_grad()
        """,
        [("trainer", 8)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_batches_that_share_a_step(case: str) -> None:
    text, expected = CASES[case]
    program = with_net(LOADER) + "def main():\n" + indent(dedent(text), "    ") + "\nmain()\n"
    found = [event for story in stories(program) for event in story.of(Accumulated)]
    assert sorted({(event.how, event.count) for event in found}, key=str) == expected
