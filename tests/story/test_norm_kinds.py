"""Which norms a forward runs through: chosen by domain, split, conditional, frozen, and those that only look like batch norm."""

from __future__ import annotations

import pytest

from bnlint.story.events import Forward
from bnlint.story.values import Cls
from tests.story.programs import stories

HEAD = """\
import torch
import torch.nn.functional as F
from torch import nn
"""


def norms(text: str) -> list[tuple[str, str]]:
    """The batch norms of the program's last forward, by class and mode."""
    forwards = [event for story in stories(HEAD + text) for event in story.of(Forward)]
    last = forwards[-1]
    return sorted(
        (use.norm.cls.name.rpartition(".")[2], "|".join(sorted({mark.name for mark in use.modes}))) for use in last.norms
    )


SEEN = {
    "domains_by_number_run_through_the_one_that_is_chosen": (
        """
class DomainNorm(nn.Module):
    def __init__(self, width, domains=2):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(domains)])
        self.norms[1].eval()
    def forward(self, x, domain):
        return self.norms[domain](x)
DomainNorm(8)(data(), 0)
""",
        [("BatchNorm2d", "train")],
    ),
    "layers_of_sparse_tensors": (
        """
import MinkowskiEngine as ME
class Net(ME.MinkowskiNetwork):
    def __init__(self):
        super().__init__(3)
        self.conv = nn.Sequential(ME.MinkowskiConvolution(3, 8, dimension=3), ME.MinkowskiBatchNorm(8), ME.MinkowskiReLU())
        self.other = ME.MinkowskiInstanceNorm(8)
    def forward(self, x):
        return self.other(self.conv(x))
Net()(ME.SparseTensor(data(), coordinates()))
""",
        [("MinkowskiBatchNorm", "train")],
    ),
    "domains_that_are_not_known_run_through_any": (
        """
class DomainNorm(nn.Module):
    def __init__(self, width, domains=2):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(domains)])
    def forward(self, x, domain):
        return self.norms[domain[0].item()](x)
DomainNorm(8)(data(), labels())
""",
        [("BatchNorm2d", "train"), ("BatchNorm2d", "train")],
    ),
    "domains_by_name": (
        """
class DomainNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norms = nn.ModuleDict({"source": nn.BatchNorm2d(width), "target": nn.BatchNorm1d(width)})
    def forward(self, x, domain):
        return self.norms[domain](x)
DomainNorm(8)(data(), "target")
""",
        [("BatchNorm1d", "train")],
    ),
    "a_conditional_norm_holds_one_without_scale": (
        """
class ConditionalNorm(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.bn = nn.BatchNorm2d(width, affine=False)
        self.embed = nn.Embedding(classes, width * 2)
    def forward(self, x, y):
        gamma, beta = self.embed(y).chunk(2, 1)
        return gamma * self.bn(x) + beta
ConditionalNorm(8, 10).eval()(data(), labels())
""",
        [("BatchNorm2d", "eval")],
    ),
    "a_split_norm_runs_through_its_auxiliary_ones": (
        """
class SplitNorm(nn.BatchNorm2d):
    def __init__(self, width, splits=2):
        super().__init__(width)
        self.aux_bn = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(splits - 1)])
    def forward(self, x):
        if self.training:
            parts = x.split(len(x) // 2)
            return torch.cat([super().forward(parts[0]), *[bn(part) for bn, part in zip(self.aux_bn, parts[1:])]])
        return super().forward(x)
nn.Sequential(SplitNorm(8))(data())
""",
        [("BatchNorm2d", "train"), ("SplitNorm", "train")],
    ),
    "a_split_norm_runs_through_itself_alone_in_eval_mode": (
        """
class SplitNorm(nn.BatchNorm2d):
    def __init__(self, width, splits=2):
        super().__init__(width)
        self.aux_bn = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(splits - 1)])
    def forward(self, x):
        if self.training:
            return torch.cat([super().forward(x), *[bn(x) for bn in self.aux_bn]])
        return super().forward(x)
nn.Sequential(SplitNorm(8)).eval()(data())
""",
        [("SplitNorm", "eval")],
    ),
    "a_derived_norm_without_a_forward_of_its_own": (
        """
class Quiet(nn.BatchNorm2d):
    def reset_parameters(self):
        super().reset_parameters()
nn.Sequential(Quiet(8))(data())
""",
        [("Quiet", "train")],
    ),
    "a_derived_norm_that_works_out_more_before_the_librarys_own": (
        """
class Watched(nn.BatchNorm2d):
    def forward(self, x):
        self.seen = x.mean()
        return super(Watched, self).forward(x)
nn.Sequential(Watched(8)).eval()(data())
""",
        [("Watched", "eval")],
    ),
    "a_derived_norm_whose_own_forward_calls_the_function": (
        """
class Corrected(nn.BatchNorm2d):
    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, 0.1, self.eps)
nn.Sequential(Corrected(8))(data())
""",
        [("Corrected", "train")],
    ),
    "a_norm_of_buffers_is_frozen": (
        """
class FrozenBatchNorm2d(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.register_buffer("weight", torch.ones(n))
        self.register_buffer("bias", torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))
    def forward(self, x):
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        return x * scale + (self.bias - self.running_mean * scale)
nn.Sequential(FrozenBatchNorm2d(8))(data())
""",
        [],
    ),
    "a_derived_norm_that_always_uses_its_averages_is_frozen": (
        """
class Frozen(nn.BatchNorm2d):
    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
nn.Sequential(Frozen(8))(data())
""",
        [("Frozen", "eval")],
    ),
    "a_derived_norm_that_leaves_the_flag_at_its_default_is_frozen": (
        """
class Frozen(nn.BatchNorm2d):
    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
nn.Sequential(Frozen(8))(data())
""",
        [("Frozen", "eval")],
    ),
    "a_derived_norm_that_refuses_train_mode_is_frozen": (
        """
class Frozen(nn.BatchNorm2d):
    def __init__(self, n):
        super().__init__(n)
        self.eval()
    def train(self, mode=True):
        return super().train(False)
net = nn.Sequential(Frozen(8))
net.train()
net(data())
""",
        [("Frozen", "eval")],
    ),
    "the_frozen_norms_of_libraries": (
        """
import torchvision
from torchvision.ops.misc import FrozenBatchNorm2d
from detectron2.layers import FrozenBatchNorm2d as Other
nn.Sequential(FrozenBatchNorm2d(8), torchvision.ops.FrozenBatchNorm2d(8), Other(8), nn.Linear(8, 8))(data())
""",
        [],
    ),
    "other_norms_kept_under_the_name_bn": (
        """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn1, self.bn2, self.bn3 = nn.InstanceNorm2d(8), nn.GroupNorm(2, 8), nn.LayerNorm(8)
        self.bn4 = nn.Identity()
    def forward(self, x):
        return self.bn4(self.bn3(self.bn2(self.bn1(x))))
Block()(data())
""",
        [],
    ),
    "a_function_batch_norm_that_is_instance_norm": (
        """
class BatchNorm2d(nn.InstanceNorm2d):
    pass
nn.Sequential(BatchNorm2d(8))(data())
""",
        [],
    ),
    "a_norm_that_is_built_by_an_option_of_the_constructor": (
        """
class Block(nn.Module):
    def __init__(self, norm_layer=None):
        super().__init__()
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        self.bn = norm_layer(8)
    def forward(self, x):
        return self.bn(x)
Block(norm_layer=lambda n: nn.GroupNorm(2, n))(data())
""",
        [],
    ),
    "a_norm_that_is_left_at_the_default_of_the_constructor": (
        """
class Block(nn.Module):
    def __init__(self, norm_layer=None):
        super().__init__()
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        self.bn = norm_layer(8)
    def forward(self, x):
        return self.bn(x)
Block()(data())
""",
        [("BatchNorm2d", "train")],
    ),
    "geometric_batch_norm": (
        """
import torch_geometric.nn as gnn
nn.Sequential(gnn.BatchNorm(8), gnn.LayerNorm(8), gnn.InstanceNorm(8))(data())
""",
        [("BatchNorm", "train")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), SEEN.values(), ids=SEEN.keys())
def test_the_norms_of_a_forward(text: str, expected: list[tuple[str, str]]) -> None:
    assert norms(text) == expected


def test_a_class_of_the_project_is_no_batch_norm_by_its_name() -> None:
    text = """
class BatchNorm(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(n))
    def forward(self, x):
        return x * self.scale
net = BatchNorm(8)
net(data())
"""
    forwards = [event for story in stories(HEAD + text) for event in story.of(Forward)]
    assert [(isinstance(event.net.cls, Cls), event.norms) for event in forwards] == [(True, ())]
