"""What the batch-norm map says of small programs: which networks, in which mode, for what, on which batch, in which loop."""

from __future__ import annotations

from pathlib import Path

from bnlint.config import settle
from bnlint.inspecting.atlas import Atlas, Turn
from bnlint.inspecting.drawing import draw
from bnlint.inspecting.nested import Loop, nested
from bnlint.inspecting.surveying import survey

NET = """
import copy
import torch
from torch import nn
from torch.utils.data import DataLoader

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.bn = nn.BatchNorm2d(width, eps=1e-3)
        self.out = nn.Linear(width, 2)
    def forward(self, x):
        return self.out(self.bn(self.conv(x)).mean((2, 3)))
"""
TRAINING = """
def validate(net, loader):
    net.eval()
    with torch.no_grad():
        for x, y in loader:
            print((net(x).argmax(1) == y).sum())

def main():
    net = Net()
    solver = torch.optim.SGD(net.parameters(), 0.1)
    loader = DataLoader(data, batch_size=32, drop_last=True)
    for epoch in range(10):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            solver.zero_grad()
            loss.backward()
            solver.step()
        validate(net, DataLoader(held_out, batch_size=50))

if __name__ == "__main__":
    main()
"""


def mapped(folder: Path, **files: str) -> Atlas:
    """The map of a project with these files."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    return survey([folder.resolve()], settle({}, {"cache": False, "jobs": 1}))[0]


def forwards(atlas: Atlas, entry: int = 0) -> list[Turn]:
    return [turn for turn in atlas.entries[entry].turns if not turn.switch]


def test_a_network_is_told_with_its_class_its_place_and_the_arguments_of_its_batch_norm(tmp_path: Path) -> None:
    atlas = mapped(tmp_path, models=NET, train="from models import *\n" + TRAINING)
    (network,) = atlas.networks
    assert (network.number, network.name, network.framework, network.certain) == (1, "Net", "torch", True)
    assert network.place is not None
    assert network.defined is not None
    assert (Path(network.place.path).name, Path(network.defined.path).name) == ("train.py", "models.py")
    (norm,) = network.norms
    assert (norm.kind, norm.count) == ("BatchNorm2d", 1)
    assert norm.arguments == (("num_features", ("8",)), ("eps", ("0.001",)))


def test_forwards_are_told_with_purpose_mode_batch_and_gradient(tmp_path: Path) -> None:
    atlas = mapped(tmp_path, train=NET + TRAINING)
    training, evaluation, later = forwards(atlas)
    assert (training.purpose, training.mode, training.batch, training.gradient) == ("training", "train", 32, True)
    assert (evaluation.purpose, evaluation.mode, evaluation.batch, evaluation.gradient) == ("evaluation", "eval", 50, False)
    assert (later.purpose, later.passes) == ("training", "later")


def test_a_mode_that_an_earlier_pass_leaves_behind_is_a_line_of_its_own(tmp_path: Path) -> None:
    first, _, later = forwards(mapped(tmp_path, train=NET + TRAINING))
    assert first.place == later.place
    assert (first.mode, first.passes) == ("train", "first")
    assert (later.mode, later.passes) == ("eval", "later")


def test_loops_hold_what_happens_in_them_and_the_inner_ones(tmp_path: Path) -> None:
    atlas = mapped(tmp_path, train=NET + TRAINING)
    (epochs,) = nested(atlas.entries[0].turns)
    assert isinstance(epochs, Loop)
    batches, switch, validation = epochs.body
    assert isinstance(batches, Loop)
    assert isinstance(validation, Loop)
    assert isinstance(switch, Turn)
    assert switch.switch == "eval()"
    assert len(batches.body) == 2


def test_what_repeats_in_every_pass_is_told_once(tmp_path: Path) -> None:
    restored = TRAINING.replace("in range(10):\n", "in range(10):\n        net.train()\n")
    assert [turn.purpose for turn in forwards(mapped(tmp_path, train=NET + restored))] == ["training", "evaluation"]


def test_networks_that_one_line_builds_for_two_callers_are_two(tmp_path: Path) -> None:
    program = """
def create():
    return Net().cuda()

student, teacher = create(), create()
teacher.eval()
for x, y in DataLoader(data, batch_size=16):
    with torch.no_grad():
        target = teacher(x)
    loss = ((student(x) - target) ** 2).mean()
    loss.backward()
"""
    atlas = mapped(tmp_path, train=NET + program)
    assert [network.name for network in atlas.networks] == ["Net", "Net"]
    assert {(turn.network, turn.mode) for turn in forwards(atlas)} == {(1, "eval"), (2, "train")}


def test_a_network_that_a_loop_builds_anew_is_one(tmp_path: Path) -> None:
    program = "\nfor seed in range(5):\n    net = Net()\n    net(torch.rand(4, 3, 8, 8)).sum().backward()\n"
    assert len(mapped(tmp_path, train=NET + program).networks) == 1


def test_what_is_done_to_a_network_is_noted_once(tmp_path: Path) -> None:
    program = """
net = Net()
for parameter in net.parameters():
    parameter.requires_grad = False
wrapped = nn.DataParallel(net)
wrapped.eval()
with torch.no_grad():
    print(wrapped(torch.load("x.pt")))
torch.save(net.state_dict(), "net.pt")
"""
    (network,) = mapped(tmp_path, use=NET + program).networks
    assert [note.text for note in network.notes] == [
        "parameters frozen by requires_grad",
        "wrapped by DataParallel",
        "parameters and statistics saved",
    ]


def test_what_cannot_be_told_is_said_to_be_unknown(tmp_path: Path) -> None:
    program = "\ndef use(net, x, flag):\n    return net(x)\n\ndef build():\n    return Net()\n"
    atlas = mapped(tmp_path, zoo=NET + program, broken="from torch.nn import BatchNorm2d\nnet = (\n")
    assert atlas.networks == ()
    said = [(found.text.split(":")[0], Path(found.place.path).name) for found in atlas.unfollowed]
    assert ("the file cannot be read", "broken.py") in said
    assert any(text.startswith("no network is seen to run through the BatchNorm2d") and name == "zoo.py" for text, name in said)


def test_only_what_concerns_the_files_that_were_passed_is_told(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    mapped(tmp_path, train=NET + TRAINING, other=NET + TRAINING)
    atlas = survey([tmp_path.resolve() / "train.py"], settle({}, {"cache": False, "jobs": 1}))[0]
    assert [Path(entry.path).name for entry in atlas.entries] == ["train.py"]
    assert len(atlas.networks) == 1


def test_the_layers_that_a_function_puts_into_a_graph_are_one_network(tmp_path: Path) -> None:
    program = """
import tensorflow as tf

def block(x, name, training):
    with tf.variable_scope(name):
        x = tf.layers.conv2d(x, 8, 3)
        return tf.layers.batch_normalization(x, training=training)

training = tf.placeholder(tf.bool)
x = tf.placeholder(tf.float32, [None, 8, 8, 3])
out = block(block(block(x, "a", training), "b", training), "c", training)
loss = tf.reduce_mean(out ** 2)
step = tf.train.AdamOptimizer().minimize(loss)
with tf.Session() as session:
    for _ in range(9):
        session.run(step, {x: batch, training: True})
"""
    atlas = mapped(tmp_path, graph=program)
    assert len(atlas.networks) == 1
    assert [(turn.purpose, turn.mode) for turn in forwards(atlas)] == [("graph", "unknown"), ("training", "train")]


def test_networks_that_run_at_once_stand_on_one_line_of_the_tree(tmp_path: Path) -> None:
    program = """
import tensorflow as tf

def left(x):
    with tf.variable_scope("left"):
        return tf.layers.batch_normalization(tf.layers.dense(x, 8), training=True)

def right(x):
    with tf.variable_scope("right"):
        return tf.layers.batch_normalization(tf.layers.dense(x, 4), training=True)

x = tf.placeholder(tf.float32, [None, 8])
loss = tf.reduce_mean(left(x)) + tf.reduce_mean(right(x))
step = tf.train.AdamOptimizer().minimize(loss)
with tf.Session() as session:
    session.run(step, {x: batch})
"""
    atlas = mapped(tmp_path, graph=program)
    drawn = draw("text", atlas, tmp_path, lambda path, cell: [])
    (training,) = [line for line in drawn.splitlines() if " training " in line]
    assert "[1] [2]" in training
