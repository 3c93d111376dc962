"""What branches, early exits and loops do to the mode of a network."""

from __future__ import annotations

import pytest

from tests.story.programs import check_modes, with_net

BRANCHES = {
    "an_undecided_branch_leaves_both_modes": """
        def main(flag, x):
            model = Net()
            if flag:
                model.eval()
            model(x)  #: eval|train
        main(input(), 0)
        """,
    "a_comparison_and_its_opposite_answer_alike": """
        def main(args, x):
            model = Net()
            if args.epochs < 3:
                model.eval()
            if args.epochs >= 3:
                return
            model(x)  #: eval
        main(parse(), 0)
        """,
    "a_text_is_asked_the_same_twice": """
        def main(args, x):
            model = Net()
            if args.mode.endswith("-da"):
                model.eval()
            if args.mode.endswith("-da"):
                model(x)  #: eval
        main(parse(), 0)
        """,
    "an_update_with_something_unknown_may_change_any_setting": """
        import yaml
        from easydict import EasyDict
        def main(path, x):
            settings = EasyDict(frozen=False)
            settings.update(yaml.safe_load(open(path)))
            model = Net()
            if settings.frozen:
                model.eval()
            model(x)  #: eval|train
        main(input(), 0)
        """,
    "an_update_of_a_dict_with_something_unknown_does_so_too": """
        import json
        def main(path, x):
            settings = {"frozen": False}
            settings.update(json.load(open(path)))
            model = Net()
            if settings["frozen"]:
                model.eval()
            model(x)  #: eval|train
        main(input(), 0)
        """,
    "an_update_with_something_known_in_part_may_change_any_setting_too": """
        import json
        from easydict import EasyDict
        def main(path, x):
            settings = EasyDict(frozen=False, name="a")
            settings.self = settings
            settings.update({"name": "b", **json.load(open(path))})
            model = Net()
            if settings.frozen:
                model.eval()
            model(x)  #: eval|train
        main(input(), 0)
        """,
    "an_update_with_what_is_written_down_is_known": """
        from easydict import EasyDict
        def main(x):
            settings = EasyDict(frozen=False)
            settings.update({"frozen": True})
            model = Net()
            if settings.frozen:
                model.eval()
            model(x)  #: eval
        main(0)
        """,
    "a_flag_that_is_on_by_default_stays_on": """
        import argparse
        def main(x):
            parser = argparse.ArgumentParser()
            parser.add_argument("--ema", action="store_true", default=True)
            parser.add_argument("--fast", action="store_true", default=True)
            parser.add_argument("--slow", action="store_false", dest="fast")
            args = parser.parse_args()
            model = Net()
            if args.ema:
                model.eval()
            model(x)  #: eval
            if args.fast:
                model.train()
            model(x)  #: eval|train
        main(0)
        """,
    "a_known_argument_decides_a_branch": """
        def run(model, x, training=False):
            if training:
                model.train()
            else:
                model.eval()
            model(x)  #: eval, train
        def main(x):
            model = Net()
            run(model, x)
            run(model, x, training=True)
        main(input())
        """,
    "the_same_unknown_flag_gets_the_same_answer_twice": """
        def main(flag, x):
            model = Net()
            if flag:
                model.eval()
            if not flag:
                model(x)  #: train
            else:
                model(x)  #: eval
        main(input(), input())
        """,
    "the_same_comparison_gets_the_same_answer_twice": """
        def main(args, x):
            model = Net()
            if args.mode == "test":
                model.eval()
            y = x
            if args.mode != "test":
                model(y)  #: train
        main(input(), input())
        """,
    "a_return_ends_its_path": """
        def main(flag, x):
            model = Net()
            if flag:
                model.eval()
                return model
            model(x)  #: train
        main(input(), input())
        """,
    "the_paths_that_returned_meet_in_the_caller": """
        def prepare(model, flag):
            if flag:
                model.eval()
                return model
            model.train()
            return model
        def main(x):
            model = prepare(Net(), input())
            model(x)  #: eval|train
        main(input())
        """,
    "a_function_that_always_raises_ends_the_path": """
        def fail(model):
            model.eval()
            raise ValueError("no")
        def main(flag, x):
            model = Net()
            if flag:
                fail(model)
            model(x)  #: train
        main(input(), input())
        """,
    "sys_exit_ends_the_path": """
        import sys
        def main(flag, x):
            model = Net()
            if flag:
                model.eval()
                sys.exit(1)
            model(x)  #: train
        main(input(), input())
        """,
    "what_finally_does_holds_on_every_path": """
        def evaluate(model, x, flag):
            model.eval()
            try:
                if flag:
                    return model(x)  #: eval
                model(x)  #: eval
            finally:
                model.train()
        def main(x):
            model = Net()
            evaluate(model, x, input())
            model(x)  #: train
        main(input())
        """,
    "a_handler_may_have_run": """
        def main(x):
            model = Net()
            try:
                load(model)
            except OSError:
                model.eval()
            model(x)  #: eval|train
        main(input())
        """,
    "match_takes_the_case_of_a_known_subject": """
        def switch(model, mode):
            match mode:
                case "train":
                    model.train()
                case "test" | "val":
                    model.eval()
        def main(x):
            model = Net()
            switch(model, "val")
            model(x)  #: eval
        main(input())
        """,
    "none_that_a_default_gives_is_replaced": """
        def build(model=None):
            if model is None:
                model = Net()
            return model
        def main(x):
            model = build()
            model.eval()
            model(x)  #: eval
        main(input())
        """,
    "a_conditional_expression_of_two_modes": """
        def main(flag, x):
            model = Net()
            model.train(True if flag == "train" else False)
            if flag == "train":
                model(x)  #: train
            else:
                model(x)  #: eval
        main(input(), input())
        """,
    "an_assumed_default_decides_nothing": """
        import argparse
        def main(x):
            parser = argparse.ArgumentParser()
            parser.add_argument("--frozen", type=int, default=0)
            args = parser.parse_args()
            model = Net()
            if args.frozen:
                model.eval()
            model(x)  #: eval|train
        main(input())
        """,
}

LOOPS = {
    "a_second_epoch_sees_what_the_first_left": """
        def main(loader):
            model = Net()
            for epoch in range(10):
                for x in loader:
                    model(x)  #: train, eval
                model.eval()
                for x in loader:
                    model(x)  #: eval
        main(input())
        """,
    "a_loop_that_switches_back_stays_in_train_mode": """
        def main(loader):
            model = Net()
            for epoch in range(10):
                model.train()
                for x in loader:
                    model(x)  #: train
                model.eval()
                for x in loader:
                    model(x)  #: eval
        main(input())
        """,
    "while_true_sees_it_too": """
        def main(x):
            model = Net()
            while True:
                model(x)  #: train, eval
                model.eval()
        main(input())
        """,
    "a_break_leaves_with_its_own_state": """
        def main(loader):
            model = Net()
            while True:
                if stop():
                    model.eval()
                    break
            model(0)  #: eval
        main(input())
        """,
    "a_continue_goes_into_the_next_pass": """
        def main(loader):
            model = Net()
            for x in loader:
                model(x)  #: train, eval|train
                if skip(x):
                    model.eval()
                    continue
        main(input())
        """,
    "the_phases_of_the_tutorial_have_a_mode_each": """
        def main(loaders):
            model = Net()
            for epoch in range(25):
                for phase in ["train", "val"]:
                    if phase == "train":
                        model.train()
                    else:
                        model.eval()
                    for x in loaders[phase]:
                        with torch.set_grad_enabled(phase == "train"):
                            y = model(x)  #: train, eval
                            if phase == "train":
                                y.sum().backward()
        main(input())
        """,
    "counters_are_widened": """
        def main(loader):
            model = Net()
            step = 0
            for x in loader:
                if step == 0:
                    model.eval()
                else:
                    model.train()
                model(x)  #: eval, eval|train
                step += 1
        main(input())
        """,
    "a_flag_set_in_the_loop_is_seen_in_the_next_pass": """
        def main(loader):
            model = Net()
            first = True
            for x in loader:
                if not first:
                    model.eval()
                first = False
                model(x)  #: train, eval
        main(input())
        """,
    "a_loop_over_modules_sets_only_what_it_names": """
        def main(x):
            model = Net()
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
            model(x)  #: eval
        main(input())
        """,
    "networks_in_a_list_are_followed_one_by_one": """
        def main(x):
            models = [Net(), Net()]
            for model in models:
                model.eval()
            models[0](x)  #: eval
            models[1](x)  #: eval
        main(input())
        """,
    "a_comprehension_builds_networks": """
        def main(x):
            models = [Net() for _ in range(2)]
            models[1].eval()
            models[0](x)  #: train
            models[1](x)  #: eval
        main(input())
        """,
}


@pytest.mark.parametrize("program", BRANCHES.values(), ids=BRANCHES.keys())
def test_branches(program: str) -> None:
    check_modes(with_net(program))


@pytest.mark.parametrize("program", LOOPS.values(), ids=LOOPS.keys())
def test_loops(program: str) -> None:
    check_modes(with_net(program))
