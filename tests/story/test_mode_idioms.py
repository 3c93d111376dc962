"""The ways in which programs switch modes, and the mode in which each forward then runs."""

from __future__ import annotations

import pytest

from tests.story.programs import check_modes, with_net

RESTORED = {
    "was_training_is_given_back": """
        def measure(net, x):
            was_training = net.training
            net.eval()
            net(x)  #: eval
            net.train(was_training)
        def main(x):
            net = Net()
            measure(net, x)
            net(x)  #: train
            net.eval()
            measure(net, x)
            net(x)  #: eval
        main(input())
        """,
    "was_training_asked_with_if": """
        def measure(net, x):
            was_training = net.training
            net.eval()
            net(x)  #: eval
            if was_training:
                net.train()
        def main(x):
            net = Net()
            measure(net, x)
            net(x)  #: train
        main(input())
        """,
    "a_class_that_switches_and_restores": """
        class evaluating:
            def __init__(self, net):
                self.net = net
            def __enter__(self):
                self.before = self.net.training
                self.net.eval()
                return self.net
            def __exit__(self, *args):
                self.net.train(self.before)
        def main(x):
            net = Net()
            with evaluating(net):
                net(x)  #: eval
            net(x)  #: train
        main(input())
        """,
    "a_generator_with_finally": """
        import contextlib
        @contextlib.contextmanager
        def evaluating(*nets):
            before = [net.training for net in nets]
            for net in nets:
                net.eval()
            try:
                yield
            finally:
                for net, mode in zip(nets, before):
                    net.train(mode)
        def main(x):
            a, b = Net(), Net()
            b.eval()
            with evaluating(a, b):
                a(x)  #: eval
                b(x)  #: eval
            a(x)  #: train
            b(x)  #: eval
        main(input())
        """,
    "modes_of_all_modules_are_kept_in_a_dict": """
        def main(x):
            net = Net()
            states = {name: module.training for name, module in net.named_modules()}
            net.eval()
            net(x)  #: eval
            for name, module in net.named_modules():
                module.training = states[name]
            net(x)  #: train
        main(input())
        """,
    "a_decorator_takes_the_method_s_own_network": """
        import functools
        def in_eval_mode(function):
            @functools.wraps(function)
            def wrapper(self, *args, **kwargs):
                self.net.eval()
                result = function(self, *args, **kwargs)
                self.net.train()
                return result
            return wrapper
        class Trainer:
            def __init__(self):
                self.net = Net()
            @in_eval_mode
            def measure(self, x):
                return self.net(x)  #: eval
            def step(self, x):
                return self.net(x)  #: train
        def main(x):
            trainer = Trainer()
            trainer.measure(x)
            trainer.step(x)
        main(input())
        """,
}

SETTING = {
    "train_takes_a_keyword": """
        def main(x):
            net = Net()
            net.train(mode=False)
            net(x)  #: eval
            net.train(mode=True)
            net(x)  #: train
        main(input())
        """,
    "train_takes_a_comparison": """
        def run(net, x, phase):
            net.train(phase == "train")
            net(x)  #: train, eval
        def main(x):
            net = Net()
            run(net, x, "train")
            run(net, x, "val")
        main(input())
        """,
    "the_method_is_named_by_a_string": """
        def run(net, x, mode):
            getattr(net, mode)()
            net(x)  #: train, eval
        def main(x):
            net = Net()
            run(net, x, "train")
            run(net, x, "eval")
        main(input())
        """,
    "the_method_is_chosen_by_an_expression": """
        def run(net, x, training):
            (net.train if training else net.eval)()
            net(x)  #: train, eval
        def main(x):
            net = Net()
            run(net, x, True)
            run(net, x, False)
        main(input())
        """,
    "the_call_is_chosen_by_an_expression": """
        def run(net, x, training):
            net.train() if training else net.eval()
            net(x)  #: train, eval
        def main(x):
            net = Net()
            run(net, x, True)
            run(net, x, False)
        main(input())
        """,
    "a_loop_over_a_tuple_of_networks": """
        def main(x):
            a, b = Net(), Net()
            for net in (a, b):
                net.eval()
            a(x)  #: eval
            b(x)  #: eval
        main(input())
        """,
    "a_comprehension_for_its_effect": """
        def main(x):
            nets = [Net(), Net()]
            [net.eval() for net in nets]
            nets[0](x)  #: eval
            nets[1](x)  #: eval
        main(input())
        """,
    "map_for_its_effect": """
        def main(x):
            nets = [Net(), Net()]
            list(map(lambda net: net.eval(), nets))
            nets[0](x)  #: eval
            nets[1](x)  #: eval
        main(input())
        """,
    "networks_in_a_dict": """
        class Trainer:
            def __init__(self):
                self.nets = {"g": Net(), "d": Net()}
            def set_eval(self):
                for net in self.nets.values():
                    net.eval()
            def set_train(self):
                for name in self.nets:
                    self.nets[name].train()
            def run(self, x):
                self.set_eval()
                self.nets["g"](x)  #: eval
                self.nets["d"](x)  #: eval
                self.set_train()
                self.nets["g"](x)  #: train
        def main(x):
            Trainer().run(x)
        main(input())
        """,
    "networks_named_in_a_list_of_attributes": """
        class Trainer:
            def __init__(self):
                self.names = ["G", "D"]
                self.net_G = Net()
                self.net_D = Net()
            def eval(self):
                for name in self.names:
                    if isinstance(name, str):
                        net = getattr(self, "net_" + name)
                        net.eval()
        def main(x):
            trainer = Trainer()
            trainer.eval()
            trainer.net_G(x)  #: eval
            trainer.net_D(x)  #: eval
        main(input())
        """,
    "eval_gives_the_network_back": """
        def main(x):
            net = Net().cuda().eval()
            net(x)  #: eval
            net = net.train().to("cpu")
            net(x)  #: train
        main(input())
        """,
}

CLASSIC = {
    "the_phases_of_the_tutorial": """
        def train_model(model, criterion, optimizer, dataloaders, num_epochs=25):
            for epoch in range(num_epochs):
                for phase in ["train", "val"]:
                    if phase == "train":
                        model.train()
                    else:
                        model.eval()
                    for inputs, labels in dataloaders[phase]:
                        optimizer.zero_grad()
                        with torch.set_grad_enabled(phase == "train"):
                            outputs = model(inputs)  #: train, eval
                            loss = criterion(outputs, labels)
                            if phase == "train":
                                loss.backward()
                                optimizer.step()
        def main(loaders):
            model = Net()
            train_model(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), loaders)
        main(input())
        """,
    "phases_with_an_optional_evaluation": """
        def train_model(model, loaders, epochs, val_every):
            for epoch in range(epochs):
                for phase in ("train", "val"):
                    if phase == "val" and epoch % val_every:
                        continue
                    model.train(phase == "train")
                    for x, y in loaders[phase]:
                        with torch.set_grad_enabled(phase == "train"):
                            model(x).sum().backward()  #: train, eval
        train_model(Net(), input(), 3, 2)
        """,
}

ALL = {**RESTORED, **SETTING, **CLASSIC}


@pytest.mark.parametrize("program", ALL.values(), ids=ALL.keys())
def test_the_mode_is_the_one_that_the_program_sets(program: str) -> None:
    check_modes(with_net(program))
