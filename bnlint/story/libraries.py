"""Names of libraries: their canonical spelling, and which room answers a call of one."""

from __future__ import annotations

import builtins as python
from functools import lru_cache
from typing import TYPE_CHECKING

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import builtins, calls
from bnlint.story.values import UNKNOWN, Bound, Const, Func, Lib, Tuple, Value

if TYPE_CHECKING:
    from bnlint.story.machine import Run

PREFIXES = (
    ("tensorflow.compat.v1.keras.", "keras."),
    ("tensorflow.compat.v2.keras.", "keras."),
    ("tensorflow.compat.v1.", "tensorflow."),
    ("tensorflow.compat.v2.", "tensorflow."),
    ("tensorflow.python.keras.", "keras."),
    ("tensorflow.keras.", "keras."),
    ("tensorflow.contrib.keras.python.keras.", "keras."),
    ("tensorflow.contrib.keras.api.keras.", "keras."),
    ("tensorflow.contrib.slim.python.slim.", "slim."),
    ("tensorflow.contrib.slim.", "slim."),
    ("tensorflow.contrib.framework.", "slim."),
    ("tensorflow.contrib.layers.python.layers.layers.", "slim."),
    ("tensorflow.contrib.layers.python.layers.", "slim."),
    ("tensorflow.contrib.layers.", "slim."),
    ("tensorflow.contrib.training.", "slim.learning."),
    ("tensorflow.python.ops.control_flow_ops.", "tensorflow."),
    ("tensorflow.python.ops.array_ops.", "tensorflow."),
    ("tensorflow.python.ops.math_ops.", "tensorflow."),
    ("tensorflow.python.ops.nn.", "tensorflow.nn."),
    ("tensorflow.python.framework.ops.", "tensorflow."),
    ("tensorflow.python.layers.normalization.", "tensorflow.layers."),
    ("tensorflow.python.layers.layers.", "tensorflow.layers."),
    ("tensorflow.python.training.moving_averages.", "tensorflow.moving_averages."),
    ("tf_keras.", "keras."),
    ("keras.src.", "keras."),
    ("tf_slim.", "slim."),
    ("keras.layers.normalization.", "keras.layers."),
    ("keras.layers.core.", "keras.layers."),
    ("keras.layers.convolutional.", "keras.layers."),
    ("keras.engine.", "keras."),
    ("keras.backend.tensorflow_backend.", "keras.backend."),
    ("slim.python.slim.", "slim."),
    ("slim.layers.", "slim."),
    ("torch.nn.modules.batchnorm.", "torch.nn."),
    ("torch.nn.modules.container.", "torch.nn."),
    ("torch.nn.modules.module.", "torch.nn."),
    ("torch.nn.modules.conv.", "torch.nn."),
    ("torch.nn.modules.", "torch.nn."),
    ("torch.nn.parallel.DataParallel", "torch.nn.DataParallel"),
    ("torch.nn.parallel.distributed.", "torch.nn.parallel."),
    ("torch.utils.data.dataloader.", "torch.utils.data."),
    ("torch.autograd.grad_mode.", "torch."),
    ("torch.autograd.no_grad", "torch.no_grad"),
    ("torch.optim.lr_scheduler.", "torch.optim.lr_scheduler."),
    ("torch.optim.adam.", "torch.optim."),
    ("torch.optim.sgd.", "torch.optim."),
    ("pytorch_lightning.", "lightning."),
    ("lightning.pytorch.", "lightning."),
    ("lightning.core.lightning.", "lightning."),
    ("lightning.core.module.", "lightning."),
    ("lightning.core.datamodule.", "lightning."),
    ("lightning.core.", "lightning."),
    ("lightning.trainer.trainer.", "lightning."),
    ("lightning.trainer.", "lightning."),
    ("lightning.fabric.", "lightning."),
    ("lightning_fabric.", "lightning."),
    ("lightning.lite.", "lightning."),
    ("ignite.engine.engine.", "ignite.engine."),
    ("jax.numpy.", "numpy."),
)
EXACT = {
    "tensorflow.compat.v1": "tensorflow",
    "tensorflow.compat.v2": "tensorflow",
    "tensorflow.keras": "keras",
    "tensorflow.compat.v1.keras": "keras",
    "tensorflow.contrib.slim": "slim",
    "tensorflow.contrib.layers": "slim",
    "tensorflow.contrib.framework": "slim",
    "tensorflow.contrib.training": "slim.learning",
    "tensorflow.python.keras": "keras",
    "tensorflow.python.ops.control_flow_ops": "tensorflow",
    "tensorflow.python.training.moving_averages": "tensorflow.moving_averages",
    "tf_keras": "keras",
    "tf_slim": "slim",
    "slim.layers": "slim",
    "pytorch_lightning": "lightning",
    "lightning.pytorch": "lightning",
    "torch.autograd.no_grad": "torch.no_grad",
    "torch.nn.parallel.DataParallel": "torch.nn.DataParallel",
    "fastai.vision.all.nn": "torch.nn",
    "fastai.vision.all.torch": "torch",
    "fastai.vision.all.F": "torch.nn.functional",
    "fastai.vision.all.Module": "torch.nn.Module",
}


@lru_cache(maxsize=65536)
def canonical(name: str) -> str:
    """One spelling for the places a library offers the same thing at."""
    for _ in range(3):
        exact = EXACT.get(name)
        if exact is not None:
            name = exact
            continue
        for prefix, short in PREFIXES:
            if name.startswith(prefix) and prefix != short:
                name = short + name[len(prefix) :]
                break
        else:
            return name
    return name


def member(owner: str, name: str) -> Lib:
    return Lib(canonical(f"{owner}.{name}"))


def builtin(name: str) -> Value:
    """A name that no scope binds."""
    if name == "__name__":
        return Const("")
    if hasattr(python, name) or name in ("unicode", "xrange", "raw_input", "reduce", "basestring", "long"):
        return Lib(f"builtins.{name}")
    return UNKNOWN


STARS = {
    "torch": ("nn", "Tensor", "no_grad", "cat", "optim", "utils", "randn", "rand", "zeros", "ones", "tensor"),
    "torch.nn": (
        "Module", "Sequential", "ModuleList", "ModuleDict", "Linear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d",
        "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "ReLU", "LeakyReLU", "Dropout", "Parameter",
        "DataParallel", "CrossEntropyLoss", "MSELoss", "BCELoss", "MaxPool2d", "AdaptiveAvgPool2d", "Flatten",
    ),
    "fastai.vision.all": (
        "nn", "torch", "F", "Module", "Learner", "vision_learner", "cnn_learner", "unet_learner", "resnet18", "resnet34",
        "resnet50", "resnet101", "xresnet18", "xresnet34", "xresnet50", "densenet121", "vgg16_bn", "squeezenet1_0", "alexnet",
    ),
    "keras.layers": (
        "BatchNormalization", "Dense", "Conv2D", "Conv1D", "Conv3D", "Conv2DTranspose", "Input", "Activation", "Dropout",
        "Flatten", "Reshape", "LeakyReLU", "ReLU", "MaxPooling2D", "GlobalAveragePooling2D", "Add", "Concatenate", "Layer",
    ),
    "keras.models": ("Sequential", "Model", "load_model", "model_from_json"),
    "slim": ("batch_norm", "conv2d", "fully_connected", "arg_scope", "flatten", "max_pool2d", "variable_scope"),
}  # fmt: skip


def star(run: Run, name: str) -> None:
    """`from library import *`: the names of it that matter here."""
    for each in STARS.get(name, ()):
        run.memory.write(run.frame.scope.table, each, member(name, each))


RAISING = frozenset({"int", "float", "next", "open", "input"})
"""functions of Python that raise where their argument is not what they want"""


def call(run: Run, name: str, args: Args, node: ir.Call) -> Value:
    if name.startswith("builtins."):
        handler = builtins.CALLS.get(name[9:])
        if handler is not None:
            risky = name[9:] in RAISING
            run.risks += risky
            run.wide_risks += risky
            return handler(run, args, node)
        return calls.unknown_call(run, UNKNOWN, args)
    found = run.hooks.call(run, name, args, node)
    if found is not None:
        return found
    handed = handed_on(args)
    if handed is not None:
        target, values = handed
        first = [UNKNOWN] if name.endswith("spawn") else []
        calls.call(run, target, Args((*first, *values)), node)
    return calls.unknown_call(run, UNKNOWN, args)


def handed_on(args: Args) -> tuple[Value, tuple[Value, ...]] | None:
    """A project function that a library is given together with its arguments: `spawn(worker, args=(...))`."""
    target = args.get(0, "target") or args.get(None, "fn")
    given = args.get(1, "args")
    if not isinstance(target, Func) and not (isinstance(target, Bound) and isinstance(target.func, Func)):
        return None
    if isinstance(given, Tuple) and given.rest is None:
        return target, given.items
    return None


def is_kind(name: str, wanted: str) -> bool | None:
    """Whether a library class is (a subclass of) another one; None where that is not known."""
    if name == wanted:
        return True
    if wanted == "torch.nn.Module" and name.startswith("torch.nn."):
        return name.rpartition(".")[2][:1].isupper() or None
    if wanted == "torch.nn.Module" and name.startswith("torch.optim.") and name.endswith(".AveragedModel"):
        return True  # the one module there (PyTorch 2.13, torch/optim/swa_utils.py)
    parents = SUBCLASSES.get(wanted)
    if parents is not None:
        return name in parents or (None if not known_class(name) else False)
    return False if known_class(name) and known_class(wanted) else None


def known_class(name: str) -> bool:
    return name.startswith(("torch.nn.", "torch.optim.", "keras.layers.")) or name in ("list", "dict", "set", "slice")


def is_norm_class(name: str) -> bool:
    return name in BATCH_NORMS or name in ("torch.nn._BatchNorm", "torch.nn.batchnorm._BatchNorm", "torch.nn._NormBase")


BATCH_NORMS = frozenset(f"torch.nn.{kind}" for kind in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"))
SUBCLASSES = {
    "torch.nn._BatchNorm": BATCH_NORMS,
    "torch.nn.batchnorm._BatchNorm": BATCH_NORMS,
    "torch.nn._NormBase": BATCH_NORMS | {"torch.nn.InstanceNorm1d", "torch.nn.InstanceNorm2d", "torch.nn.InstanceNorm3d"},
    "builtins.list": frozenset({"list"}),
    "builtins.dict": frozenset({"dict"}),
    "builtins.set": frozenset({"set"}),
    "torch.nn._ConvNd": frozenset(f"torch.nn.Conv{n}d" for n in (1, 2, 3)) | {f"torch.nn.ConvTranspose{n}d" for n in (1, 2, 3)},
}
