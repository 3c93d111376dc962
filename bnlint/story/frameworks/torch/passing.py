"""Functions that prepare networks and optimisers for other arithmetic or devices, and give them back changed in place.

Facts: apex, "amp.initialize" (networks and optimisers as they were given, the networks alone without optimisers);
timm 1.0, "timm.layers.convert_sync_batchnorm"; torch 2.13, `torch.ao.quantization.prepare_qat` (a copy unless `inplace`).
"""

from __future__ import annotations

from bnlint.story.framework import Args
from bnlint.story.values import UNKNOWN, Const, Tuple, Value

FIRST = frozenset({
    "timm.layers.convert_sync_batchnorm", "timm.models.layers.convert_sync_batchnorm", "timm.utils.freeze", "timm.utils.unfreeze",
    "apex.parallel.convert_syncbn_model", "torch.quantization.prepare_qat", "torch.ao.quantization.prepare_qat",
    "torch.nn.utils.remove_spectral_norm", "torch.nn.utils.remove_weight_norm", "fairscale.nn.wrap.wrap",
    "torchvision.models.feature_extraction.create_feature_extractor", "torchvision.models._utils.IntermediateLayerGetter",
    "timm.layers.convert_splitbn_model", "timm.models.layers.convert_splitbn_model",
    "torch.distributed.fsdp.fully_shard",
})  # fmt: skip


def given_back(name: str, args: Args) -> Value | None:
    """What such a function returns; None for any other."""
    if name in FIRST:
        return args.get(0) or UNKNOWN
    if name == "apex.amp.initialize":
        nets, optimizers = args.get(0, "models") or UNKNOWN, args.get(1, "optimizers")
        alone = optimizers is None or (type(optimizers) is Const and optimizers.value is None)
        return nets if optimizers is None or alone else Tuple((nets, optimizers))
    return None
