"""SE and SK blocks against the papers' formulas, restated in NumPy; every choice is an argument, every wrong one is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sevis.nets.blocks import EXCITATIONS, INTEGRATIONS, SQUEEZES, Residual, SelectiveKernel, SqueezeExcitation, conv_norm
from tests import papers_in_numpy as papers
from tests.tiny_networks import alive

SQUEEZE_NAMES, EXCITATION_NAMES = ("average", "max"), ("sigmoid", "tanh", "relu")
INTEGRATION_NAMES = ("standard", "pre", "post", "identity", "3x3")


def features(channels: int, side: int = 7) -> Tensor:
    return torch.randn(3, channels, side, side + 2)


def assert_equal(found: Tensor, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    assert tuple(found.shape) == expected.shape
    assert np.abs(found.detach().numpy() - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


def test_every_choice_of_the_paper_is_offered() -> None:
    assert (tuple(SQUEEZES), tuple(EXCITATIONS)) == ((*SQUEEZE_NAMES, "none"), EXCITATION_NAMES)
    assert tuple(INTEGRATIONS) == INTEGRATION_NAMES


@pytest.mark.parametrize("reduction", [1, 4, 16])
@pytest.mark.parametrize("excitation", EXCITATION_NAMES)
@pytest.mark.parametrize("squeeze", SQUEEZE_NAMES)
def test_squeeze_and_excitation(squeeze: str, excitation: str, reduction: int) -> None:
    block = alive(SqueezeExcitation(48, reduction=reduction, squeeze=squeeze, excitation=excitation))
    u = features(48)
    state = {f"se.{name}": values for name, values in papers.state_of(block).items()}
    expected = papers.squeeze_excitation(state, "se", papers.numbers(u), squeeze=squeeze, excitation=excitation)
    assert_equal(block(u), expected.output)
    assert expected.hidden.shape == (3, 48 // reduction) and expected.weights.std() > 0.01
    assert sorted(state) == ["se.expand.weight", "se.reduce.weight"]  # no biases: section 6.1


def test_the_papers_defaults() -> None:
    block = SqueezeExcitation(64)
    u = features(64)
    same = SqueezeExcitation(64, reduction=16, squeeze="average", excitation="sigmoid")
    same.load_state_dict(block.state_dict())
    assert torch.equal(block(u), same(u)) and block.reduce.out_features == 4


@pytest.mark.parametrize("channels", [1, 2, 5, 8, 12, 15, 16, 17, 31])
def test_a_narrow_map_never_gets_an_empty_bottleneck(channels: int) -> None:
    """With no hidden unit every weight would be sigmoid(0) = 0.5, whatever the picture."""
    block = SqueezeExcitation(channels, reduction=16)
    assert block.reduce.weight.shape == (max(channels // 16, 1), channels)
    nn.init.ones_(block.reduce.weight)
    nn.init.ones_(block.expand.weight)
    assert (block(torch.ones(1, channels, 2, 2)) > 0.7).all()
    narrow = SelectiveKernel(channels, channels, groups=1, minimum=1)
    assert narrow.reduce.weight.shape == (max(channels // 16, 1), channels)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("channels", "branches", "groups", "minimum"), [(16, 2, 4, 4), (16, 3, 1, 6), (32, 2, 32, 32), (64, 1, 8, 2)])
def test_selective_kernel(channels: int, branches: int, groups: int, minimum: int, stride: int) -> None:
    options = {"branches": branches, "groups": groups, "minimum": minimum, "stride": stride}
    block = alive(SelectiveKernel(channels, channels, **options))
    x = features(channels)
    state = {f"sk.{name}": values for name, values in papers.state_of(block).items()}
    expected = papers.selective_kernel(state, "sk", papers.numbers(x), stride=stride, groups=groups)
    assert_equal(block(x), expected.output)
    assert expected.hidden.shape == (3, max(channels // 16, minimum))  # d = max(C / r, L): eq. 4
    np.testing.assert_allclose(expected.weights.sum(axis=1), 1)


def test_the_bottleneck_follows_the_output_and_not_the_input() -> None:
    assert SelectiveKernel(32, 1024).reduce.weight.shape == (64, 1024)
    assert SelectiveKernel(1024, 32).reduce.weight.shape == (32, 32)


X = torch.tensor([[[[-3.0, 1.0], [2.0, -0.5]]]])


@pytest.mark.parametrize(
    ("integration", "expected"),
    [
        ("standard", lambda x: np.maximum(10 * (2 * x - 1) + (x + 5), 0)),
        ("pre", lambda x: np.maximum(2 * (10 * x) - 1 + (x + 5), 0)),
        ("post", lambda x: 10 * np.maximum(2 * x - 1 + (x + 5), 0)),
        ("identity", lambda x: np.maximum(2 * x - 1 + 10 * (x + 5), 0)),
        ("3x3", lambda x: np.maximum(10 * (2 * x - 1) + (x + 5), 0)),  # as the unit around it: what stands inside is the branch's
    ],
)
def test_where_the_block_stands(integration: str, expected: object) -> None:
    """Hu et al. 2018, figure 5, with a branch 2x - 1, a shortcut x + 5 and an "attention" 10x."""

    class Line(nn.Module):
        def __init__(self, slope: float, offset: float) -> None:
            super().__init__()
            self.slope, self.offset = slope, offset

        def forward(self, x: Tensor) -> Tensor:
            return self.slope * x + self.offset

    unit = Residual(Line(2, -1), Line(1, 5), Line(10, 0), integration)
    assert callable(expected)
    assert_equal(unit(X), expected(X.double().numpy()))


@pytest.mark.parametrize(("kernel", "dilation", "stride"), [(1, 1, 1), (3, 1, 1), (3, 2, 1), (3, 3, 2), (6, 1, 2), (7, 1, 2)])
def test_a_convolution_keeps_the_size_but_for_its_stride(kernel: int, dilation: int, stride: int) -> None:
    conv, norm = conv_norm(4, 8, kernel, stride=stride, dilation=dilation, groups=2)
    assert norm(conv(torch.randn(2, 4, 12, 16))).shape == (2, 8, 12 // stride, 16 // stride)
    assert conv.bias is None


REFUSED = [
    (lambda: SqueezeExcitation(8, squeeze="median"), "unknown squeeze 'median'; choose from average, max, none"),
    (lambda: SqueezeExcitation(8, excitation="softmax"), "unknown excitation 'softmax'; choose from sigmoid, tanh, relu"),
    (
        lambda: Residual(nn.Identity(), nn.Identity(), nn.Identity(), "parallel"),
        "unknown integration 'parallel'; choose from standard, pre, post, identity, 3x3",
    ),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=["squeeze", "excitation", "integration"])
def test_an_unknown_name_is_refused_with_the_choices(make: object, said: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=f"^{said}$"):
        make()
