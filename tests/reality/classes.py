"""The classes and helpers that generated programs are made of: networks with a mode of their own, and code that switches it."""

from __future__ import annotations

HEAD = """\
import asyncio
import collections
import contextlib
import copy
import dataclasses
import enum
import functools
import itertools
import operator
import os
import sys
import types

import torch
import torch.utils.checkpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
"""

NET = """
class Net(nn.Module):
    kind = "net"

    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(4, width)
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x):
        return self.bn(self.fc(x))
"""

PAIR = """
class Pair(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.a = a
        self.b = b

    @property
    def first(self):
        return self.a

    def forward(self, x):
        return self.b(self.a(x))
"""

STACK = """
class Stack(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.blocks = nn.ModuleList([Net() for _ in range(depth)])
        self.tail = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.tail(x)
"""

FROZEN = """
class Frozen(Net):
    def train(self, mode=True):
        super().train(mode)
        self.bn.eval()
        return self
"""

GUARDED = """
class Guarded(nn.Module):
    freezes = True

    def __init__(self, freeze):
        super().__init__()
        self.freeze = freeze
        self.net = Net()
        self.head = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def train(self, mode=True):
        super().train(mode)
        if self.freeze and self.freezes and mode:
            for module in self.net.modules():
                if isinstance(module, nn.BatchNorm1d):
                    module.eval()
        return self

    def forward(self, x):
        return self.head(self.net(x))
"""

WRAP = """
class Wrap(nn.Module):
    def __init__(self, inner, copies=False):
        super().__init__()
        self.inner = copy.deepcopy(inner) if copies else inner

    def forward(self, x):
        return self.inner(x)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.inner, name)
"""

HIDDEN = """
class Hidden(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.out = nn.BatchNorm1d(4)
        self.parts = [inner]

    def forward(self, x):
        return self.out(self.parts[0](x))
"""

EVALUATING = """
@contextlib.contextmanager
def evaluating(net):
    was_training = net.training
    net.eval()
    try:
        yield net
    finally:
        net.train(was_training)
"""

SWITCHED = """
class Switched:
    def __init__(self, net, mode):
        self.net = net
        self.mode = mode

    def __enter__(self):
        self.before = self.net.training
        self.net.train(self.mode)
        return self.net

    def __exit__(self, *args):
        self.net.train(self.before)
        return False
"""

IN_EVAL = """
def in_eval(function):
    @functools.wraps(function)
    def wrapped(net, *args, **kwargs):
        net.eval()
        out = function(net, *args, **kwargs)
        net.train()
        return out
    return wrapped
"""

FREEZE_BN = """
def freeze_bn(module):
    if isinstance(module, nn.BatchNorm1d):
        module.eval()
        for parameter in module.parameters():
            parameter.requires_grad = False
"""

SET_MODE = """
def set_mode(nets, mode):
    for net in nets:
        if mode == "train":
            net.train()
        elif mode == "eval":
            net.eval()
        else:
            raise ValueError(mode)
"""

BASE = """
class Base:
    testing = False

    def __init__(self, net):
        self.net = net
        self.runs = 0

    def prepare(self):
        self.net.train()

    def run(self, x):
        self.prepare()
        self.runs += 1
        return self.net(x)

class Tester(Base):
    testing = True

    def prepare(self):
        super().prepare()
        if self.testing:
            self.net.eval()

    @classmethod
    def of(cls, net):
        return cls(net)

    @staticmethod
    def quiet(net):
        return net.eval()
"""

FREEZING = """
class Freezing(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.bn = nn.BatchNorm1d(4)

    def forward(self, x):
        with torch.no_grad():
            self.inner.eval()
            seen = self.inner(x)
        return self.bn(seen)
"""

OWN = """
class Own(Net):
    def freeze(self, frozen=True):
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.train(not frozen)
        return self

    def predict(self, x):
        training = self.training
        self.eval()
        with torch.no_grad():
            out = self(x)
        self.train(training)
        return out
"""

FROZEN_WHILE = """
@contextlib.contextmanager
def frozen_while(net):
    held = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d) and m.training]
    for module in held:
        module.eval()
    yield
    for module in held:
        module.train()
"""

PLAY = """
def play(net, env, turns=2):
    state = env.reset()
    for _ in range(turns):
        with torch.no_grad():
            action = net(torch.randn(2, 4))
        state, reward, done, info = env.step(action.argmax(1))
        if done:
            break
"""

ALL = {
    "Net": NET, "Pair": PAIR, "Stack": STACK, "Frozen": FROZEN, "Guarded": GUARDED, "Wrap": WRAP, "Hidden": HIDDEN,
    "evaluating": EVALUATING, "Switched": SWITCHED, "in_eval": IN_EVAL, "freeze_bn": FREEZE_BN, "set_mode": SET_MODE,
    "(?:Base|Tester)": BASE, "Freezing": FREEZING, "Own": OWN, "frozen_while": FROZEN_WHILE, "play": PLAY,
}  # fmt: skip
