"""Which families of library networks hold batch norm, by the names their libraries give them. Data, and how it is read.

Source: all 1,386 names that `timm.list_models()` (timm 1.0.19) and `torchvision.models.list_models()` (0.28) give were
built and searched for batch norms; older names stand in pretrainedmodels 0.7, torchreid 1.4 and the caffe-era torchvision.
"""

from __future__ import annotations

import re
from typing import Literal

Holds = Literal["yes", "no", "maybe"]

WITH = (
    "basicblock", "basicconv", "bat_resne", "bninception", "botnet", "bottleneck", "cafferesnet", "coatnet", "conv2dnormact",
    "convbn", "convmixer", "cs3", "cspdarknet", "cspresne", "darknet", "deeplab", "densenet", "dla", "dpn", "eca_botne",
    "eca_halo", "eca_resne", "eca_vov", "ecaresne", "efficientformer", "efficientnet", "efficientvit", "ese_vovnet",
    "fasternet", "fastvit", "fbnet", "fbresnet", "fcn_resnet", "fpn", "gc_efficientnet", "gcresne", "gernet", "ghostnet",
    "gluon_", "googlenet", "hacnn", "halo", "hardcorenas", "hgnet", "hrnet", "ig_resne", "inception", "lambda", "lamhalo",
    "lcnet", "legacy_se", "legacy_xcep", "levit", "linknet", "lraspp", "maxvit", "mc3_", "mixnet", "mlfn", "mnasnet",
    "mobilenet", "mobileone", "mobilevit", "nasnet", "nextvit", "osnet", "pnasnet", "polynet", "pspnet", "quantized_",
    "r2plus1d", "r3d", "raft_large", "regnet", "repghostnet", "repvgg", "repvit", "res2ne", "resnest", "resnet", "resnext",
    "rexnet", "s3d", "se_resne", "sebot", "sedarknet", "sehalo", "selecsls", "semnasnet", "senet", "seresne", "shufflenet",
    "shvit", "skresne", "spnasnet", "ssdlite", "ssl_resne", "starnet", "swiftformer", "swsl_resne", "tf_", "tiny_vit",
    "tinynet", "tresnet", "unet", "visformer", "volo", "vovnet", "wide_resnet", "xception", "xcit",
)  # fmt: skip

WITHOUT = (
    "aimv", "alexnet", "beit", "bert", "caformer", "cait", "clip", "coat_", "coatnext", "convformer", "convit", "convnext",
    "crossvit", "davit", "deit", "dm_nfnet", "eca_nfnet", "edgenext", "eva0", "eva_", "flexivit", "focalnet", "gcvit",
    "gmixer", "gmlp", "gpt", "hiera", "jx_nest", "mambaout", "maxxvit", "mixer", "mobilenetv5", "mvit", "naflexvit", "nest_",
    "nf_", "nfnet", "pit_", "poolformer", "pvt_", "raft_small", "rdnet", "resmlp", "sam_vit", "samvit", "sequencer",
    "squeezenet", "ssd300", "swin", "tnt_", "twins", "visiontransformer", "vit", "vitamin",
)  # fmt: skip

OTHER_NORM = re.compile(r"(_gn|_evos|_frn|_ln|_sgn)(_|$)|x\d_bit")
"""Variants of families with batch norm that are built with another norm"""

HYBRID = re.compile(r"^vit_\w+_(resnet\d+d|mci)_")
"""Transformers on a convolutional stem with batch norm"""


def holds_norm(name: str) -> Holds:
    """Whether a library network of this name (`resnet18`, `vgg16_bn`, `timm/resnet50.a1_in1k`) holds batch norm."""
    name = name.rpartition("/")[2].rpartition(":")[2].lower().partition(".")[0].replace("-", "_")
    if OTHER_NORM.search(name):
        return "no"
    if re.search(r"_bn(_|$)|\dbn(_|$)", name) or HYBRID.match(name):
        return "yes"
    if name.startswith("vgg"):
        return "no" if name != "vgg" else "maybe"
    if name.startswith(WITHOUT):
        return "no"
    return "yes" if name.startswith(WITH) else "maybe"
