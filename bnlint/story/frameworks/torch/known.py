"""Which PyTorch layers are batch norms, and which library networks hold one. Data, with the few rules of their names.

Sources: the constructors of torchvision.models 0.20 and timm 1.0 (`BatchNorm2d`, `BatchNormAct2d` in their layers).
"""

from __future__ import annotations

import re
from typing import Literal

Holds = Literal["yes", "no", "maybe"]

BATCH_NORMS = frozenset({
    "torch.nn.BatchNorm1d", "torch.nn.BatchNorm2d", "torch.nn.BatchNorm3d", "torch.nn.SyncBatchNorm",
    "torch.nn.LazyBatchNorm1d", "torch.nn.LazyBatchNorm2d", "torch.nn.LazyBatchNorm3d", "torch.nn._BatchNorm",
    "torch.nn.batchnorm._BatchNorm", "apex.parallel.SyncBatchNorm", "inplace_abn.InPlaceABN", "inplace_abn.ABN",
    "inplace_abn.InPlaceABNSync", "encoding.nn.BatchNorm2d", "encoding.nn.SyncBatchNorm", "timm.layers.BatchNormAct2d",
    "timm.models.layers.BatchNormAct2d", "torch_geometric.nn.BatchNorm",
})  # fmt: skip

CONTAINERS = frozenset({"torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict"})

WRAPPERS = frozenset({
    "torch.nn.DataParallel", "torch.nn.parallel.DistributedDataParallel", "apex.parallel.DistributedDataParallel",
    "torch.optim.swa_utils.AveragedModel", "timm.utils.ModelEma", "timm.utils.ModelEmaV2",
    "fairscale.nn.FullyShardedDataParallel",
})  # fmt: skip

NOT_MODULES = frozenset({"Parameter", "ParameterList", "ParameterDict", "UninitializedParameter", "Buffer", "Module"})

POOLED = ("AdaptiveAvgPool", "AdaptiveMaxPool", "Flatten")

WITH = (
    "resnet", "resnext", "wide_resnet", "densenet", "mobilenet", "shufflenet", "inception", "googlenet", "mnasnet",
    "efficientnet", "regnet", "seresnet", "senet", "se_resne", "xception", "dpn", "res2net", "hrnet", "dla", "ghostnet",
    "nasnet", "pnasnet", "legacy_seres", "gluon_", "tf_efficientnet", "ecaresnet", "resnest", "cspresnet", "deeplabv3",
    "fcn_resnet", "lraspp", "unet", "linknet", "fpn", "pspnet", "repvgg", "skresnet", "tresnet", "vovnet", "rexnet",
)  # fmt: skip
WITHOUT = ("alexnet", "squeezenet", "vit", "swin", "deit", "convnext", "beit", "mixer", "clip", "bert", "gpt", "maxvit")


def holds_norm(name: str) -> Holds:
    """Whether a library network of this name (`resnet18`, `vgg16_bn`) holds batch norm."""
    name = name.rpartition("/")[2].lower()
    if "_bn" in name:
        return "yes"
    if name.startswith(WITHOUT):
        return "no"
    if name.startswith("vgg"):
        return "no"
    return "yes" if name.startswith(WITH) else "maybe"


NORM_PARTS = re.compile(r"^(bn|norm|batch_?norm)\d*$")
DEEP_PARTS = re.compile(r"^(layer\d*|features|blocks|stages?|trunk|body|backbone|encoder|denseblock\d|stem)$")
PLAIN_PARTS = re.compile(r"^(conv\w*|relu\d*|act\d*|maxpool|avgpool|global_pool|fc|classifier|head|last_linear|dropout|drop\w*)$")


def part_holds(whole: Holds, attr: str) -> Holds:
    """Whether a named part of a library network holds batch norm, by the names such networks give their parts."""
    if PLAIN_PARTS.match(attr) or whole == "no":
        return "no"
    if whole == "yes" and (NORM_PARTS.match(attr) or DEEP_PARTS.match(attr)):
        return "yes"
    return "maybe"


def network(name: str, chosen: str | None) -> Holds | None:
    """What a call of a library's constructor gives: a network that holds batch norm or not; None: no network.

    `chosen` is a network's name given as an argument (`timm.create_model("resnet50")`).
    """
    root, _, last = name.rpartition(".")
    if name in ("timm.create_model", "torch.hub.load", "torchvision.models.get_model", "pretrainedmodels.*"):
        return holds_norm(chosen) if chosen else "maybe"
    if root.startswith("torchvision.models.detection"):
        return "maybe"
    if root.startswith(("torchvision.models", "pretrainedmodels", "efficientnet_pytorch", "torchvision.*")):
        return "maybe" if last == "*" else holds_norm(last) if last[:1].islower() or last[:1].isupper() else None
    if root.startswith("segmentation_models_pytorch") and last[:1].isupper() and "losses" not in root:
        return "yes"
    if root.startswith(("timm.models", "torchreid.models")):
        return holds_norm(chosen or last)
    return None
