"""What exceptions, early exits and generators do to the mode of a network; found by running programs (tests/reality)."""

from __future__ import annotations

import pytest

from tests.story.programs import check_modes, with_net

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
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_modes(program: str) -> None:
    check_modes(with_net(program))
