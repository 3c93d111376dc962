"""Modes that are switched in roundabout ways: through Python's own tools, and through parts that come and go."""

from __future__ import annotations

import pytest

from bnlint.story.events import Forward
from tests.story.programs import check_modes, stories, with_net

TOOLS = {
    "a_property_that_is_assigned_to": """
        class Both:
            def __init__(self, net):
                self.net = net
            @property
            def mode(self):
                return self.net.training
            @mode.setter
            def mode(self, value):
                self.net.train(value)
        net = Net()
        both = Both(net)
        both.mode = False
        net(input())  #: eval
        both.mode = not both.mode
        net(input())  #: train
        """,
    "a_method_of_the_class_of_a_network": """
        net = Net()
        type(net).train(net, False)
        net(input())  #: eval
        """,
    "a_method_by_name": """
        import operator
        net = Net()
        operator.methodcaller("train", False)(net)
        net(input())  #: eval
        """,
    "the_first_of_an_iterator": """
        pair = nn.Sequential(Net(), Net())
        next(pair.children()).eval()
        pair[0](input())  #: eval
        pair[1](input())  #: train
        """,
    "a_class_of_the_running_file": """
        import sys
        net = getattr(sys.modules[__name__], "Net")()
        net.eval()
        net(input())  #: eval
        """,
    "a_dict_that_makes_its_lists": """
        import collections
        nets = collections.defaultdict(list)
        nets["all"].append(Net())
        nets["all"].extend([Net().eval()])
        nets["all"][0](input())  #: train
        nets["all"][1](input())  #: eval
        """,
    "a_function_that_is_decorated_where_it_is_called": """
        net = Net().eval()
        torch.no_grad()(net.forward)(input())  #: eval
        """,
    "a_pattern_that_takes_a_network_out_of_a_dict": """
        net = Net()
        match {"net": net}:
            case {"net": found}:
                found.eval()
        net(input())  #: eval|train
        """,
    "no_pattern_fits": """
        net = Net()
        match input():
            case "eval":
                net.eval()
        net(input())  #: eval|train
        """,
    "a_function_that_walks_down": """
        def freeze(module):
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
            for child in module.children():
                freeze(child)
        net = nn.Sequential(nn.Sequential(nn.Sequential(Net())))
        freeze(net)
        net(input())  #: eval
        """,
    "modes_are_kept_by_module": """
        net = Net()
        net.bn.eval()
        before = {module: module.training for module in net.modules()}
        net.train()
        net(input())  #: train
        for module, mode in before.items():
            module.training = mode
        net(input())  #: eval
        """,
    "a_generator_that_sees_a_network": """
        net = Net()
        def modes():
            yield net.train()
            yield net.eval()
        for each in modes():
            each(input())  #: train, eval
        """,
    "a_generator_that_is_a_method": """
        class Trainer:
            def __init__(self, net):
                self.net = net
            def batches(self):
                self.net.eval()
                yield input()
                self.net.train()
        net = Net()
        for x in Trainer(net).batches():
            net(x)  #: eval
        net(input())  #: train
        """,
    "a_context_that_is_entered_later": """
        import contextlib
        @contextlib.contextmanager
        def evaluating(net):
            net.eval()
            yield
            net.train()
        net = Net()
        context = evaluating(net)
        net(input())  #: train
        with context:
            net(input())  #: eval
        net(input())  #: train
        """,
    "a_stack_of_contexts": """
        import contextlib
        @contextlib.contextmanager
        def evaluating(net):
            net.eval()
            try:
                yield
            finally:
                net.train()
        net, other = Net(), Net()
        with contextlib.ExitStack() as stack:
            stack.enter_context(evaluating(net))
            stack.callback(other.eval)
            net(input())  #: eval
            other(input())  #: train
        net(input())  #: train
        other(input())  #: eval
        """,
    "a_loop_inside_a_later_turn_that_switches": """
        net = Net()
        for phase in ("train", "val"):
            net.train(phase == "train")
            for x in input():
                net(x)  #: train, eval
                net.train()
        """,
}


@pytest.mark.parametrize("program", TOOLS.values(), ids=TOOLS)
def test_tools_of_python_switch_modes(program: str) -> None:
    check_modes(with_net(program))


PARTS = {
    "a_block_that_is_replaced_begins_in_train_mode": """
        class Stack(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = nn.ModuleList([Net(), Net()])
        stack = Stack().eval()
        stack.blocks[0] = Net()
        stack.blocks[0](input())  #: train
        stack.blocks[1](input())  #: eval
        """,
    "layers_have_the_names_of_a_dict": """
        from collections import OrderedDict
        net = nn.Sequential(OrderedDict(first=Net(), second=Net()))
        net.first.eval()
        net[0](input())  #: eval
        net.second(input())  #: train
        for name, part in net.named_children():
            part.train(name == "first")
        net.first(input())  #: train
        net.second(input())  #: eval
        """,
    "a_dict_of_modules_gives_its_keys": """
        norms = nn.ModuleDict({"source": Net(), "target": Net()})
        for name in norms:
            norms[name].train(name == "source")
        norms["source"](input())  #: train
        norms["target"](input())  #: eval
        for name, norm in norms.items():
            norm.train(name == "target")
        norms["source"](input())  #: eval
        """,
    "a_block_that_is_put_first": """
        blocks = nn.ModuleList([Net()])
        blocks.insert(0, Net().eval())
        blocks[0](input())  #: eval
        blocks[1](input())  #: train
        """,
    "a_part_by_its_path": """
        net = nn.Sequential(Net(), Net())
        net.get_submodule("1.bn").eval()
        net[0](input())  #: train
        net[1](input())  #: eval
        """,
}


@pytest.mark.parametrize("program", PARTS.values(), ids=PARTS)
def test_parts_are_switched_as_they_are_reached(program: str) -> None:
    check_modes(with_net(program))


def test_what_a_comprehension_binds_is_its_own() -> None:
    check_modes(with_net("""
        def main(net, other):
            [net.eval() for net in [other]]
            net(input())  #: train
            other(input())  #: eval
        main(Net(), Net())
        """))


def test_an_assertion_may_fail_where_that_is_caught() -> None:
    check_modes(with_net("""
        net = Net()
        try:
            net.eval()
            assert input()
            net.train()
        except AssertionError:
            pass
        net(input())  #: eval|train
        """))


CHOSEN = """
import contextlib
net = Net()
with torch.no_grad() if input() else contextlib.nullcontext():
    net(input())
net(input())
context = torch.no_grad() if input() else torch.enable_grad()
with context:
    net(input())
"""


def test_one_of_several_contexts_may_be_entered() -> None:
    forwards = [event for story in stories(with_net(CHOSEN)) for event in story.of(Forward)]
    assert [event.grad for event in forwards] == [None, True, None]


def test_the_flag_of_a_norm_may_be_given_what_is_not_known() -> None:
    check_modes(with_net("""
        net, flag = Net(), bool(input())
        net.eval()
        net.bn.training = flag
        net(input())  #: eval|train
        if flag:
            net(input())  #: train
        net.eval()
        if input():
            net.train()
        kept = [module.training for module in net.modules()]
        net.eval()
        for module, mode in zip(net.modules(), kept):
            module.training = mode
        net(input())  #: eval|train
        """))


def test_a_flag_that_one_path_gives_a_norm_is_read_and_given_back() -> None:
    check_modes(with_net("""
        net = Net()
        if input():
            net.bn.training = False
        kept = net.bn.training
        net.eval()
        net.bn.train(kept)
        net(input())  #: eval|train
        """))


def test_networks_are_sorted_by_keys_that_are_known() -> None:
    check_modes(with_net("""
        one, other = Net().eval(), Net()
        nets = [other, one]
        first, last = sorted(nets, key=lambda net: net.training)
        first(input())  #: eval
        last(input())  #: train
        nets.sort(key=lambda net: net.training, reverse=True)
        nets[0](input())  #: train
        nets.reverse()
        nets[0](input())  #: eval
        """))


def test_of_networks_in_an_unknown_order_each_may_be_the_first() -> None:
    check_modes(with_net("""
        one, other = Net(), Net()
        nets = sorted([one, other], key=lambda net: input())
        nets[0].eval()
        nets[1](input())  #: eval|train
        for net in nets:
            net.eval()
            net(input())  #: eval
        other(input())  #: eval
        nets[-1].bn.training = True
        one(input())  #: eval|train
        """))


def test_what_stands_behind_and_may_not_be_run() -> None:
    check_modes(with_net("""
        net = Net()
        done = input() and net.eval()
        net(input())  #: eval|train
        """))


def test_a_wrapper_is_no_batch_norm() -> None:
    check_modes(with_net("""
        net = torch.optim.swa_utils.AveragedModel(Net())
        norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
        norms[-1].eval()
        if net.training:
            net(input())  #: eval
        if isinstance(net, nn.Module):
            net(input())  #: eval
        """))


def test_a_file_without_a_class_gives_the_default() -> None:
    check_modes({"models.py": with_net(""), "train.py": """
        import sys
        import models
        net = getattr(sys.modules[__name__], "Net", models.Net)()
        net.eval()
        net(input())  #: eval
        """})


KEPT = """
@contextlib.contextmanager
def keeping_modes(net):
    before = {module: module.training for module in net.modules()}
    try:
        yield
    finally:
        for module, mode in before.items():
            module.training = mode

other, net = Net(), Net()
net.eval()
for each in [other, net, other]:
    with keeping_modes(net):
        other.eval()
    for turn in range(3):
        if input():
            break
        each.train()
if net.training:
    net(input())
"""


def test_a_flag_that_only_some_paths_have_assigned_is_not_known() -> None:
    text = "import contextlib\n" + with_net(KEPT)
    rows = {event.where.place.row for story in stories(text) for event in story.of(Forward)}
    assert len(text.splitlines()) in rows  # the flag was asked, and may well be set
