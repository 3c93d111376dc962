"""More classes and helpers of generated programs: what grown training code has around its networks."""

from __future__ import annotations

THAWED = """
class FreezesNorms:
    def train(self, mode=True):
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

class Mixed(FreezesNorms, Net):
    pass

class Thawed(Mixed):
    def train(self, mode=True):
        super().train(mode)
        if mode:
            self.bn.train()
        return self
"""

SAMPLING = """
class Sampling(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()
        self.out = nn.BatchNorm1d(4)

    def eval(self):
        super().eval()
        self.out.train()
        return self

    def forward(self, x):
        return self.out(self.net(x))
"""

ONLY_TRAINING = """
class OnlyTraining(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(4)
        self.aux = Net()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        if self.training:
            return self.aux(self.bn(self.fc(x)))
        return self.bn(self.fc(x))
"""

FACTORY = """
class Factory(nn.Module):
    def __init__(self, norm=nn.BatchNorm1d, count=2, *, last=True, **options):
        super().__init__()
        for index in range(count):
            setattr(self, f"bn{index}", norm(4, **options))
        self.count = count
        self.last = nn.BatchNorm1d(4) if last else nn.Identity()

    def forward(self, x):
        for index in range(self.count):
            x = getattr(self, f"bn{index}")(x)
        return self.last(x)
"""

DOMAINS = """
class Domains(nn.Module):
    def __init__(self, names=("source", "target")):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.norms = nn.ModuleDict({name: nn.BatchNorm1d(4) for name in names})
        self.current = names[0]

    def use(self, name):
        self.current = name
        return self

    def forward(self, x):
        return self.norms[self.current](self.fc(x))
"""

PARTLY = """
class Partly(nn.Module):
    def __init__(self, backbone=None, train_backbone=False):
        super().__init__()
        self.backbone = backbone or Net()
        self.train_backbone = train_backbone
        layers = [nn.Linear(4, 4)]
        layers += [nn.BatchNorm1d(4), nn.ReLU()]
        layers.append(nn.Linear(4, 4))
        self.head = nn.Sequential(*layers)

    def train(self, mode=True):
        self.training = mode
        for name, child in self.named_children():
            child.train(mode and (self.train_backbone or name != "backbone"))
        return self

    def forward(self, x):
        with torch.set_grad_enabled(self.train_backbone and torch.is_grad_enabled()):
            features = self.backbone(x)
        return self.head(features)
"""

TRAINER = """
class Callback:
    def before(self, trainer): ...
    def after(self, trainer): ...

class EvalAfter(Callback):
    def after(self, trainer):
        trainer.net.eval()

class TrainBefore(Callback):
    def before(self, trainer):
        trainer.net.train()

class Trainer:
    def __init__(self, net, callbacks=()):
        self.net = net
        self.callbacks = list(callbacks)

    def tell(self, event):
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def fit(self, x, epochs=2):
        for epoch in range(epochs):
            self.tell("before")
            self.step(x)
            self.tell("after")
        return self

    def step(self, x):
        loss = self.net(x).mean()
        loss.backward()

    @torch.no_grad()
    def evaluate(self, x):
        return self.net(x)
"""

MANY = """
class Many:
    names = ["G", "D"]

    def __init__(self, first, second):
        self.netG = first
        self.netD = second
        self.modes = {}

    def eval(self):
        for name in self.names:
            if isinstance(name, str):
                net = getattr(self, "net" + name)
                net.eval()

    def train(self, *names):
        for name in names or self.names:
            getattr(self, "net" + name).train()

    @property
    def mode(self):
        return self.netG.training

    @mode.setter
    def mode(self, value):
        self.netG.train(value)
        self.netD.train(not value)

    def nets(self):
        yield self.netG
        yield self.netD

    def __call__(self, x):
        return self.netD(self.netG(x))
"""

CONFIG = """
@dataclasses.dataclass
class Config:
    freeze: bool = False
    epochs: int = 2
    phases: tuple = ("train", "val")
    parts: list = dataclasses.field(default_factory=lambda: ["a", "b"])
"""

PHASE = """
class Phase(enum.Enum):
    TRAIN = "train"
    VAL = "val"
"""

AVERAGE = """
class Average:
    def __init__(self, net, decay=0.9):
        self.net = copy.deepcopy(net).eval()
        self.decay = decay
        for parameter in self.net.parameters():
            parameter.requires_grad_(False)

    @torch.no_grad()
    def update(self, net):
        for mine, theirs in zip(self.net.parameters(), net.parameters()):
            mine.mul_(self.decay).add_(theirs, alpha=1 - self.decay)
        for mine, theirs in zip(self.net.buffers(), net.buffers()):
            mine.copy_(theirs)
"""

WITH_MODE = """
def with_mode(mode):
    def decorate(function):
        @functools.wraps(function)
        def wrapped(net, *args, **kwargs):
            before = net.training
            getattr(net, mode)()
            try:
                return function(net, *args, **kwargs)
            finally:
                net.train(before)
        return wrapped
    return decorate
"""

KEEPING_MODES = """
@contextlib.contextmanager
def keeping_modes(*nets):
    before = {module: module.training for net in nets for module in net.modules()}
    try:
        yield
    finally:
        for module, mode in before.items():
            module.training = mode
"""

DOWN = """
def down(module, mode=False):
    if isinstance(module, nn.BatchNorm1d):
        module.train(mode)
    for child in module.children():
        down(child, mode)
"""

NORMS_OF = """
def norms_of(net):
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm1d)]
"""

BY_NAME = """
def by_name(module):
    classname = module.__class__.__name__
    if classname.find("BatchNorm") != -1:
        module.eval()
"""

PARTS_OF = """
def parts_of(x, size=2):
    for start in range(0, len(x) - size + 1, size):
        yield x[start:start + size]
"""

CURRENT = """
current = None

def use(net):
    global current
    current = net
    return current

def now(x):
    return current(x)
"""

RUN_ALL = """
def run_all(*nets, x, mode=None, **modes):
    for net in nets:
        if mode is not None:
            net.train(mode)
        net.train(**modes) if modes else None
    return [net(x) for net in nets]
"""

STOP = """
class Stop(Exception):
    pass

def stop_when(condition, net=None):
    if condition:
        if net is not None:
            net.eval()
        raise Stop("enough")
"""

TURNS = """
def turns(net, x, depth):
    if depth > 0:
        turns(net, x, depth - 1)
        net(x)
        net.train(depth % 2 == 0)
    return net
"""

HOLDER = """
class Holder:
    net = None
    others = []

    @classmethod
    def hold(cls, net):
        cls.net = net
        cls.others.append(net)
        return cls
"""

EVALUATOR = """
class Evaluator:
    def __init__(self, net, *, quiet=True):
        self.net, self.quiet = net, quiet

    def __call__(self, x):
        if self.quiet:
            self.net.eval()
        return self.net(x)
"""

REGISTRY = """
REGISTRY = {}

def register(cls):
    REGISTRY[cls.__name__.lower()] = cls
    return cls

@register
class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(collections.OrderedDict(fc=nn.Linear(4, 4), bn=nn.BatchNorm1d(4)))

    def forward(self, x):
        return self.layers(x)

@register
class Large(Small):
    def __init__(self):
        super().__init__()
        self.more = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.more(super().forward(x))
"""

MORE = {
    "(?:FreezesNorms|Mixed|Thawed)": THAWED, "Sampling": SAMPLING, "OnlyTraining": ONLY_TRAINING, "Factory": FACTORY,
    "Domains": DOMAINS, "Partly": PARTLY, "(?:Callback|EvalAfter|TrainBefore|Trainer)": TRAINER, "Many": MANY,
    "Config": CONFIG, "Phase": PHASE, "Average": AVERAGE, "with_mode": WITH_MODE, "keeping_modes": KEEPING_MODES, "down": DOWN,
    "norms_of": NORMS_OF, "by_name": BY_NAME, "parts_of": PARTS_OF, "(?:use|now)": CURRENT, "run_all": RUN_ALL,
    "(?:Stop|stop_when)": STOP, "turns": TURNS, "Holder": HOLDER, "Evaluator": EVALUATOR, "(?:REGISTRY|Small|Large)": REGISTRY,
}  # fmt: skip
"""by the words that ask for them"""
