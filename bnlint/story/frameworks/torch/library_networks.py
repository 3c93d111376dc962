"""Networks and blocks of model libraries: which calls give one, whether it holds batch norm, and in which mode it comes.

Each library has a function of its own here, which knows its names and the arguments that choose another norm.
New networks are in train mode, with or without trained weights, unless the library says otherwise.

Sources: torchvision 0.28 ("Models and pre-trained weights", "Operators"; detectors freeze the norms of a trained backbone),
timm 1.0, segmentation_models_pytorch 0.6, MONAI 1.6 (`monai.networks.nets`), torch_geometric 2.8 (`MLP`, `BasicGNN`), mmcv 2.2
(`ConvModule`, `build_norm_layer`), detectron2 (`get_norm`), open_clip 3.3 ("README": models come in train mode), clip
(`load` gives an eval model), transformers 4.x (`from_pretrained` calls `eval()`), ultralytics/yolov5 ("hubconf": eval).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bnlint.story.framework import Args
from bnlint.story.frameworks.torch.families import Holds, holds_norm
from bnlint.story.values import Choice, Cls, Const, Func, Lib, Obj, Partial, Tuple, Value, options, text

BATCH_WORDS = frozenset({"bn", "bn1d", "bn2d", "bn3d", "syncbn", "mmsyncbn", "nnsyncbn", "naivesyncbn", "true"})
MODULES = frozenset(f"torch.nn.{kind}" for kind in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"))
TRAIN = frozenset({"train"})
EVAL = frozenset({"eval"})


@dataclass(frozen=True, slots=True)
class Described:
    """What a call gives. `row`: the length of the tuple that it is the first of; 0 where it stands alone."""

    holds: Holds
    modes: frozenset[str] = TRAIN
    row: int = 0
    place: int = 0


Describe = Callable[[str, str, Args], Described | None]


def describe(name: str, args: Args) -> Described | None:
    """What a call of a library's function or class gives; None where that is no network."""
    for prefix, library in LIBRARIES:
        if name.startswith(prefix):
            return library(name, name.rpartition(".")[2], args)
    return None


# --- norms by argument -----------------------------------------------------------------------


def by_norm(value: Value | None, usual: Holds, none: Holds) -> Holds:
    """What an argument such as `norm_layer=` makes of a network that is `usual` without it, `none` with None."""
    if value is None:
        return usual
    answers = {norm_kind(option, none) for option in options(value)}
    return answers.pop() if len(answers) == 1 else "maybe"


def norm_kind(value: Value, none: Holds) -> Holds:
    if isinstance(value, Const):
        return none if value.value is None else by_word(str(value.value))
    if isinstance(value, Lib):
        return "yes" if value.name in MODULES else by_word(value.name.rpartition(".")[2])
    if isinstance(value, Partial):
        return by_norm(value.func, "maybe", none)
    if isinstance(value, Cls):
        return "yes" if any(isinstance(base, Lib) and base.name in MODULES for base in value.order) else "maybe"
    if isinstance(value, Tuple) and value.items:
        return by_norm(value.items[0], "maybe", none)
    if isinstance(value, Obj) and value.lib == "dict":
        kind = value.slots.get("type")
        return by_norm(kind, "maybe", none) if kind is not None and not isinstance(kind, (Choice, Func)) else "maybe"
    return "maybe"


def by_word(word: str) -> Holds:
    """Whether a norm is batch norm, by the words that libraries use for it."""
    low = word.lower().replace("_", "")
    if low.startswith(("frozen", "instance", "group", "gn", "layer", "ln", "identity", "none", "frn", "evo", "rms")):
        return "no"
    if low in BATCH_WORDS or "batch" in low or low.startswith("inplace"):
        return "yes"
    return "no" if low in ("", "false", "in", "in1d", "in2d", "in3d") else "maybe"


def first_text(*values: Value | None) -> str | None:
    return next((known for value in values if value is not None and (known := text(value)) is not None), None)


def named(chosen: str | None) -> Holds:
    return holds_norm(chosen) if chosen else "maybe"


# --- the libraries ---------------------------------------------------------------------------


def torchvision(name: str, last: str, args: Args) -> Described | None:
    if last == "get_model":
        return Described(named(first_text(args.get(0, "name"))))
    if last.startswith(("get_", "list_")) or "_Weights" in name or ".feature_extraction." in name:
        return None
    if ".detection." in name:
        return detection(last, args)
    if last == "*":
        return Described("maybe")
    if not all(part.isidentifier() for part in name.split(".")):
        return None  # `torchvision.models.__dict__[name]` of the name of a file
    return Described(by_norm(args.get(None, "norm_layer"), holds_norm(last), holds_norm(last)))


def detection(last: str, args: Args) -> Described | None:
    """The norms of a trained backbone are frozen, and the backbone is a trained one unless it is refused."""
    if last.endswith(("Predictor", "Generator", "Transform", "RoIHeads", "Matcher", "TwoMLPHead", "RPNHead")):
        return Described("no")
    if last.endswith("_v2") or last.startswith("ssdlite"):
        return Described("yes")
    if last.endswith("backbone") or last.startswith("resnet_fpn"):
        return Described(by_norm(args.get(None, "norm_layer"), "no", "maybe"))
    if last[:1].islower():
        refused = [args.get(None, key) for key in ("weights_backbone", "pretrained_backbone")]
        plain = any(isinstance(value, Const) and not value.value for value in refused)
        return Described("maybe" if plain else "no")
    return Described("maybe")


def torchvision_ops(name: str, last: str, args: Args) -> Described | None:
    if last in ("Conv2dNormActivation", "Conv3dNormActivation", "ConvNormActivation"):
        return Described(by_norm(args.get(None, "norm_layer"), "yes", "no"))
    if last in ("MLP", "FeaturePyramidNetwork"):
        return Described(by_norm(args.get(None, "norm_layer"), "no", "no"))
    return Described("no") if last in ("FrozenBatchNorm2d", "SqueezeExcitation") else None


def timm(name: str, last: str, args: Args) -> Described | None:
    if last == "create_model":
        return Described(by_norm(args.get(None, "norm_layer"), named(first_text(args.get(0, "model_name"))), "maybe"))
    if ".layers" in name:
        if last in ("ConvNormAct", "ConvBnAct", "ConvNormActAa", "SeparableConvNormAct", "SeparableConvBnAct"):
            return Described(by_norm(args.get(None, "norm_layer"), "yes", "no"))
        return None
    if ".models" not in name or any(part in name for part in (".helpers.", ".registry.", "._", ".features.")):
        return None
    if last.startswith(("load_", "register_", "is_", "list_", "resume_")):
        return None
    return Described(by_norm(args.get(None, "norm_layer"), holds_norm(last), "maybe"))


def hub(name: str, last: str, args: Args) -> Described | None:
    if last not in ("load", "*"):
        return None
    repository, chosen = first_text(args.get(0, "repo_or_dir")) or "", first_text(args.get(1, "model"))
    return Described(named(chosen), EVAL if repository.startswith("ultralytics/") else TRAIN)


def segmentation_models(name: str, last: str, args: Args) -> Described | None:
    if any(part in name for part in (".losses.", ".metrics.", ".utils.", ".datasets.")):
        return None
    if last == "get_encoder":
        return Described(named(first_text(args.get(0, "name"))))
    if last == "create_model":
        return Described("yes")
    if not last[:1].isupper():
        return None
    encoder = first_text(args.get(0, "encoder_name")) or "resnet34"
    plain = last == "FPN" or "decoder_use_batchnorm" in args.keywords or "decoder_use_norm" in args.keywords
    transformer = encoder.startswith(("mit_", "tu-")) and holds_norm(encoder.removeprefix("tu-")) != "yes"
    return Described("maybe" if plain and (transformer or holds_norm(encoder) == "no") else "yes")


def reidentification(name: str, last: str, args: Args) -> Described | None:
    if last == "build_model":
        return Described(named(first_text(args.get(0, "name"))))
    return Described(holds_norm(last)) if ".models" in name else None


def by_own_name(name: str, last: str, args: Args) -> Described | None:
    """Libraries whose functions are called like the networks; pretrainedmodels, pytorchcv."""
    if last in ("get_model", "*"):
        return Described(named(first_text(args.get(0, "name"))))
    return Described(holds_norm(last)) if ".utils" not in name else None


def fastai(name: str, last: str, args: Args) -> Described | None:
    return Described("yes") if holds_norm(last.removeprefix("x")) == "yes" or last.startswith("xse_resne") else None


def efficientnet(name: str, last: str, args: Args) -> Described | None:
    return Described("yes") if ".EfficientNet" in name and last in ("from_pretrained", "from_name", "EfficientNet") else None


def facenet(name: str, last: str, args: Args) -> Described | None:
    if last == "InceptionResnetV1":
        return Described("yes")
    return Described("no") if last in ("MTCNN", "PNet", "RNet", "ONet") else None


def open_clip(name: str, last: str, args: Args) -> Described | None:
    rows = {"create_model_and_transforms": 3, "create_model_from_pretrained": 2, "create_model": 0}
    return Described(clip_norms(args), TRAIN, rows[last]) if last in rows else None


def clip(name: str, last: str, args: Args) -> Described | None:
    return Described(clip_norms(args), EVAL, 2) if last == "load" else None


def clip_norms(args: Args) -> Holds:
    chosen = first_text(args.get(0, "model_name") or args.get(0, "name"))
    if chosen is None:
        return "maybe"
    return "yes" if chosen.startswith("RN") else "no" if chosen.startswith("ViT") else "maybe"


MONAI_BATCH = (
    "ahnet", "densenet", "resnet", "seresnet", "seresnext", "senet", "efficientnet", "flexibleunet", "highresnet", "hovernet",
    "patchdiscriminator", "segresnetds", "vnet", "milmodel", "torchvisionfcmodel",
)  # fmt: skip
"""Networks of MONAI that use batch norm by default; the others use instance or group norm, or none"""


def monai(name: str, last: str, args: Args) -> Described | None:
    if not last[:1].isupper() and not last.startswith("resnet"):
        return None
    usual: Holds = "yes" if last.lower().startswith(MONAI_BATCH) else "no"
    return Described(by_norm(args.get(None, "norm") or args.get(None, "norm_name"), usual, "no"))


def geometric(name: str, last: str, args: Args) -> Described | None:
    if last == "MLP":
        return Described(by_norm(args.get(None, "norm"), "yes", "no"))
    if last in ("GCN", "GraphSAGE", "GIN", "GAT", "PNA", "EdgeCNN"):
        return Described(by_norm(args.get(None, "norm"), "no", "no"))
    return None


def mmcv(name: str, last: str, args: Args) -> Described | None:
    if last == "ConvModule":
        return Described(by_norm(args.get(None, "norm_cfg"), "no", "no"))
    if last == "build_norm_layer":
        return Described(by_norm(args.get(0, "cfg"), "maybe", "no"), TRAIN, 2, 1)
    return None


def detectron2(name: str, last: str, args: Args) -> Described | None:
    if last == "get_norm":
        return Described(by_norm(args.get(0, "norm"), "maybe", "no"))
    if last in ("build_model", "build_backbone"):
        return Described("maybe")
    return Described("no") if last == "FrozenBatchNorm2d" else None


TRANSFORMERS_WITH = ("ResNet", "RegNet", "MobileNetV", "EfficientNet", "MobileViT", "LeViT", "Segformer", "UperNet")


def transformers(name: str, last: str, args: Args) -> Described | None:
    """Models of transformers: `from_pretrained` gives them in eval mode, a constructor in train mode."""
    cls, method = (name.split(".")[-2], last) if last[:1].islower() or last.startswith("_") else (last, "")
    model = cls.startswith("AutoModel") or "For" in cls or cls.endswith(("Model", "Backbone"))
    if not model or cls.endswith(("Config", "Output")) or method not in ("", "from_pretrained", "from_config", "_from_config"):
        return None
    chosen = first_text(args.get(0, "pretrained_model_name_or_path"))
    holds: Holds = "yes" if cls.startswith(TRANSFORMERS_WITH) else "no"
    if cls.startswith("Auto") or cls == "TimmBackbone":
        holds = named(chosen)
    return Described(holds, EVAL if method == "from_pretrained" else TRAIN)


LIBRARIES: tuple[tuple[str, Describe], ...] = (
    ("torchvision.models.", torchvision),
    ("torchvision.ops.", torchvision_ops),
    ("torchvision.*", by_own_name),
    ("timm.", timm),
    ("torch.hub.", hub),
    ("segmentation_models_pytorch.", segmentation_models),
    ("torchreid.", reidentification),
    ("pretrainedmodels.", by_own_name),
    ("pytorchcv.model_provider.", by_own_name),
    ("efficientnet_pytorch.", efficientnet),
    ("facenet_pytorch.", facenet),
    ("open_clip.", open_clip),
    ("clip.", clip),
    ("monai.networks.nets.", monai),
    ("torch_geometric.nn.", geometric),
    ("mmcv.cnn.", mmcv),
    ("detectron2.layers.", detectron2),
    ("detectron2.modeling.", detectron2),
    ("transformers.", transformers),
    ("fastai.vision.", fastai),
)
