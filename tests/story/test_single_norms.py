"""What the story tells of single batch norms: read or not, at which steps, on which positions, picked by which question."""

from __future__ import annotations

from textwrap import dedent

from bnlint.program.lower import parse_program
from bnlint.story import reads
from bnlint.story.events import Forward, Narrow, Padded, Recurring
from bnlint.story.values import Lib
from tests.story.programs import stories

SEQUENCES = """\
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

    bn = nn.BatchNorm1d(16)
    lstm = nn.LSTM(8, 16, batch_first=True)
    padded = pad_sequence([torch.randn(n, 8) for n in (5, 3)], batch_first=True)
"""


def padded_rows(text: str) -> list[int]:
    return [event.where.place.row for story in stories(dedent(SEQUENCES) + dedent(text)) for event in story.of(Padded)]


def recurring(forward: str) -> int:
    """How many batch norms a network with this `forward` applies at every step of a recurrence."""
    text = """\
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self, depth):
                super().__init__()
                self.bn = nn.BatchNorm1d(8)
                self.cell = nn.GRUCell(8, 8)
                self.norms = nn.ModuleList([nn.BatchNorm1d(8) for _ in range(depth)])

            def forward(self, x, h):
        """
    whole = dedent(text) + "".join(f"        {line}\n" for line in dedent(forward).splitlines())
    whole += "\ndef main(depth):\n    Net(depth)(torch.randn(4, 6, 8), torch.zeros(4, 8)).sum().backward()\n"
    return sum(len(story.of(Recurring)) for story in stories(whole))


def test_an_attribute_that_is_only_assigned_is_not_read() -> None:
    found = reads.read_by(parse_program("self.a = self.b\nself.c, x.d = y\nself.e[0] = z\n").body)
    assert found.own == {"b", "e"}
    assert found.foreign == set()


def test_parts_asked_for_by_computed_names_may_be_any() -> None:
    assert reads.read_by(parse_program('getattr(self, f"bn{i}")\n').body).computed
    assert reads.read_by(parse_program("list(self.children())\n").body).computed
    named = reads.read_by(parse_program('getattr(self, "bn1")\nweights["layer.bn2.weight"]\nprint("the bn3 layer")\n').body)
    assert not named.computed
    assert {"bn1", "bn2"} <= named.words
    assert "bn3" not in named.words


def test_a_norm_on_the_state_of_a_cell_is_recurrent() -> None:
    assert recurring("for t in range(x.size(1)):\n    h = self.bn(self.cell(x[:, t], h))\nreturn h\n") == 1
    assert recurring("t = 0\nwhile t < 6:\n    h = self.cell(self.bn(h), h)\n    t += 1\nreturn h\n") == 1


def test_frames_and_layers_in_a_loop_are_not_recurrent() -> None:
    assert recurring("for t in range(x.size(1)):\n    h = self.cell(self.bn(x[:, t]), h)\nreturn h\n") == 0
    assert recurring("for norm in self.norms:\n    h = norm(h)\nreturn h\n") == 0
    assert recurring("for i in range(len(self.norms)):\n    h = self.norms[i](h)\nreturn h\n") == 0


def test_padding_is_known_through_layers_and_views() -> None:
    assert padded_rows("bn(nn.Linear(8, 16)(padded).view(-1, 16))\n") == [8]
    assert padded_rows("out, _ = pad_packed_sequence(lstm(padded)[0])\nbn(out.transpose(1, 2))\n") == [9]


def test_padding_is_gone_with_the_time_axis() -> None:
    assert padded_rows("out, (h, c) = lstm(padded)\nbn(h.squeeze(0))\n") == []
    assert padded_rows("out, _ = lstm(padded)\nbn(out[:, -1])\n") == []
    assert padded_rows("out, _ = lstm(padded)\nbn(out.mean(1))\nbn(torch.max(out, dim=1)[0])\n") == []
    assert padded_rows("out, _ = lstm(pack_padded_sequence(padded, [5, 3]))\nbn(out.data)\n") == []


def test_a_sum_over_another_axis_keeps_the_padding() -> None:
    assert padded_rows("out, _ = lstm(padded)\nbn(out.view(2, 5, 2, 8).sum(2).transpose(1, 2))\n") == [9]


def test_layers_of_two_classes_are_told_apart_by_comparison() -> None:
    text = """\
        from torch import nn
        net = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm2d(4))
        for m in net:
            if type(m) == nn.BatchNorm2d:
                m.eval()
        """
    (event,) = [event for story in stories(text) for event in story.of(Narrow)]
    assert [norm.cls for norm in event.picked] == [Lib("torch.nn.BatchNorm2d")]
    assert [norm.cls for norm in event.passed] == [Lib("torch.nn.BatchNorm1d")]


def test_a_recurrent_layer_gives_outputs_and_state() -> None:
    text = """\
        import torch
        from torch import nn
        net = nn.GRU(8, 16, batch_first=True)
        out, h = net(torch.randn(4, 5, 8))
        nn.Linear(16, 2)(out)
        nn.Linear(16, 2)(h)
        """
    forwards = [event for story in stories(text) for event in story.of(Forward)]
    assert [event.batch for event in forwards][1] == 4
