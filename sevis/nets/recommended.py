"""The networks of the menu: those that show every kind of gate, small ones first. Names alone; reading them loads no torch."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RECOMMENDED"]

# of SE-ResNet-50, Hu et al. 2018, section 6: sevis.nets.se_resnet has their arguments
ABLATIONS = (
    "no SE",
    *(f"reduction {r}" for r in (2, 4, 8, 16, 32)),
    *(f"squeeze {operator}" for operator in ("average", "max", "none")),
    *(f"excitation {operator}" for operator in ("sigmoid", "tanh", "relu")),
    *(f"stage {stage}" for stage in (2, 3, 4)),
    *(f"integration {place}" for place in ("standard", "pre", "post", "identity", "3x3")),
)
UNGATED = ("no SE", "squeeze none")  # the second keeps a weight a place: no gate of channels

# name -> what its gates are called. legacy_* are the weights of the SENet paper's authors, skresnext50_32x4d is the paper's SKNet-50.
# "hard" is a hard sigmoid, "split" a selection whose branches see half of the channels each: not a choice between kernels alone.
RECOMMENDED: Mapping[str, str] = {
    "photos12/se_resnet18": "SE",
    "photos12/sk_net26": "SK",
    "photos12/se_densenet": "SE",
    "photos12/yolov5_se": "SE",
    "photos12/se_resnet18_collapsed": "SE",
    "timm/test_efficientnet.r160_in1k": "SE",
    "timm/test_byobnet.r160_in1k": "SE",
    "timm/mobilenetv3_small_050.lamb_in1k": "SE hard",
    "timm/mobilenetv3_small_100.lamb_in1k": "SE hard",
    "timm/mobilenetv3_large_100.ra_in1k": "SE hard",
    "timm/efficientnet_b0.ra_in1k": "SE",
    "timm/regnety_002.pycls_in1k": "SE",
    "timm/regnety_004.tv2_in1k": "SE",
    "timm/regnety_016.tv2_in1k": "SE",
    "timm/ghostnet_100.in1k": "SE hard",
    "timm/legacy_seresnet18.in1k": "SE",
    "timm/legacy_seresnet34.in1k": "SE",
    "timm/legacy_seresnet50.in1k": "SE",
    "timm/legacy_seresnet101.in1k": "SE",
    "timm/legacy_seresnet152.in1k": "SE",
    "timm/legacy_seresnext50_32x4d.in1k": "SE",
    "timm/legacy_seresnext101_32x4d.in1k": "SE",
    "timm/legacy_senet154.in1k": "SE",
    "timm/seresnet50.ra2_in1k": "SE",
    "timm/seresnet50.a1_in1k": "SE",
    "timm/seresnet50.a3_in1k": "SE",
    "timm/seresnext26t_32x4d.bt_in1k": "SE",
    "timm/seresnext50_32x4d.racm_in1k": "SE",
    "timm/skresnet18.ra_in1k": "SK split",
    "timm/skresnet34.ra_in1k": "SK split",
    "timm/skresnext50_32x4d.ra_in1k": "SK",
    "timm/resnest14d.gluon_in1k": "SplitAttn",
    "timm/resnest50d.in1k": "SplitAttn",
    "timm/ese_vovnet19b_dw.ra_in1k": "eSE hard",
    "timm/ecaresnet50d.miil_in1k": "ECA",
    "torchvision/mobilenet_v3_small": "SE hard",
    "torchvision/mobilenet_v3_large": "SE hard",
    "torchvision/efficientnet_b0": "SE",
    "torchvision/regnet_y_400mf": "SE",
    "timm/resnet50.tv_in1k": "none",
    "timm/resnext50_32x4d.ra_in1k": "none",
    # with random weights: what the articles and papers build, whose weights nobody published or which must be fetched
    "untrained/se_resnet50": "SE",
    "untrained/se_densenet": "SE",
    "untrained/se_inception": "SE",
    "untrained/yolov5_se": "SE",
    "untrained/sk_net50": "SK",
    "untrained/timm/legacy_seresnext50_32x4d": "SE",
    "untrained/timm/legacy_senet154": "SE",
    **{f"untrained/se_resnet50 {ablation}": "none" if ablation in UNGATED else "SE" for ablation in ABLATIONS},
}
