"""SE-ResNet: the papers' parameter counts, and logits equal to a restatement in NumPy for every option."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sevis.nets.blocks import SqueezeExcitation
from sevis.nets.se_resnet import DEPTHS, se_resnet
from tests import papers_in_numpy as papers
from tests.tiny_networks import CLASSES, batch, se_net

# depth: (parameters with 10 classes, with 1000, in the SE blocks, SE blocks)
COUNTS = {
    18: (11_261_002, 11_768_872, 87_040, 8),
    34: (21_439_306, 21_947_176, 157_184, 16),
    50: (26_035_786, 28_064_296, 2_514_944, 16),
    101: (47_256_138, 49_284_648, 4_743_168, 33),
    152: (64_734_794, 66_763_304, 6_578_176, 50),
}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("depth", DEPTHS)
def test_parameters_are_as_many_as_published(depth: int) -> None:
    with torch.device("meta"):
        ten, thousand = se_resnet(depth), se_resnet(depth, classes=1000)
    blocks = [part for part in ten.modules() if isinstance(part, SqueezeExcitation)]
    assert (count(ten), count(thousand), sum(map(count, blocks)), len(blocks)) == COUNTS[depth]


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_excitation_adds_two_c_squared_over_r_a_block(depth: int) -> None:
    """Hu et al. 2018, eq. 5: 2 / r * sum of N_s C_s^2."""
    _, expansion, blocks = DEPTHS[depth]
    with torch.device("meta"):
        halves = {r: se_resnet(depth, reduction=r) for r in (16, 32)}
    expected = {r: sum(2 * n * (c * expansion) ** 2 // r for n, c in zip(blocks, (64, 128, 256, 512), strict=True)) for r in (16, 32)}
    assert count(halves[16]) - count(halves[32]) == expected[16] - expected[32]


OPTIONS = {
    "18": (18, {}),
    "18, ImageNet": (18, {"stem": "imagenet"}),
    "34": (34, {}),
    "50": (50, {}),
    "50, ImageNet": (50, {"stem": "imagenet"}),
    "max": (18, {"squeeze": "max"}),
    "tanh": (18, {"excitation": "tanh"}),
    "relu": (18, {"excitation": "relu"}),
    "pre": (18, {"integration": "pre"}),
    "post": (18, {"integration": "post"}),
    "identity": (18, {"integration": "identity"}),
    "pre, of bottlenecks": (50, {"integration": "pre"}),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_logits_are_the_papers(option: str) -> None:
    depth, options = OPTIONS[option]
    module = se_net(depth, **options)
    pictures = batch(2, 64 if options.get("stem") == "imagenet" else 16)
    with torch.no_grad():
        logits = module(pictures).numpy()
    expected, _ = papers.se_resnet(module, pictures, **{key: value for key, value in options.items() if key != "stem"})
    assert logits.shape == (2, len(CLASSES))
    np.testing.assert_allclose(logits, expected, atol=2e-5 * max(1, np.abs(expected).max()))
    assert np.abs(expected[0] - expected[1]).max() > 1e-3


def test_logits_are_no_probabilities() -> None:
    with torch.no_grad():
        logits = se_net()(batch(4, 16))
    assert (logits < 0).any() and not torch.allclose(logits.sum(dim=1), torch.ones(4), atol=1e-2)


@pytest.mark.parametrize(("stem", "sizes"), [("cifar", (32, 32, 16, 8, 4)), ("imagenet", (8, 8, 4, 2, 1))])
def test_a_stage_halves_the_size_but_the_first(stem: str, sizes: tuple[int, ...]) -> None:
    module, x, found = se_net(stem=stem), batch(1, 32), []
    with torch.no_grad():
        for part in (module.stem, module.layer1, module.layer2, module.layer3, module.layer4):
            x = part(x)
            found.append(x.shape[-1])
    assert tuple(found) == sizes


def test_the_shortcut_is_the_identity_where_shapes_agree() -> None:
    with torch.device("meta"):
        module = se_resnet(50)
    kinds = [
        [type(unit.shortcut) is nn.Identity for unit in layer] for layer in (module.layer1, module.layer2, module.layer3, module.layer4)
    ]
    assert kinds == [[False] + [True] * (n - 1) for n in (3, 4, 6, 3)]  # layer1 widens 64 to 256


@pytest.mark.parametrize(
    ("depth", "options", "said"),
    [
        (20, {}, "no SE-ResNet of depth 20; choose from 18, 34, 50, 101, 152"),
        ("50", {}, "no SE-ResNet of depth '50'; choose from 18, 34, 50, 101, 152"),
        (18, {"stem": "vgg"}, "unknown stem 'vgg'; choose from cifar, imagenet"),
        (18, {"squeeze": "min"}, "unknown squeeze 'min'; choose from average, max, none"),
        (18, {"excitation": "exp"}, "unknown excitation 'exp'; choose from sigmoid, tanh, relu"),
        (18, {"stages": (2, 6)}, "an SE-ResNet has no stage 6; choose from 2, 3, 4, 5"),
        (18, {"integration": "mid"}, "unknown integration 'mid'; choose from standard, pre, post, identity, 3x3"),
    ],
)
def test_a_wrong_option_is_refused_with_the_choices(depth: int, options: dict[str, object], said: str) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=f"^{said}$"):
        se_resnet(depth, **options)
