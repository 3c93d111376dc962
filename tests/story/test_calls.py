"""How calls are followed: functions, methods, closures, contexts and decorators."""

from __future__ import annotations

import pytest

from bnlint.story.events import Acted, Built, Forward, ModeSet
from tests.story.programs import check_modes, stories, with_net

CONTEXTS = {
    "a_class_as_context_restores_the_mode": """
        class Evaluating:
            def __init__(self, net):
                self.net = net
            def __enter__(self):
                self.was = self.net.training
                self.net.eval()
            def __exit__(self, *details):
                self.net.train(self.was)
        def main(x):
            model = Net()
            with Evaluating(model):
                model(x)  #: eval
            model(x)  #: train
        main(input())
        """,
    "a_generator_as_context_restores_the_mode": """
        from contextlib import contextmanager
        @contextmanager
        def evaluating(net):
            was = net.training
            net.eval()
            try:
                yield net
            finally:
                net.train(was)
        def main(x):
            model = Net()
            with evaluating(model) as net:
                net(x)  #: eval
            model(x)  #: train
        main(input())
        """,
    "a_decorator_of_the_project_wraps_each_call": """
        import functools
        def in_eval_mode(func):
            @functools.wraps(func)
            def wrapper(model, *args, **kwargs):
                model.eval()
                result = func(model, *args, **kwargs)
                model.train()
                return result
            return wrapper
        @in_eval_mode
        def predict(model, x):
            return model(x)  #: eval
        def main(x):
            model = Net()
            predict(model, x)
            model(x)  #: train
        main(input())
        """,
    "no_grad_as_decorator_is_no_mode": """
        @torch.no_grad()
        def predict(model, x):
            return model(x)  #: train
        predict(Net(), input())
        """,
}

FUNCTIONS = {
    "closures_share_their_variables": """
        def build():
            model = Net()
            def freeze():
                model.eval()
            def run(x):
                return model(x)  #: eval
            return freeze, run
        freeze, run = build()
        freeze()
        run(input())
        """,
    "nonlocal_writes_reach_the_outer_function": """
        def main(x):
            model = None
            def build():
                nonlocal model
                model = Net()
                model.eval()
            build()
            model(x)  #: eval
        main(input())
        """,
    "global_writes_reach_the_module": """
        def build():
            global model
            model = Net()
            model.eval()
        build()
        model(input())  #: eval
        """,
    "a_lambda_is_a_function": """
        model = Net()
        run = lambda net, x: net.eval()(x)  #: eval
        run(model, input())
        """,
    "a_partial_keeps_its_arguments": """
        from functools import partial
        def run(model, training, x):
            model.train(training)
            model(x)  #: eval
        partial(run, Net(), training=False)(x=input())
        """,
    "all_arguments_become_attributes": """
        class Task:
            def __init__(self, student, teacher):
                for name, value in list(vars().items()):
                    if name != "self":
                        setattr(self, name, value)
        student, teacher = Net(), Net()
        task = Task(student, teacher)
        task.teacher.eval()
        student(0)  #: train
        teacher(0)  #: eval
        """,
    "star_arguments_are_passed_on": """
        def run(model, training, x):
            model.train(training)
            model(x)  #: eval
        def outer(*args, **kwargs):
            run(*args, **kwargs)
        outer(Net(), False, x=input())
        """,
    "many_calls_of_a_quiet_function_each_have_their_effect": """
        def switch(state, mode):
            state.mode = mode
        class State:
            mode = "train"
        state = State()
        model = Net()
        switch(state, "eval")
        switch(state, "train")
        switch(state, "eval")
        switch(state, "train")
        model.train(state.mode == "train")
        model(input())  #: train
        """,
    "what_a_quiet_function_reads_may_change_between_its_calls": """
        class Log:
            def __init__(self):
                self.modes = []
            def last(self):
                return self.modes[-1]
        log = Log()
        model = Net()
        log.modes.append(True)
        model.train(log.last())
        model(input())  #: train
        log.modes.append(False)
        model.train(log.last())
        model(input())  #: eval
        """,
    "a_method_calls_the_function_of_its_own_name": """
        def evaluate(model, x):
            model.eval()
            model(x)  #: eval
        class Trainer:
            def __init__(self):
                self.model = Net()
            def evaluate(self, x):
                evaluate(self.model, x)
        Trainer().evaluate(input())
        """,
    "recursion_ends": """
        def walk(model, depth):
            model.eval()
            if depth:
                walk(model, depth - 1)
            model(0)  #: eval
        walk(Net(), 5)
        """,
    "a_function_in_a_loop_keeps_the_variable_of_the_loop": """
        model = Net()
        def make(flag):
            def run(x):
                model.train(flag)
                return model(x)  #: train, eval
            return run
        runs = [make(flag) for flag in (True, False)]
        for run in runs:
            run(input())
        """,
}

@pytest.mark.parametrize("program", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_contexts(program: str) -> None:
    check_modes(with_net(program))


@pytest.mark.parametrize("program", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_functions(program: str) -> None:
    check_modes(with_net(program))


def test_a_replayed_call_tells_what_a_followed_one_tells() -> None:
    told = stories(
        with_net("""
        def width(options):
            return options["width"]
        options = {"width": 8}
        model = Net()
        for _ in range(3):
            width(options)
            model(torch.randn(width(options), 3, 8, 8))
        """)
    )
    assert [forward.batch for story in told for forward in story.of(Forward)] == [8, 8, 8]


def test_two_objects_of_one_class_are_told_apart_although_the_first_is_gone() -> None:
    told = stories(
        with_net("""
        class Size:
            def __init__(self, n):
                self.n = n
            def get(self):
                return self.n
        def run(model, n):
            model(torch.randn(Size(n).get(), 3, 8, 8))
        model = Net()
        run(model, 2)
        run(model, 3)
        run(model, 4)
        """)
    )
    assert [forward.batch for story in told for forward in story.of(Forward)] == [2, 3, 4]


def test_the_default_of_an_option_gives_a_size() -> None:
    told = stories(
        with_net("""
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--batch-size", type=int, default=1)
        args = parser.parse_args()
        Net()(torch.randn(args.batch_size, 3, 8, 8))
        """)
    )
    assert [(forward.batch, forward.batch_assumed) for story in told for forward in story.of(Forward)] == [(1, True)]


def test_the_arguments_of_a_layer_are_written_down() -> None:
    (built,) = (
        event
        for story in stories("from torch.nn import BatchNorm2d\nBatchNorm2d(8, momentum=0.9)\n")
        for event in story.of(Built)
    )
    assert {name: value.value for name, (value, _) in built.arguments.items()} == {"num_features": 8, "momentum": 0.9}


def test_an_environment_that_is_a_parameter_is_acted_in() -> None:
    told = stories(
        with_net("""
        def rollout(env, steps):
            model = Net()
            obs = env.reset()
            for _ in range(steps):
                with torch.no_grad():
                    action = model(obs)
                obs, reward, done, info = env.step(action)
        """)
    )
    assert any(event.forwards for story in told for event in story.of(Acted))


def test_where_gradients_are_off_the_forward_knows() -> None:
    told = stories(
        with_net("""
        @torch.no_grad()
        def predict(model, x):
            return model(x)
        model = Net()
        predict(model, input())
        model(input())
        """)
    )
    assert [forward.grad for story in told for forward in story.of(Forward)] == [False, True]


def test_modes_are_set_where_the_call_stands() -> None:
    told = stories(with_net("model = Net()\nmodel.eval()\n"))
    assert [(event.how, sorted(event.modes)) for story in told for event in story.of(ModeSet)] == [("eval()", ["eval"])]
