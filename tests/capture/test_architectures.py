"""Networks that others wrote: their gates are exactly those that their classes say, path by path, and none where there is none.

`make survey` asks the same of every network of timm and torchvision; this table has one of every kind, a small one.
"""

from __future__ import annotations

from typing import Any

import pytest
import timm

from sevis.capture import find_gates
from sevis.records import GateSite
from tests.survey import build, counted, differences, example, sites_of

GATED = {
    "cspnext_tiny": 4,
    "ecaresnext26t_32x4d": 8,
    "efficientnet_b0": 16,
    "efficientnet_cc_b0_4e": 16,  # convolutions whose weights are computed from the squeeze
    "efficientvim_m1": 2,
    "efficientvit_m0": 2,
    "ese_vovnet19b_slim_dw": 4,
    "fastvit_t8": 1,
    "gc_efficientnetv2_rw_t": 29,
    "gcvit_xxtiny": 11,
    "ghostnet_050": 7,
    "ghostnetv2_100": 7,
    "hardcorenas_a": 8,
    "hgnet_tiny": 5,
    "lcnetv2_small": 4,
    "legacy_seresnet18": 8,
    "mobilenetv3_small_050": 9,
    "nf_ecaresnet26": 8,
    "rdnet_tiny": 15,
    "regnety_002": 13,
    "repghostnet_050": 7,
    "repvit_m0_9": 10,
    "resnest14d": 4,
    "resnest50d_1s4x24d": 16,  # one split: a sigmoid
    "resnest50d_4s2x40d": 16,  # cardinal groups
    "rexnet_100": 13,
    "sedarknet21": 7,
    "seresnet18": 8,
    "shvit_s1": 2,
    "skresnet18": 8,
    "skresnext50_32x4d": 16,
    "test_byobnet": 4,
    "test_coatnet": 2,
    "test_efficientnet_gn": 2,
    "test_nfnet": 4,
}
PLAIN = (
    "coat_lite_tiny convit_tiny convmixer_768_32 convnextv2_atto cpubone_nano cs3darknet_s csatv2 davit_tiny deit_tiny_patch16_224 "
    "densenet121 dla46x_c dpn48b edgenext_x_small efficientformerv2_s0 efficientvit_b0 fasternet_t0 gcresnext26ts gmlp_ti16_224 "
    "hgnetv2_b0 hrnet_w18_small iformer_t levit_conv_128s lowformer_b0 mixer_s32_224 mobilenetv2_050 mobileone_s1 "
    "mobilevitv2_050 pit_ti_224 poolformer_s12 pvt_v2_b0 regnetx_002 resnet18 resnetv2_18d starnet_s050 swiftformer_xs "
    "test_convnext3 test_mambaout test_vit xcit_nano_12_p16_224"
).split()
TORCHVISION = {
    "convnext_tiny": 0,
    "densenet121": 0,
    "efficientnet_b0": 16,
    "efficientnet_v2_s": 30,
    "googlenet": 0,
    "mnasnet0_5": 0,
    "mobilenet_v2": 0,
    "mobilenet_v3_large": 8,
    "mobilenet_v3_small": 9,
    "regnet_x_400mf": 0,
    "regnet_y_400mf": 16,
    "regnet_y_800mf": 14,
    "resnet18": 0,
    "shufflenet_v2_x0_5": 0,
    "squeezenet1_1": 0,
    "swin_t": 0,
}
NAMES = {f"timm/{name}": count for name, count in (GATED | dict.fromkeys(PLAIN, 0)).items()}
NAMES |= {f"torchvision/{name}": count for name, count in TORCHVISION.items()}
GAIN = "The gated map is multiplied by 2 right after the gate: the weights that act are 2 x those shown."
GAINED = {"timm/nf_ecaresnet26", "timm/test_nfnet"}


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(GATED) + len(PLAIN) >= 60 and len(TORCHVISION) >= 15


def assert_exact(module: Any, sites: tuple[GateSite, ...], count: int) -> None:
    assert len(counted(module)) == count
    assert differences(module, sites) == ((), ())
    assert [site.depth for site in sites] == list(range(count))


@pytest.mark.parametrize("name", NAMES)
def test_the_gates_found_are_those_of_its_classes(name: str) -> None:
    module = build(name)
    _, sites = sites_of(module)
    assert_exact(module, sites, NAMES[name])
    assert {site.warning for site in sites} <= {GAIN if name in GAINED else ""}


@pytest.mark.parametrize("name", ["seresnet18", "skresnet18", "resnest14d", "mobilenetv3_small_050", "regnety_002"])
def test_the_gates_of_maps_of_one_place_are_found_too(name: str) -> None:
    """At 32 pixels a side the last stage is 1 x 1."""
    module = build(f"timm/{name}")
    assert_exact(module, find_gates(module, example(32)), GATED[name])


# timm's attention layers that few of its named networks carry, in a ResNet with eight blocks
LAYERS = {
    "se": (8, "sigmoid"),
    "ese": (8, "hardsigmoid"),
    "eca": (8, "sigmoid"),
    "ecam": (8, "sigmoid"),
    "ceca": (8, "sigmoid"),
    "cbam": (8, "sigmoid"),
    "lcbam": (8, "sigmoid"),
    "gc": (8, "sigmoid"),
    "sk": (8, "softmax"),
    "splat": (8, "softmax"),
    "gca": (0, ""),
    "coord": (0, ""),
    "scoord": (0, ""),
    "ela": (0, ""),
    "strip": (0, ""),
    "nl": (0, ""),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_every_attention_layer_of_timm_is_told_apart(layer: str) -> None:
    count, activation = LAYERS[layer]
    module = timm.create_model("resnet18", zero_init_last=False, block_args={"attn_layer": layer}, num_classes=5).eval()
    sites = find_gates(module, example(64))
    assert_exact(module, sites, count)
    assert {(site.activation, site.warning) for site in sites} == ({(activation, "")} if count else set())
