"""How classes are followed: what they inherit, override and keep, and networks that call networks."""

from __future__ import annotations

import pytest

from tests.story.programs import check_modes, with_net

CLASSES = {
    "super_finds_the_method_of_the_base": """
        class Base:
            def prepare(self):
                self.model.eval()
        class Trainer(Base):
            def __init__(self):
                self.model = Net()
            def prepare(self):
                super().prepare()
        trainer = Trainer()
        trainer.prepare()
        trainer.model(input())  #: eval
        """,
    "a_property_is_called": """
        class Trainer:
            def __init__(self):
                self.inner = Net()
            @property
            def model(self):
                self.inner.eval()
                return self.inner
        Trainer().model(input())  #: eval
        """,
    "class_attributes_are_seen_by_instances": """
        class Trainer:
            training = False
            def __init__(self):
                self.model = Net()
            def run(self, x):
                self.model.train(self.training)
                self.model(x)  #: eval
        Trainer().run(input())
        """,
    "a_base_calls_what_its_subclass_defines": """
        class Base:
            def run(self, x):
                self.switch()
                self.model(x)  #: eval
        class Trainer(Base):
            def __init__(self):
                self.model = Net()
            def switch(self):
                self.model.eval()
        Trainer().run(input())
        """,
    "an_instance_of_a_kind_of_dict_holds_what_is_stored": """
        class Registry(dict):
            def register(self, name):
                def keep(cls):
                    self[name] = cls
                    return cls
                return keep
        NETS = Registry()
        NETS.register("net")(Net)
        def main(config, x):
            model = NETS[config["name"]]()
            model.eval()
            model(x)  #: eval
        main(input(), 0)
        """,
    "a_method_of_whichever_network_is_meant_runs_for_certain": """
        def main(flag, x):
            model = Net() if flag else Other()
            model.eval()
            model(x)  #: eval
        class Other(Net):
            pass
        main(input(), 0)
        """,
    "texts_known_in_part_need_not_be_equal": """
        def main(a, b, x):
            model = Net()
            if f"{a}.net" in x:
                model.eval()
            if f"{b}.net" in x:
                model(x)  #: eval|train
        main(parse(), parse(), input())
        """,
    "static_and_class_methods_take_their_own_first_argument": """
        class Trainer:
            @staticmethod
            def freeze(model):
                model.eval()
            @classmethod
            def build(cls):
                model = Net()
                cls.freeze(model)
                return model
        Trainer.build()(input())  #: eval
        """,
    "an_overridden_train_keeps_batch_norm_in_eval_mode": """
        class Frozen(Net):
            def train(self, mode=True):
                super().train(mode)
                self.bn.eval()
        model = Frozen()
        model.train()
        model(input())  #: eval
        """,
}

NETWORKS = {
    "a_wrapper_has_the_modes_of_its_network": """
        model = Net()
        parallel = nn.DataParallel(model)
        parallel.eval()
        model(input())  #: eval
        parallel(input())  #: eval
        parallel.module.train()
        parallel(input())  #: train
        """,
    "a_deep_copy_has_modes_of_its_own": """
        import copy
        model = Net()
        teacher = copy.deepcopy(model)
        teacher.eval()
        model(input())  #: train
        teacher(input())  #: eval
        """,
    "a_module_list_is_registered": """
        class Stack(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = nn.ModuleList([nn.BatchNorm2d(8) for _ in range(3)])
            def forward(self, x):
                for block in self.blocks:
                    x = block(x)
                return x
        model = Stack()
        model.eval()
        model(input())  #: eval
        """,
    "a_plain_list_is_not_registered": """
        class Stack(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = [nn.BatchNorm2d(8), nn.BatchNorm2d(8)]
            def forward(self, x):
                for block in self.blocks:
                    x = block(x)
                return x
        model = Stack()
        model.eval()
        model(input())  #: train
        """,
    "add_module_registers": """
        class Stack(nn.Module):
            def __init__(self):
                super().__init__()
                self.add_module("norm", nn.BatchNorm2d(8))
            def forward(self, x):
                return self.norm(x)
        model = Stack()
        model.eval()
        model(input())  #: eval
        """,
    "a_subclass_of_sequential_holds_what_it_was_given": """
        class Block(nn.Sequential):
            def __init__(self, width):
                super().__init__(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width))
        model = Block(8)
        model.eval()
        model(input())  #: eval
        """,
    "apply_calls_a_function_for_each_module": """
        def freeze(module):
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        model = Net()
        model.apply(freeze)
        model(input())  #: eval
        """,
    "train_takes_a_flag": """
        model = Net()
        model.train(False)
        model(input())  #: eval
        model.train(mode=True)
        model(input())  #: train
        """,
    "a_mode_set_on_a_part_leaves_the_rest": """
        model = nn.Sequential(nn.BatchNorm2d(3), Net())
        model.eval()
        model[1].train()
        model(input())  #: eval|train
        """,
}


@pytest.mark.parametrize("program", CLASSES.values(), ids=CLASSES.keys())
def test_classes(program: str) -> None:
    check_modes(with_net(program))


@pytest.mark.parametrize("program", NETWORKS.values(), ids=NETWORKS.keys())
def test_networks(program: str) -> None:
    check_modes(with_net(program))
