"""Small things under the names of torchvision and gym, a device that is the CPU, and files that are not there.

For running fixtures: what they apply of a library has its shape and its batch norms, not its size; pictures are noise.
"""

from __future__ import annotations

import sys
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import torch
from torch import nn

PICTURES = 300
"""how many a data set has"""


class Anything:
    """Stands for what cannot be had: a transformation, a weights enumeration, what a missing file holds."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self


# --- networks --------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.bn1(self.conv1(x)))


class ResNet(nn.Module):
    """Like torchvision's, with one convolution in each of its layers."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, stride=4, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.layer1, self.layer2, self.layer3 = (nn.Sequential(Block(8, 8)) for _ in range(3))
        self.layer4 = nn.Sequential(Block(8, features))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc: nn.Module = nn.Linear(features, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


class Features(nn.Module):
    """Like torchvision's mobilenet and densenet: `features` and a `classifier`."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(Block(3, 8), Block(8, features))
        self.classifier: nn.Module = nn.Linear(features, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).mean((2, 3)))  # type: ignore[no-any-return]


def network(kind: Callable[[int, int], nn.Module], features: int) -> Callable[..., nn.Module]:
    def build(*args: Any, num_classes: int = 1000, **kwargs: Any) -> nn.Module:
        return kind(features, num_classes)

    return build


# --- data and environments -------------------------------------------------------------------


class Pictures(torch.utils.data.Dataset[Any]):
    """Noise, under the name of any data set of pictures; views are what its transformation gives if that is code."""

    size = 32

    def __init__(self, *args: Any, transform: Any = None, **kwargs: Any) -> None:
        self.transform = transform if transform is not None else next((arg for arg in args if callable(arg)), None)
        self.classes = [str(number) for number in range(10)]
        self.targets = [number % 10 for number in range(PICTURES)]

    def __len__(self) -> int:
        return PICTURES

    def __getitem__(self, index: int) -> tuple[Any, int]:
        picture = torch.rand(3, self.size, self.size)
        made = self.transform(picture) if callable(self.transform) else picture
        return (picture if isinstance(made, Anything) else made), index % 2


class GreyPictures(Pictures):
    def __getitem__(self, index: int) -> tuple[Any, int]:
        return torch.rand(1, 28, 28), index % 10


class Segmented(Pictures):
    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return torch.rand(3, self.size, self.size), torch.randint(0, 2, (self.size, self.size))


class Applied:
    """`transforms.Compose`: applies what is code, passes over what only stands for something."""

    def __init__(self, steps: Any = ()) -> None:
        self.steps = steps

    def __call__(self, picture: Any) -> Any:
        for step in self.steps:
            made = step(picture)
            picture = picture if isinstance(made, Anything) else made
        return picture


class Environment:
    """A task of a few turns, with the answers of `gym` (4 from a step) or of `gymnasium` (5)."""

    stepped: Callable[[Any], None] | None = None
    """told of each action"""

    def __init__(self, modern: bool, name: str) -> None:
        self.modern, self.turn = modern, 0
        self.continuous = "Pendulum" in name
        self.shape = (3,) if self.continuous else (4, 84, 84) if "ALE" in name or "NoFrame" in name else (4,)
        self.observation_space = Anything.__new__(Anything)
        self.observation_space.__dict__.update(shape=self.shape, low=-1.0, high=1.0)
        self.action_space = Anything.__new__(Anything)
        self.action_space.__dict__.update(n=2, shape=(1,), low=[-1.0], high=[1.0], sample=lambda: [0.0] if self.continuous else 0)

    def state(self) -> Any:
        return torch.rand(self.shape).numpy()

    def reset(self, **kwargs: Any) -> Any:
        self.turn = 0
        return (self.state(), {}) if self.modern else self.state()

    def step(self, action: Any) -> Any:
        self.turn += 1
        if Environment.stepped is not None:
            Environment.stepped(action)
        done = self.turn >= 5
        return (self.state(), 1.0, done, False, {}) if self.modern else (self.state(), 1.0, done, {})

    def render(self, *args: Any, **kwargs: Any) -> None: ...

    def close(self) -> None: ...


# --- modules ---------------------------------------------------------------------------------


class Library(ModuleType):
    """A module whose unknown names stand for anything."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__.endswith(("datasets", "models")):
            raise AttributeError(name)
        return Anything()


def library(name: str, **contents: Any) -> Library:
    made = Library(name)
    made.__dict__.update(contents, __path__=[])
    return made


def maker(modern: bool) -> Callable[..., Environment]:
    return lambda task, **kwargs: Environment(modern, task)


def libraries() -> dict[str, ModuleType]:
    """The modules that stand for libraries, by name."""
    networks = {
        **{name: network(ResNet, 512) for name in ("resnet18", "resnet34")},
        **{name: network(ResNet, 2048) for name in ("resnet50", "resnet101")},
        "mobilenet_v2": network(Features, 1280),
        "densenet121": network(Features, 1024),
        "ResNet": ResNet,
    }
    weights = {f"{name}_Weights": Anything() for name in ("ResNet18", "ResNet34", "ResNet50", "ResNet101")}
    models = library("torchvision.models", **networks, **weights)
    coloured = ("CIFAR10", "CIFAR100", "ImageFolder", "SVHN", "STL10", "ImageNet")
    datasets = library("torchvision.datasets", **dict.fromkeys(coloured, Pictures))
    datasets.__dict__.update(MNIST=GreyPictures, USPS=GreyPictures, FashionMNIST=GreyPictures)
    datasets.__dict__.update(VOCSegmentation=Segmented, Cityscapes=Segmented)
    functional = library("torchvision.transforms.functional")
    transforms = library("torchvision.transforms", Compose=Applied, functional=functional)
    drawing = library("torchvision.utils", save_image=lambda *args, **kwargs: None, make_grid=lambda images, *args: images[0])
    reading = library("torchvision.io", read_image=lambda *args, **kwargs: torch.randint(0, 255, (3, 64, 64), dtype=torch.uint8))
    parts = {"models": models, "datasets": datasets, "transforms": transforms, "utils": drawing, "io": reading}
    made: dict[str, ModuleType] = {f"torchvision.{name}": part for name, part in parts.items()}
    made |= {"torchvision": library("torchvision", **parts), "torchvision.transforms.functional": functional}
    for name, modern in (("gym", False), ("gymnasium", True)):
        wrappers = library(f"{name}.wrappers", FrameStackObservation=lambda env, count: env)
        made |= {name: library(name, make=maker(modern), wrappers=wrappers, Env=object), f"{name}.wrappers": wrappers}
    return made


@contextmanager
def in_place(folder: Path) -> Iterator[None]:
    """While this lasts the libraries are there, modules are found in `folder`, every device is the CPU, no file is missing."""
    before, path = dict(sys.modules), list(sys.path)
    for name, made in libraries().items():
        if name.partition(".")[0] not in before:
            sys.modules[name] = made
    sys.path.insert(0, str(folder))
    module: Any = nn.Module
    tensor: Any = torch.Tensor
    kept = {
        (owner, name): getattr(owner, name)
        for owner, name in (
            (module, "cuda"), (module, "to"), (module, "load_state_dict"), (tensor, "cuda"), (tensor, "to"),
            (torch, "load"), (torch, "save"), (ArgumentParser, "parse_args"),
            (numpy, "load"),
        )
    }  # fmt: skip

    def moved(original: Any) -> Any:
        def to(self: Any, *args: Any, **kwargs: Any) -> Any:
            left = [arg for arg in args if not elsewhere(arg)]
            named = {key: value for key, value in kwargs.items() if not elsewhere(value)}
            return original(self, *left, **named) if left or named else self

        return to

    def load_state(self: Any, state: Any, *args: Any, **kwargs: Any) -> Any:
        return None if isinstance(state, Anything) else kept[module, "load_state_dict"](self, state, *args, **kwargs)

    def load(file: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, (str, Path)) and not Path(file).exists():
            return Anything()
        return kept[torch, "load"](file, *args, **{**kwargs, "map_location": "cpu"})

    def parse(self: ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        for action in self._actions:
            if action.required:
                action.required, action.default = False, answer(action)
                action.nargs = action.nargs if action.option_strings else "?"
        return self.parse_known_args([])[0]

    ArgumentParser.parse_args = parse  # type: ignore[assignment, method-assign]
    module.cuda = tensor.cuda = lambda self, *args, **kwargs: self
    module.to, tensor.to, module.load_state_dict = moved(module.to), moved(tensor.to), load_state
    def load_array(file: Any, *args: Any, **kwargs: Any) -> Any:
        if str(file).endswith(("_x.npy", "_y.npy")) and not Path(file).exists():
            return torch.rand(PICTURES, 3, 32, 32).numpy() if str(file).endswith("_x.npy") else torch.arange(PICTURES).numpy() % 2
        return kept[numpy, "load"](file, *args, **kwargs)

    torch.load = load
    numpy.load = load_array
    torch.save = lambda *args, **kwargs: None  # type: ignore[assignment]
    try:
        yield
    finally:
        for (owner, name), value in kept.items():
            setattr(owner, name, value)
        for name, made in list(sys.modules.items()):
            if name not in before and (isinstance(made, Library) or str(getattr(made, "__file__", "")).startswith(str(folder))):
                del sys.modules[name]
        sys.path[:] = path


def answer(action: Action) -> Any:
    """What is given for an argument that a program insists on."""
    if action.choices is not None:
        return next(iter(action.choices))
    return action.type("2") if action.type in (int, float) and callable(action.type) else "here"


def elsewhere(value: Any) -> bool:
    """Whether this names a device other than the CPU."""
    return type(value) is int or str(value).startswith(("cuda", "mps", "device(type='cuda'"))
