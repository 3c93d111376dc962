"""What exceptions, early exits and generators do to the mode of a network; found by running programs (tests/reality)."""

from __future__ import annotations

import pytest

from bnlint.story.events import Forward
from tests.story.programs import check_modes, stories, with_net

PROGRAMS = {
    "a_handler_starts_where_the_text_raises": """
        def main(x):
            model = Net()
            try:
                model.eval()
                raise ValueError("stop")
            except ValueError:
                model(x)  #: eval
        main(input())
        """,
    "a_handler_starts_where_a_called_function_raises": """
        def check(model, flag):
            if flag:
                model.eval()
                raise ValueError("stop")
        def main(x, flag):
            model = Net()
            try:
                check(model, flag)
            except ValueError:
                model(x)  #: eval
        main(input(), input())
        """,
    "a_path_that_returns_from_a_block_leaves_its_context": """
        import contextlib
        @contextlib.contextmanager
        def evaluating(net):
            was_training = net.training
            net.eval()
            try:
                yield net
            finally:
                net.train(was_training)
        def predict(model, x, flag):
            with evaluating(model):
                if flag:
                    return None
                model(x)  #: eval
        def main(x, flag):
            model = Net()
            predict(model, x, flag)
            model(x)  #: train
        main(input(), input())
        """,
    "the_else_of_a_while_loop_runs": """
        def main(x):
            model, turn = Net(), 0
            while turn < 2:
                turn += 1
            else:
                model(x)  #: train
        main(input())
        """,
    "every_layer_is_a_module": """
        def main(x):
            model = Net()
            if isinstance(nn.Sequential(model), nn.Module):
                model(x)  #: train
        main(input())
        """,
    "a_method_chosen_by_an_unknown_flag_may_be_either": """
        def main(x, flag):
            model = Net()
            {"train": model.train, "eval": model.eval}["train" if flag else "eval"]()
            model(x)  #: eval|train
        main(input(), input())
        """,
    "a_generator_and_the_loop_over_it_take_turns": """
        def batches(model, x):
            yield x
            model(x)  #: eval
        def main(x):
            model = Net()
            for batch in batches(model, x):
                model.eval()
        main(input())
        """,
    "a_handler_starts_after_a_call_that_may_raise": """
        def main(x):
            model = Net()
            try:
                model.eval()
                size = int(x)
                model.train()
            except ValueError:
                model(x)  #: eval
        main(input())
        """,
    "a_forward_may_raise_where_anything_is_caught": """
        def main(x):
            model = Net()
            try:
                model.eval()
                model(x)  #: eval
                model.train()
            except RuntimeError:
                model(x)  #: eval
        main(input())
        """,
    "an_outer_handler_starts_where_an_inner_block_has_not_switched_yet": """
        def main(x):
            model = Net()
            try:
                size = int(x)
                try:
                    model.eval()
                    raise ValueError("stop")
                except ValueError:
                    pass
            except ValueError:
                model(x)  #: train
        main(input())
        """,
    "what_is_suppressed_ends_its_block_only": """
        import contextlib
        def main(x):
            model = Net()
            with contextlib.suppress(ValueError):
                model.eval()
                raise ValueError("stop")
                model.train()
            model(x)  #: eval
        main(input())
        """,
    "a_flag_that_raised_is_unknown_in_the_handler": """
        def main(x, flag):
            model = Net()
            try:
                if not flag:
                    raise ValueError("stop")
            except ValueError:
                pass
            model.train(flag)
            model(x)  #: eval|train
        main(input(), input())
        """,
    "a_flag_that_broke_a_loop_is_unknown_after_it": """
        def main(x, flag):
            model = Net()
            for _ in range(2):
                if flag:
                    break
            model.train(flag)
            model(x)  #: eval|train
        main(input(), input())
        """,
    "the_else_of_a_loop_is_for_those_who_did_not_break": """
        def main(x, flag):
            model = Net()
            for _ in range(2):
                if model.training:
                    break
            else:
                model.eval()
            model(x)  #: train
        main(input(), input())
        """,
    "a_loop_that_counts_to_a_small_number_takes_so_many_turns": """
        def main(x):
            a, b, turn = Net(), Net(), 0
            a.eval()
            while True:
                turn += 1
                if turn > 3:
                    break
                a, b = b, a
            a(x)  #: train
            b(x)  #: eval
        main(input())
        """,
    "a_flag_that_was_assigned_holds_until_the_next_switch": """
        def main(x):
            model = Net()
            model.bn.training = False
            model.train()
            if model.bn.training:
                model(x)  #: train
        main(input())
        """,
    "networks_are_reversed": """
        def main(x):
            a, b = Net(), Net()
            for net, mode in reversed([(a, True), (b, True), (a, False)]):
                net.train(mode)
            a(x)  #: train
        main(input())
        """,
    "a_list_of_those_that_may_be_in_train_mode_may_hold_them": """
        def main(x, flag):
            model = Net()
            model.train(flag)
            held = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d) and module.training]
            for module in held:
                module.train()
            model(x)  #: eval|train
        main(input(), input())
        """,
    "too_many_calls_that_may_raise_leave_any_mode": """
        def main(x):
            model, other = Net(), Net()
            try:
                for _ in range(6):
                    size = int(x)
                    other.eval()
                    size = int(x)
                    other.train()
                model.eval()
                size = int(x)
                model.train()
            except ValueError:
                model(x)  #: eval|train
        main(input())
        """,
    "what_a_loop_switches_back_and_forth_is_either_in_its_later_turns": """
        def main(x, n):
            model = Net()
            model.eval()
            for _ in range(n):
                model(x)  #: eval, train, eval|train
                model.bn.train(not model.bn.training)
        main(input(), int(input()))
        """,
    "a_loop_of_any_number_of_turns_may_switch_back_and_forth": """
        def main(x, n):
            model = Net()
            for _ in range(n):
                model.train(not model.training)
            model(x)  #: eval|train
        main(input(), int(input()))
        """,
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_modes(program: str) -> None:
    check_modes(with_net(program))


RECORDING = """
def main(x, flag):
    model = Net()
    if flag:
        torch.set_grad_enabled(False)
    model(x)
    with torch.no_grad():
        model(x)
    with torch.enable_grad():
        model(x)

main(input(), input())
"""


def test_whether_gradients_are_recorded_is_joined() -> None:
    forwards = [event for story in stories(with_net(RECORDING)) for event in story.of(Forward)]
    assert [event.grad for event in forwards] == [None, False, True]
    assert [event.grad_off is None for event in forwards] == [False, False, True]


FILLED = """
def main(loader, pair, n):
    model, kept = Net(), []
    for _ in range(n):
        kept.append(pair)
    model(torch.stack(kept))
    model(torch.stack([pair, pair]))

main(input(), input(), int(input()))
"""


def test_a_list_that_a_loop_filled_is_of_any_length() -> None:
    forwards = [event for story in stories(with_net(FILLED)) for event in story.of(Forward)]
    assert [event.batch for event in forwards] == [None, 2]


NESTED = """
class Deeper(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.inside = inside
        self.bn = nn.BatchNorm2d(8)

    def forward(self, x):
        return self.bn(self.inside(x))

Deeper(Deeper(Deeper(Net())))(input())
"""


def test_modules_of_one_class_that_nest_are_followed() -> None:
    (forward,) = (event for story in stories(with_net(NESTED)) for event in story.of(Forward))
    assert len(forward.norms) == 4


SHARED = """
class Head(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        first = self.inside(x)
        self.inside.eval()
        return first + self.inside(x)

Head(Net())(input())
"""


def test_a_norm_that_one_forward_runs_in_both_modes_is_in_either() -> None:
    (forward,) = (event for story in stories(with_net(SHARED)) for event in story.of(Forward))
    assert {mode.name for use in forward.norms for mode in use.modes} == {"train", "eval"}


SKIPPED = """
def main(net, loader):
    for x in loader:
        if len(x) < 2:
            continue
        net.eval()
        break
    net(x)  #: eval|train

main(Net(), input())
"""


def test_a_loop_may_break_where_another_turn_goes_on() -> None:
    check_modes(with_net(SKIPPED))


GROWN = """
net = nn.Sequential(nn.Sequential(Net()))
def score(x):
    return net(x)
score(input())  #: train
net[0].append(nn.BatchNorm2d(8).eval())
net(input())  #: eval|train
"""


def test_a_layer_that_is_appended_runs_from_then_on() -> None:
    forwards = [event for story in stories(with_net(GROWN)) for event in story.of(Forward)]
    assert [len(event.norms) for event in forwards] == [1, 2]


REPLACED = """
net = Net()
try:
    net.eval()
    int(input())
    net.bn = nn.BatchNorm2d(8)
except ValueError:
    net(input())  #: eval
"""


def test_what_raises_before_a_part_is_replaced_leaves_the_old_one() -> None:
    check_modes(with_net(REPLACED))
