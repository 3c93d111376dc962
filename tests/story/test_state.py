"""What is written into a network's tensors, saved and cast: told apart from steps of an optimiser and from reading."""

from __future__ import annotations

import pytest

from bnlint.story.events import Cast, Copied, Estimated, OptimizerBuilt, Saved, Story
from bnlint.story.values import number
from tests.story.programs import stories, with_net

PARAMETERS_ONLY = {
    "copy_into_data": "for t, s in zip(target.parameters(), source.parameters()):\n    t.data.copy_(s.data)",
    "averaged_in_place": "for t, s in zip(target.parameters(), source.parameters()):\n    t.mul_(0.9).add_(s, alpha=0.1)",
    "interpolated": "for s, t in zip(source.parameters(), target.parameters()):\n    t.detach().lerp_(s, 0.1)",
    "data_assigned": "for s, t in zip(source.parameters(), target.parameters()):\n    t.data = 0.9 * t.data + 0.1 * s.data",
    "data_augmented": "for s, t in zip(source.parameters(), target.parameters()):\n    t.data += s.data.clone() / 4",
    "slice_assigned": "for s, t in zip(source.parameters(), target.parameters()):\n    t.data[:] = s.data[:]",
    "subtracted": "for s, t in zip(source.parameters(), target.parameters()):\n    t.sub_(0.1 * (t - s))",
    "lists_of_parameters": """\
ours, theirs = list(target.parameters()), [p for p in source.parameters() if p.requires_grad]
for ours_, theirs_ in zip(ours, theirs):
    ours_.data.copy_(theirs_)""",
    "by_name_from_a_dict": """\
given = dict(source.named_parameters())
for name, p in target.named_parameters():
    p.data = given[name].data.clone()""",
    "foreach": "torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), 0.1)",
    "as_a_vector": """\
flat = torch.nn.utils.parameters_to_vector(source.parameters())
torch.nn.utils.vector_to_parameters(flat, target.parameters())""",
    "a_state_dict_of_parameters": """\
target.load_state_dict({name: p.data for name, p in source.named_parameters()}, strict=False)""",
    "into_the_state_dict_by_parameter_names": """\
own = target.state_dict()
for name, p in source.named_parameters():
    own[name].copy_(p)""",
    "a_method_of_an_attribute": """\
class Follower:
    def __init__(self, net, target):
        self.net, self.target = net, target
    def pairs(self):
        return zip(self.target.parameters(), self.net.parameters())
    @torch.no_grad()
    def follow(self, tau=0.1):
        for t, s in self.pairs():
            t.copy_(tau * s + (1 - tau) * t)
Follower(source, target).follow()""",
}

WITH_STATISTICS = {
    "load_state_dict": "target.load_state_dict(source.state_dict())",
    "state_dict_in_place": """\
theirs = source.state_dict()
for name, value in target.state_dict().items():
    value.copy_(theirs[name])""",
    "state_dict_augmented": """\
theirs = source.state_dict()
for name, value in target.state_dict().items():
    value *= 0.9
    value += 0.1 * theirs[name]""",
    "mean_of_state_dicts": """\
import copy
mean = copy.deepcopy(source.state_dict())
for key in mean:
    mean[key] = (mean[key] + other.state_dict()[key]) / 2
target.load_state_dict(mean)""",
}

NO_COPY = {
    "proximal_term": "loss = sum(((t - s) ** 2).sum() for t, s in zip(target.parameters(), source.parameters()))",
    "gradients_handed_over": """\
for t, s in zip(target.parameters(), source.parameters()):
    t.grad = s.grad""",
    "a_step_with_a_proximal_pull": """\
for t, s in zip(target.parameters(), source.parameters()):
    t.data -= 0.1 * (t.grad + 0.01 * (t.data - s.data))""",
    "clipping": "for t in target.parameters():\n    t.data.clamp_(-1, 1)",
    "given_back": """\
before = [p.clone() for p in target.parameters()]
for p, old in zip(target.parameters(), before):
    p.data.copy_(old)""",
    "written_into_a_clone": """\
for t, s in zip(target.parameters(), source.parameters()):
    t.clone().copy_(s)""",
    "a_shadow_of_its_own": """\
shadow = {}
for name, p in target.named_parameters():
    shadow[name] = p.data.clone()
for name, p in target.named_parameters():
    shadow[name] = 0.9 * shadow[name] + 0.1 * p.data
for name, p in target.named_parameters():
    p.data = shadow[name]""",
}


def told(text: str) -> Story:
    setup = "source, target, other = Net(), Net(), Net()\n"
    return next(story for story in stories(with_net(f"\n{setup}{text}\n")) if story.entry == "<module>")


def kinds(story: Story) -> set[str]:
    return {event.what for event in story.of(Copied)}


@pytest.mark.parametrize("text", PARAMETERS_ONLY.values(), ids=PARAMETERS_ONLY)
def test_copies_of_parameters_leave_the_buffers_behind(text: str) -> None:
    story = told(text)

    assert kinds(story) == {"parameters"}
    for event in story.of(Copied):
        assert event.target.certain
        assert event.target.names == {"target"} or "target" in event.target.names
        assert ["source" in source.names for source in event.sources] == [True]


@pytest.mark.parametrize("text", WITH_STATISTICS.values(), ids=WITH_STATISTICS)
def test_state_dicts_hold_the_statistics_too(text: str) -> None:
    assert kinds(told(text)) == {"both"}


@pytest.mark.parametrize("text", NO_COPY.values(), ids=NO_COPY)
def test_reading_two_networks_or_stepping_is_no_copy(text: str) -> None:
    assert kinds(told(text)) == set()


def test_writing_statistics_is_seen_however_it_is_done() -> None:
    story = told(
        """\
for t, s in zip(target.buffers(), source.buffers()):
    t.copy_(s)
target.bn.running_mean = source.bn.running_mean
other.bn.running_var.data.copy_(source.bn.running_var)
other.bn.reset_running_stats()"""
    )

    assert [event.what for event in story.of(Copied)][-3:] == ["buffers"] * 3
    assert kinds(story) == {"buffers"}


def test_an_unknown_network_is_named_by_what_stays_the_same() -> None:
    program = """\
import torch

def soft_update(net, target, tau):
    for t, s in zip(target.parameters(), net.parameters()):
        t.data.copy_(tau * s.data + (1 - tau) * t.data)
"""
    (event,) = {event.where.place: event for story in stories(program) for event in story.of(Copied)}.values()

    assert event.what == "parameters"
    assert event.target.net != event.sources[0].net
    assert not event.target.norms


@pytest.mark.parametrize(
    ("arguments", "what"), [("", "parameters"), (", use_buffers=True", "both"), (", None, None, None, True", "both")]
)
def test_averaged_models_average_buffers_on_request(arguments: str, what: str) -> None:
    story = told(
        f"""\
from torch.optim.swa_utils import AveragedModel, update_bn
average = AveragedModel(source{arguments})
average.update_parameters(source)
update_bn(input(), average)"""
    )

    assert kinds(story) == {what}
    assert [event.target.names for event in story.of(Estimated)] == [frozenset({"average"})]


@pytest.mark.parametrize(
    ("saved", "what"),
    [
        ("source.state_dict()", "both"),
        ("{'net': source, 'epoch': 3}", "both"),
        ("list(source.parameters())", "parameters"),
        ("{'weights': [p.detach().cpu().numpy() for p in source.parameters()]}", "parameters"),
        ("dict(source.named_buffers())", "buffers"),
        ("[list(source.parameters()), list(source.buffers())]", "both"),
    ],
)
def test_files_hold_what_they_are_given(saved: str, what: str) -> None:
    assert [event.what for event in told(f"torch.save({saved}, 'file')").of(Saved)] == [what]


def test_norms_of_weights_are_no_weights() -> None:
    assert told("torch.save([p.norm() for p in source.parameters()], 'file')").of(Saved) == []


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("source.half()", [True]),
        ("source.to(torch.float16)", [True]),
        ("source.to('cuda', dtype=torch.half)", [True]),
        ("source.type(torch.float16).bn.float()", [True, False]),
        ("source.to('cuda')", []),
        ("source.bfloat16()", [False]),
    ],
)
def test_casts_to_half_precision(text: str, half: list[bool]) -> None:
    assert [event.half for event in told(text).of(Cast)] == half


def test_optimisers_know_which_networks_they_decay_as_a_whole() -> None:
    story = told(
        """\
groups = [{"params": source.parameters()}, {"params": target.parameters(), "weight_decay": 0.0}]
torch.optim.SGD(groups, lr=0.1, weight_decay=1e-4)
torch.optim.SGD([p for p in other.parameters() if p.ndim > 1], lr=0.1, weight_decay=1e-4)"""
    )

    first, second = story.of(OptimizerBuilt)
    assert [(sorted(net.names), number(decay)) for net, decay in first.whole] == [
        (["source"], (1e-4, False)),
        (["target"], (0.0, False)),
    ]
    assert second.whole == ()
