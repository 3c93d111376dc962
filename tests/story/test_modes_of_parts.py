"""Modes that are set on parts of networks, and the mode in which each part then runs."""

from __future__ import annotations

import pytest

from tests.story.programs import check_modes, with_net

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


@pytest.mark.parametrize("program", PARTS.values(), ids=PARTS.keys())
def test_the_mode_is_the_one_that_the_program_sets(program: str) -> None:
    check_modes(with_net(program))
