"""SE-Inception: the published parameter counts, logits equal to a restatement in NumPy, and one gate a module."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

import sevis
from sevis.nets.blocks import SqueezeExcitation
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_inception import FAMILIES, se_inception
from tests import papers_in_numpy as papers
from tests.tiny_networks import CLASSES, alive, batch, pictures

HIDDEN = [16, 20, 36, 36, 36, 38, 38, 66, 64, 64]  # of the authors' SE-BN-Inception.prototxt, 3a to 5b


def tiny(family: str) -> nn.Module:
    module = alive(se_inception(family, classes=len(CLASSES), width=0.0625, reduction=2))
    for name, values in module.state_dict().items():
        if name.endswith("running_var"):
            values /= 2  # ten gates in a row, each near a half, would leave nothing of the picture
    return module


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def gates_of(module: nn.Module) -> list[SqueezeExcitation]:
    return [part for part in module.modules() if isinstance(part, SqueezeExcitation)]


def test_bn_inception_is_the_authors() -> None:
    with torch.device("meta"):
        module = se_inception()
    gates = gates_of(module)
    assert [gate.reduce.out_features for gate in gates] == HIDDEN
    assert (count(module), sum(map(count, gates))) == (11_924_584, 639_360)


def test_googlenet_is_torchvisions_but_for_its_5_x_5_convolutions() -> None:
    """torchvision's GoogLeNet has 3 x 3 ones in their place, as it says itself."""
    from torchvision.models import googlenet

    with torch.device("meta"):
        module, other = se_inception("googlenet"), googlenet(aux_logits=False, init_weights=False)
    convolutions = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    large = [conv.in_channels * conv.out_channels for conv in convolutions if conv.kernel_size == (5, 5)]
    assert len(large) == len(gates_of(module)) == 9
    assert count(module) - sum(map(count, gates_of(module))) == count(other) + (25 - 9) * sum(large)


def windows(x: np.ndarray, stride: int, padding: float) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=padding)
    return sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::stride, ::stride]


def chain(state: papers.State, path: str, x: np.ndarray, stride: int) -> np.ndarray:
    """Convolution, norm and ReLU as often as the state has them, the last with the stride."""
    places = sorted({int(key.removeprefix(f"{path}.").split(".")[0]) for key in state if key.startswith(f"{path}.") and "running" in key})
    for place in places:
        kernel = state[f"{path}.{place - 1}.weight"]
        x = papers.conv(x, kernel, padding=kernel.shape[-1] // 2, stride=stride if place == places[-1] else 1)
        x = papers.relu(papers.norm(state, f"{path}.{place}", x))
    return x


# module: how it pools, and its stride; whether the size is halved before it (Ioffe & Szegedy 2015, figure 5; Szegedy et al. 2015, table 1)
POOLED = {
    "bn_inception": [("average", 1)] * 2 + [("max", 2)] + [("average", 1)] * 4 + [("max", 2), ("average", 1), ("max", 1)],
    "googlenet": [("max", 1)] * 9,
}
HALVED = {"bn_inception": (), "googlenet": (2, 7)}


def inception(module: nn.Module, images: torch.Tensor, family: str) -> np.ndarray:
    state = papers.state_of(module)
    x = papers.relu(papers.norm(state, "stem.1", papers.conv(papers.numbers(images), state["stem.0.weight"], stride=2, padding=3)))
    x = papers.max_pool(x)
    x = papers.relu(papers.norm(state, "stem.5", papers.conv(x, state["stem.4.weight"])))
    x = papers.max_pool(papers.relu(papers.norm(state, "stem.8", papers.conv(x, state["stem.7.weight"], padding=1))))
    for number, (pool, stride) in enumerate(POOLED[family]):
        path = f"inceptions.{number}"
        x = papers.max_pool(x) if number in HALVED[family] else x
        pooled = windows(x, stride, 0).mean(axis=(4, 5)) if pool == "average" else windows(x, stride, -np.inf).max(axis=(4, 5))
        last = max(int(key.split(".")[3]) for key in state if key.startswith(f"{path}.branches."))
        passes = (family, number) in {("bn_inception", 2), ("bn_inception", 7)}
        parts = [chain(state, f"{path}.branches.{branch}", x, stride) for branch in range(last + passes)]
        parts.append(pooled if passes else chain(state, f"{path}.branches.{last}", pooled, 1))
        x = papers.squeeze_excitation(state, f"{path}.se", np.concatenate(parts, axis=1)).output
    return x.mean(axis=(2, 3)) @ state["linear.weight"].T + state["linear.bias"]


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_the_papers(family: str) -> None:
    module, images = tiny(family).double(), batch(2, 64).double()
    with torch.no_grad():
        logits = module(images).numpy()
    expected = inception(module, images, family)
    np.testing.assert_allclose(logits, expected, rtol=1e-9)
    assert np.abs(expected[0] - expected[1]).max() > 1e-3


@pytest.mark.parametrize("side", [64, 76, 97])
@pytest.mark.parametrize("family", FAMILIES)
def test_branches_agree_in_size_whatever_the_picture(family: str, side: int) -> None:
    with torch.no_grad():
        assert tiny(family)(batch(1, side)).shape == (1, len(CLASSES))


@pytest.mark.parametrize("family", FAMILIES)
def test_its_gates_are_found_and_inspected(family: str) -> None:
    module = tiny(family)
    found = sevis.find_gates(module, batch(2, 64))
    assert [site.path for site in found] == [f"inceptions.{n}.se" for n in range(len(FAMILIES[family]))]
    assert not any(site.warning for site in found)
    inspection = sevis.wrap(module, Preprocessing(64, 64), CLASSES).inspect(pictures(1)[0])
    assert [gate.site.channels for gate in inspection.gates] == [site.channels for site in found]
    assert all(gate.weights.std() > 0 for gate in inspection.gates)


def test_an_unknown_family_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"^unknown family 'xception'; choose from bn_inception, googlenet$"):
        se_inception("xception")
