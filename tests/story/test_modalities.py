"""Which joins of inputs the story calls a mixture of different quantities, and what it says they share."""

from __future__ import annotations

import pytest

from bnlint.story.events import StackedModalities
from bnlint.story.frameworks.torch.quantities import different
from tests.story.programs import stories

HEAD = """\
import numpy as np
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader
loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
"""


def told(text: str) -> set[tuple[str, int, tuple[str, ...]]]:
    """What is shared, the axis of the join, and the quantities, of every event."""
    events = [event for story in stories(HEAD + text) for event in story.of(StackedModalities)]
    return {(event.how, event.axis, event.quantities) for event in events}


MIXED = {
    "a_library_network_shares_its_batch_norms": (
        """
net = torchvision.models.resnet18()
for batch in loader:
    net(torch.cat([batch["rgb"].cuda(), batch["depth"].cuda()], dim=0))
""",
        ("batch norm", 0, ("image", "depth")),
    ),
    "batches_of_one_are_stacked_if_a_loader_gives_them": (
        """
net = torchvision.models.resnet18()
for batch in DataLoader(data, shuffle=True):
    image, depth = batch["sal_image"].cuda(), batch["sal_depth"].cuda()
    net(torch.cat((image, depth), dim=0))
""",
        ("batch norm", 0, ("image", "depth")),
    ),
    "a_new_axis_folded_into_the_batch_is_stacked_along_it": (
        """
net = nn.Sequential(nn.Conv1d(3, 8, 5), nn.BatchNorm1d(8))
for accel, gyro in loader:
    net(torch.stack((accel, gyro), dim=1).flatten(0, 1))
""",
        ("batch norm", 0, ("acceleration", "angular rate")),
    ),
    "time_becomes_the_length_by_permute": (
        """
net = nn.Sequential(nn.Conv1d(3, 8, 5), nn.BatchNorm1d(8), nn.ReLU())
for accel, gyro in loader:
    net(torch.cat((accel, gyro), dim=1).permute(0, 2, 1))
""",
        ("batch norm", 2, ("acceleration", "angular rate")),
    ),
    "arguments_are_known_by_the_names_of_a_forward": (
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
    def forward(self, position, velocity):
        return self.norm(torch.cat([position, velocity]))
net = Net()
for a, b in loader:
    net(a, b)
""",
        ("batch norm", 0, ("position", "velocity")),
    ),
    "a_function_of_layer_norm_is_one_too": (
        """
for position, velocity in loader:
    nn.functional.layer_norm(torch.cat([position, velocity], dim=-1), (6,))
""",
        ("layer norm", -1, ("position", "velocity")),
    ),
    "arguments_called_like_measurements_are_taken_as_such": (
        """
def step(net, position, velocity):
    net.train()
    net(nn.functional.layer_norm(torch.cat([position, velocity], dim=-1), (6,))).sum().backward()
""",
        ("layer norm", -1, ("position", "velocity")),
    ),
    "functions_of_numpy_give_one_number_for_all": (
        """
def standardise(position, velocity):
    x = np.hstack([position, velocity])
    return (x - np.mean(x)) / (np.std(x) + 1e-8)
for position, velocity in loader:
    standardise(position.numpy(), velocity.numpy())
""",
        ("scalar", 1, ("position", "velocity")),
    ),
}

SEPARATE = {
    "features_before_a_convolution_are_channels_whatever_follows": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(6, 8, 5), nn.BatchNorm1d(100)
    def forward(self, accel, gyro):
        return self.norm(self.conv(torch.cat([accel, gyro], dim=1)).transpose(1, 2))
for accel, gyro in loader:
    Net()(accel, gyro)
""",
    "vectors_of_one_example_get_their_batch_axis_later": """
net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8))
for position, velocity in loader:
    net(torch.cat([position, velocity]).unsqueeze(0))
    net(torch.stack([torch.cat([position, velocity]) for _ in range(32)]))
""",
    "the_batch_is_taken_apart_again": """
net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8))
for position, velocity in loader:
    first, second = torch.cat([position, velocity]).chunk(2)
    net(first), net(second)
""",
    "an_unknown_function_may_have_been_an_encoder": """
net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8))
for image, audio in loader:
    image, audio = encode_image(image), encode_audio(audio)
    net(torch.cat([image, audio], dim=0))
    nn.functional.layer_norm(torch.cat([image, audio], dim=1), (6,))
""",
    "moments_of_each_feature_mix_nothing": """
def standardise(position, velocity):
    x = np.hstack([position, velocity])
    return (x - x.mean(0)) / x.std(axis=0)
for position, velocity in loader:
    standardise(position.numpy(), velocity.numpy())
""",
    "arguments_called_like_sensors_may_be_features_of_them": """
def step(net, image, text):
    net.train()
    net(nn.functional.layer_norm(torch.cat([image, text], dim=-1), (64,))).sum().backward()
""",
    "a_batch_norm_in_eval_mode": """
net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8)).eval()
for position, velocity in loader:
    net(torch.cat([position, velocity]))
""",
}


@pytest.mark.parametrize("name", MIXED)
def test_it_is_told_that(name: str) -> None:
    text, expected = MIXED[name]
    assert told(text) == {expected}


@pytest.mark.parametrize("name", SEPARATE)
def test_nothing_is_told_where(name: str) -> None:
    assert told(SEPARATE[name]) == set()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["position", "velocity"], ("position", "velocity")),
        (["joint_pos", "jointVelocities"], ("position", "velocity")),
        (["acc", "gyro", "acc2"], ("acceleration", "angular rate")),
        (["depth_image", "rgb_image"], ("depth", "image")),
        (["left_image", "right_image"], ()),
        (["img", "video"], ()),
        (["image", "pos"], ()),
        (["image", "text_features"], ()),
        (["position", "x"], ()),
        (["loss", "acc"], ()),
    ],
)
def test_quantities_are_different_only_by_names_that_tell_so(names: list[str], expected: tuple[str, ...]) -> None:
    assert different(names) == expected
