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

PARTS = {
    "norms_are_found_by_isinstance": """
        def main(x):
            net = Net()
            for m in net.modules():
                if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm1d)):
                    m.eval()
            net(x)  #: eval
        main(input())
        """,
    "norms_are_found_by_their_base": """
        from torch.nn.modules.batchnorm import _BatchNorm
        def main(x):
            net = Net()
            for m in net.modules():
                if isinstance(m, _BatchNorm):
                    m.eval()
            net(x)  #: eval
        main(input())
        """,
    "norms_are_found_by_the_name_of_their_class": """
        def set_bn_eval(m):
            classname = m.__class__.__name__
            if classname.find("BatchNorm") != -1:
                m.eval()
        def main(x):
            net = Net()
            net.apply(set_bn_eval)
            net(x)  #: eval
        main(input())
        """,
    "norms_are_found_by_type_name": """
        def main(x):
            net = Net()
            for name, m in net.named_modules():
                if "BatchNorm" in type(m).__name__:
                    m.eval()
            net(x)  #: eval
        main(input())
        """,
    "norms_are_found_by_the_text_of_their_class": """
        def main(x):
            net = Net()
            for m in net.modules():
                if m.__class__.__name__.startswith("BatchNorm"):
                    m.train(False)
            net(x)  #: eval
        main(input())
        """,
    "norms_of_another_kind_are_left": """
        def main(x):
            net = Net()
            for m in net.modules():
                if isinstance(m, nn.BatchNorm1d):
                    m.eval()
            net(x)  #: train
        main(input())
        """,
    "norms_of_a_library_network": """
        import torchvision
        def main(x):
            net = torchvision.models.resnet18()
            for m in net.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.eval()
            net(x)  #: eval
            net.train()
            net(x)  #: train
        main(input())
        """,
    "norms_of_a_library_network_by_apply": """
        from torchvision import models
        def fix_bn(m):
            classname = m.__class__.__name__
            if classname.find("BatchNorm") != -1:
                m.eval()
        class Wrapped(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = models.resnet50(pretrained=True)
            def forward(self, x):
                return self.body(x)
        def main(x):
            net = Wrapped()
            net.apply(fix_bn)
            net(x)  #: eval
            net.train()
            net(x)  #: train
        main(input())
        """,
    "norms_of_a_cut_library_network": """
        from torchvision import models
        class Wrapped(nn.Module):
            def __init__(self):
                super().__init__()
                body = models.resnet50(pretrained=True)
                self.features = nn.Sequential(*list(body.children())[:-2])
            def freeze(self):
                for m in self.features.modules():
                    if isinstance(m, nn.BatchNorm2d):
                        m.eval()
            def forward(self, x):
                return self.features(x)
        def main(x):
            net = Wrapped()
            net.freeze()
            net(x)  #: eval
            net.train()
            net(x)  #: train
        main(input())
        """,
    "train_is_overridden_to_freeze_again": """
        class Frozen(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = Net()
            def train(self, mode=True):
                super().train(mode)
                for m in self.modules():
                    if isinstance(m, nn.BatchNorm2d):
                        m.eval()
                return self
            def forward(self, x):
                return self.net(x)
        def main(x):
            net = Frozen()
            net.train()
            net(x)  #: eval
            whole = nn.Sequential(net)
            whole.train()
            whole(x)  #: eval
        main(input())
        """,
    "train_is_overridden_for_a_backbone": """
        import torchvision
        class Frozen(nn.Module):
            def __init__(self):
                super(Frozen, self).__init__()
                self.backbone = torchvision.models.resnet18()
                self.head = nn.Linear(8, 2)
            def train(self, mode=True):
                super(Frozen, self).train(mode)
                if mode:
                    self.backbone.eval()
            def forward(self, x):
                return self.head(self.backbone(x))
        def main(x):
            net = Frozen()
            net.train()
            net(x)  #: eval
        main(input())
        """,
    "train_is_overridden_and_calls_the_class": """
        class Frozen(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = Net()
            def train(self, mode=True):
                nn.Module.train(self, mode)
                if mode:
                    def set_bn_eval(m):
                        if m.__class__.__name__.find("BatchNorm") != -1:
                            m.eval()
                    self.net.apply(set_bn_eval)
            def forward(self, x):
                return self.net(x)
        def main(x):
            net = Frozen()
            net.train()
            net(x)  #: eval
        main(input())
        """,
}

ALL = {**RESTORED, **SETTING, **CLASSIC, **PARTS}


@pytest.mark.parametrize("program", ALL.values(), ids=ALL.keys())
def test_the_mode_is_the_one_that_the_program_sets(program: str) -> None:
    check_modes(with_net(program))
