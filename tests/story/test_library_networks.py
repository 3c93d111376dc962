"""Networks of model libraries: which hold batch norm, in which of their parts, and in which mode they come."""

from __future__ import annotations

import pytest

from bnlint.story.events import Forward
from tests.story.programs import stories

YES, NO, MAYBE, EVAL = "train", "no batch norm", "train?", "eval"

NETWORKS = {
    "torchvision.models.resnet18()": YES,
    "torchvision.models.resnet18(weights='DEFAULT').layer4": YES,
    "torchvision.models.resnet18().fc": NO,
    "torchvision.models.vgg16()": NO,
    "torchvision.models.vgg16_bn().features": YES,
    "torchvision.models.maxvit_t()": YES,
    "torchvision.models.swin_t()": NO,
    "torchvision.models.get_model('convnext_tiny')": NO,
    "torchvision.models.resnet50(norm_layer=nn.InstanceNorm2d)": NO,
    "torchvision.models.resnet50(norm_layer=torchvision.ops.FrozenBatchNorm2d)": NO,
    "torchvision.models.resnet50(norm_layer=partial(nn.BatchNorm2d, momentum=0.01))": YES,
    "torchvision.models.segmentation.deeplabv3_resnet50().classifier": YES,
    "torchvision.models.detection.fasterrcnn_resnet50_fpn(weights='DEFAULT')": NO,
    "torchvision.models.detection.fasterrcnn_resnet50_fpn_v2()": YES,
    "torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)": MAYBE,
    "torchvision.models.feature_extraction.create_feature_extractor(torchvision.models.resnet18(), ['layer4'])": YES,
    "torchvision.ops.Conv2dNormActivation(3, 8)": YES,
    "torchvision.ops.Conv2dNormActivation(3, 8, norm_layer=None)": NO,
    "timm.create_model('resnet50.a1_in1k', pretrained=True)": YES,
    "timm.create_model('vit_base_patch16_224')": NO,
    "timm.create_model('resnetv2_50x1_bit.goog_in21k')": NO,
    "timm.create_model('efficientnet_b0', norm_layer=nn.GroupNorm)": NO,
    "timm.create_model(name)": MAYBE,
    "torch.hub.load('pytorch/vision', 'resnet18', weights=None)": YES,
    "torch.hub.load('facebookresearch/dinov2', 'dinov2_vits14')": MAYBE,
    "torch.hub.load('pytorch/vision', 'alexnet')": NO,
    "smp.Unet('resnet34', classes=2)": YES,
    "smp.FPN(encoder_name='mit_b0')": MAYBE,
    "efficientnet_pytorch.EfficientNet.from_pretrained('efficientnet-b0')": YES,
    "facenet_pytorch.InceptionResnetV1(pretrained='vggface2')": YES,
    "facenet_pytorch.MTCNN(image_size=160)": NO,
    "pretrainedmodels.se_resnext50_32x4d(num_classes=1000)": YES,
    "monai.networks.nets.UNet(2, 1, 2, (16, 32), (2,))": NO,
    "monai.networks.nets.UNet(2, 1, 2, (16, 32), (2,), norm='batch')": YES,
    "monai.networks.nets.UNet(2, 1, 2, (16, 32), (2,), norm=Norm.BATCH)": YES,
    "monai.networks.nets.DenseNet121(2, 1, 2)": YES,
    "monai.networks.nets.SegResNet(in_channels=1)": NO,
    "torch_geometric.nn.MLP([16, 32, 2])": YES,
    "torch_geometric.nn.MLP([16, 32, 2], norm=None)": NO,
    "torch_geometric.nn.GraphSAGE(16, 32, 2)": NO,
    "mmcv.cnn.ConvModule(3, 8, 3, norm_cfg=dict(type='BN'))": YES,
    "mmcv.cnn.ConvModule(3, 8, 3)": NO,
    "mmcv.cnn.build_norm_layer(dict(type='SyncBN'), 8)[1]": YES,
    "detectron2.layers.get_norm('FrozenBN', 8)": NO,
    "detectron2.layers.get_norm('BN', 8)": YES,
    "open_clip.create_model_and_transforms('RN50', pretrained='openai')[0]": YES,
    "clip.load('RN50')[0]": EVAL,
    "clip.load('ViT-B/32')[0]": NO,
    "transformers.ResNetForImageClassification.from_pretrained('microsoft/resnet-50')": EVAL,
    "transformers.AutoModel.from_pretrained('google/vit-base-patch16-224')": NO,
    "transformers.ResNetModel(config)": YES,
    "torch.hub.load('ultralytics/yolov5', 'yolov5s')": "eval?",
}

HEAD = """\
from functools import partial
import clip, detectron2.layers, efficientnet_pytorch, facenet_pytorch, mmcv.cnn, monai, open_clip, pretrainedmodels
import segmentation_models_pytorch as smp
import timm, torch, torch_geometric.nn, torchvision, transformers
from monai.networks.layers import Norm
from torch import nn
name, config = input(), input()
"""


@pytest.mark.parametrize(("text", "expected"), NETWORKS.items(), ids=NETWORKS.keys())
def test_what_a_call_of_a_library_gives(text: str, expected: str) -> None:
    forwards = [event for story in stories(f"{HEAD}net = {text}\nnet(torch.rand(4, 3, 8, 8))\n") for event in story.of(Forward)]
    assert len(forwards) == 1
    told = {"|".join(sorted(mark.name for mark in use.modes)) + ("" if use.certain else "?") for use in forwards[0].norms}
    assert (told or {NO}) == {expected}


NO_NETWORKS = {
    "timm.layers.trunc_normal_(x)",
    "timm.models.layers.to_2tuple(3)",
    "torchvision.models.list_models()",
    "torchvision.models.__dict__['yolov5s-cls.pt'](pretrained=True)",
    "smp.losses.DiceLoss('binary')",
    "pretrainedmodels.utils.TransformImage(x)",
    "transformers.AutoConfig.from_pretrained('microsoft/resnet-50')",
    "transformers.AutoTokenizer.from_pretrained('bert-base')",
}


@pytest.mark.parametrize("text", sorted(NO_NETWORKS))
def test_what_is_no_network(text: str) -> None:
    assert not [event for story in stories(f"{HEAD}x = 1\nnet = {text}\nnet(x)\n") for event in story.of(Forward)]
