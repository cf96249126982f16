"""Gates in code that others wrote: found by their data flow, counted against their classes, and never where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from sevis.capture import capture, find_gates
from tests.foreign_modules import CHANNELS, Classifier, branch_cases, channel_cases
from tests.tiny_networks import Plain, alive, batch

CHANNEL, BRANCH = channel_cases(), branch_cases()
SHAPES = {"1-D": (3, 24), "3-D": (3, 4, 5, 6)}


def example(name: str) -> Tensor:
    return torch.randn(2, *SHAPES.get(name, (3, 8, 10)), generator=torch.Generator().manual_seed(3))


def close(found: np.ndarray, expected: Tensor) -> bool:
    return found.shape == tuple(expected.shape) and np.abs(found - expected.detach().numpy()).max() <= 1e-5


@pytest.mark.parametrize("name", CHANNEL)
@torch.no_grad()
def test_a_channel_gate_is_found_with_its_values(name: str) -> None:
    (module, activation), pictures = CHANNEL[name], example(name)
    features = module.features(pictures)
    with capture(module, maps=True) as tape:
        module(pictures)
    (record,) = tape.records()
    assert (record.site.kind, record.site.activation, record.site.channels) == ("channel", activation, CHANNELS)
    assert record.site.path == ("block.SE" if name == "squared" else "block")
    assert record.site.warning == ""
    assert close(record.weights, module.block.expected(features))
    if activation == "sigmoid":
        assert close(record.weights, torch.from_numpy(record.logits).sigmoid())
    assert record.squeeze.shape == (2, CHANNELS)
    pooled = features.flatten(2).sum(2) if name == "sum / places" else features.flatten(2).mean(2)
    assert np.abs(record.squeeze - pooled.numpy()).max() <= 1e-5 * pooled.max()
    assert record.maps is not None
    assert close(record.maps.reshape(2, CHANNELS, -1), features.flatten(2))
    assert close(record.gated.reshape(2, CHANNELS, -1), module.block.expected(features)[:, 0, :, None] * features.flatten(2))
    assert record.weights.std() > 0.01


@pytest.mark.parametrize("name", ["relu6(x + 3) / 6", "clamp((x + 3) / 6)"])
@torch.no_grad()
def test_a_ramps_logits_are_what_it_is_built_on(name: str) -> None:
    module, pictures = CHANNEL[name][0], example(name)
    with capture(module) as tape:
        module(pictures)
    assert close(tape.records()[0].logits, module.block.logits(module.features(pictures)))


@pytest.mark.parametrize("name", BRANCH)
@torch.no_grad()
def test_a_selection_is_found_with_its_values(name: str) -> None:
    (module, branches), pictures = BRANCH[name], example(name)
    features = module.features(pictures)
    with capture(module, maps=True) as tape:
        module(pictures)
    (record,) = tape.records()
    expected = module.block.expected(features)
    assert (record.site.kind, record.site.activation, record.site.channels) == ("branch", "softmax", CHANNELS)
    assert (record.site.path, record.site.branches, record.site.warning) == ("block", branches, "")
    assert close(record.weights, expected)
    assert close(record.weights, torch.from_numpy(record.logits).softmax(dim=1))
    assert close(record.gated, module.block(features))
    assert record.hidden is not None and record.hidden.shape == (2, 4)
    assert record.weights.std() > 0.01


GATED = {"SEModule", "SqueezeExcite", "EffectiveSEModule", "EcaModule", "SelectiveKernel", "SplitAttn", "SqueezeExcitation"}
TIMM: dict[str, tuple[int, dict[str, Any]]] = {
    "seresnet18": (8, {"zero_init_last": False}),
    "skresnet18": (8, {}),
    "resnest14d": (4, {}),
    "ecaresnet26t": (8, {"zero_init_last": False}),
    "mobilenetv3_small_050": (9, {}),
    "efficientnet_b0": (16, {}),
    "regnety_002": (13, {}),
    "ghostnet_050": (7, {}),
    "ese_vovnet19b_dw": (4, {}),
    "legacy_seresnet18": (8, {}),
    "test_byobnet": (4, {}),
    "test_efficientnet": (2, {}),
}


def gate_modules(module: nn.Module) -> list[nn.Module]:
    return [part for part in module.modules() if type(part).__name__ in GATED]


def assert_sound(module: nn.Module, count: int, side: int) -> None:
    sites = find_gates(module.eval(), batch(2, side))
    assert len(gate_modules(module)) == count
    assert [site.warning for site in sites] == [""] * count
    assert [site.depth for site in sites] == list(range(count))
    assert len({site.path for site in sites}) == count


@pytest.mark.parametrize("name", TIMM)
def test_every_gate_of_timm_is_found(name: str) -> None:
    count, options = TIMM[name]
    assert_sound(timm.create_model(name, num_classes=5, **options), count, 64)


@pytest.mark.parametrize(("name", "count"), [("mobilenet_v3_small", 9), ("regnet_y_400mf", 16)])
def test_every_gate_of_torchvision_is_found(name: str, count: int) -> None:
    assert_sound(torchvision.models.get_model(name, weights=None, num_classes=5), count, 64)


@pytest.mark.parametrize("name", ["resnet18", "convnextv2_atto", "vit_tiny_patch16_224", "mixer_s32_224"])
def test_nothing_is_found_where_there_is_no_gate(name: str) -> None:
    sized = {"img_size": 64} if name.startswith(("vit", "mixer")) else {}
    module = timm.create_model(name, num_classes=5, **sized)
    assert find_gates(alive(module), batch(2, 64)) == ()


class _NoGate(nn.Module):
    """Multiplications that look like a gate and are none."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.scale = nn.Parameter(torch.rand(CHANNELS, 1, 1))
        self.linear = nn.Linear(CHANNELS, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean((2, 3))
        return {
            "layer scale": lambda: x * torch.sigmoid(self.scale),
            "no nonlinearity": lambda: x * self.linear(pooled)[..., None, None],
            "spatial": lambda: x * torch.sigmoid(x.mean(1, keepdim=True)),
            "of every place": lambda: x * torch.sigmoid(x),
            "of the output": lambda: torch.sigmoid(self.linear(pooled))[..., None, None] + x,
            "of the picture's number": lambda: x * torch.sigmoid(torch.randn(CHANNELS, 1, 1)),
        }[self.kind]()


@pytest.mark.parametrize(
    "kind", ["layer scale", "no nonlinearity", "spatial", "of every place", "of the output", "of the picture's number"]
)
def test_what_only_looks_like_a_gate_is_not_found(kind: str) -> None:
    assert find_gates(alive(Classifier(_NoGate(kind))), batch(2, 8)) == ()


@pytest.mark.parametrize("pooled", [True, False])
def test_nothing_is_found_in_a_plain_network(pooled: bool) -> None:
    assert find_gates(alive(Plain(16, pooled=pooled)), batch(2, 16)) == ()


def test_a_gate_of_another_map_is_not_taken_for_its_own() -> None:
    """Each of two gates is recorded with the map that it was computed from."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = CHANNEL["expand_as"][0].block, CHANNEL["named layers"][0].block

        def forward(self, x: Tensor) -> Tensor:
            return self.second(torch.roll(self.first(x), 1, dims=1))

    module = alive(Classifier(Twice()), 5)
    pictures = batch(2, 8)
    with torch.no_grad(), capture(module, maps=True) as tape:
        features = module.features(pictures)
        module.linear(module.block(features).mean((2, 3)))
        between = torch.roll(module.block.first(features), 1, dims=1)
    first, second = tape.records()[:2]
    assert (first.site.path, second.site.path) == ("block.first", "block.second")
    assert close(first.squeeze, features.mean((2, 3))) and close(second.squeeze, between.mean((2, 3)))
