"""Which PyTorch layers are batch norms, which wrap or contain others, and which parts of library networks hold one. Data.

Sources: the constructors of torchvision.models 0.20 and timm 1.0 (`BatchNorm2d`, `BatchNormAct2d` in their layers); for sparse
tensors the documentation of MinkowskiEngine 0.5 ("Normalization": its batch norms hold a `BatchNorm1d`), torchsparse 2.0 and
spconv 2.3; e3nn 0.5 ("nn.BatchNorm").
"""

from __future__ import annotations

import re

from bnlint.story.frameworks.torch.families import Holds

BATCH_NORMS = frozenset({
    "torch.nn.BatchNorm1d", "torch.nn.BatchNorm2d", "torch.nn.BatchNorm3d", "torch.nn.SyncBatchNorm",
    "torch.nn.LazyBatchNorm1d", "torch.nn.LazyBatchNorm2d", "torch.nn.LazyBatchNorm3d", "torch.nn._BatchNorm",
    "torch.nn.batchnorm._BatchNorm", "apex.parallel.SyncBatchNorm", "inplace_abn.InPlaceABN", "inplace_abn.ABN",
    "inplace_abn.InPlaceABNSync", "encoding.nn.BatchNorm2d", "encoding.nn.SyncBatchNorm", "timm.layers.BatchNormAct2d",
    "timm.models.layers.BatchNormAct2d", "timm.layers.SyncBatchNormAct", "timm.layers.SplitBatchNorm2d",
    "timm.models.layers.SplitBatchNorm2d", "torch_geometric.nn.BatchNorm", "torch_geometric.nn.norm.BatchNorm",
    "detectron2.layers.BatchNorm2d", "detectron2.layers.NaiveSyncBatchNorm", "detectron2.layers.batch_norm.NaiveSyncBatchNorm",
    "MinkowskiEngine.MinkowskiBatchNorm", "MinkowskiEngine.MinkowskiSyncBatchNorm", "torchsparse.nn.BatchNorm",
    "e3nn.nn.BatchNorm",
})  # fmt: skip

LAYERS = frozenset({"torch.nn", "MinkowskiEngine", "torchsparse.nn", "spconv", "spconv.pytorch"})
"""Modules whose classes are layers, but for those named below"""

CONTAINERS = frozenset({
    "torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict", "spconv.SparseSequential",
    "spconv.pytorch.SparseSequential",
})  # fmt: skip

LEARNING = (
    *(f"torch.nn.{kind}" for kind in ("Linear", "LazyLinear", "Conv", "LazyConv", "LSTM", "GRU", "RNN", "Embedding", "Bilinear")),
    "MinkowskiEngine.MinkowskiConvolution", "MinkowskiEngine.MinkowskiLinear", "torchsparse.nn.Conv3d", "spconv.pytorch.SubM",
    "spconv.pytorch.SparseConv",
)  # fmt: skip

WRAPPERS = frozenset({
    "torch.nn.DataParallel", "torch.nn.parallel.DistributedDataParallel", "apex.parallel.DistributedDataParallel",
    "torch.optim.swa_utils.AveragedModel", "timm.utils.ModelEma", "timm.utils.ModelEmaV2",
    "fairscale.nn.FullyShardedDataParallel",
})  # fmt: skip

NOT_MODULES = frozenset({
    "Parameter", "ParameterList", "ParameterDict", "UninitializedParameter", "Buffer", "Module", "SparseTensor", "TensorField",
    "SparseTensorQuantizationMode", "CoordinateManager", "CoordinateMapKey", "SparseConvTensor", "MinkowskiAlgorithm",
})  # fmt: skip

POOLED = ("AdaptiveAvgPool", "AdaptiveMaxPool", "Flatten")

HEADS_WITH = ("deeplab", "fcn_", "lraspp")
"""Segmentation networks whose classifier is a head of convolutions with batch norm"""
NORM_PARTS = re.compile(r"^(bn|norm|batch_?norm)\d*$")
DEEP_PARTS = re.compile(r"^(layer\d*|features|blocks|stages?|trunk|body|backbone|encoder|denseblock\d|stem)$")
PLAIN_PARTS = re.compile(r"^(conv\w*|relu\d*|act\d*|maxpool|avgpool|global_pool|fc|classifier|head|last_linear|dropout|drop\w*)$")


def learns(name: str) -> bool:
    """Whether a layer of the library has weights of its own that come before whatever it feeds."""
    return name.startswith(LEARNING)


def part_holds(whole: Holds, attr: str, name: str = "") -> Holds:
    """Whether a named part of the library network `name` holds batch norm, by the names such networks give their parts."""
    if attr.endswith("classifier") and name.rpartition(".")[2].startswith(HEADS_WITH):
        return whole
    if PLAIN_PARTS.match(attr) or whole == "no":
        return "no"
    if whole == "yes" and (NORM_PARTS.match(attr) or DEEP_PARTS.match(attr)):
        return "yes"
    return "maybe"
