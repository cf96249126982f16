"""SKNet: the authors' parameter counts and bottlenecks, and logits equal to a restatement in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sevis.nets.blocks import SelectiveKernel
from sevis.nets.sk_net import sk_net
from tests import papers_in_numpy as papers
from tests.tiny_networks import CLASSES, batch, selective_net


@pytest.mark.parametrize(("depth", "parameters", "units"), [(50, 27_479_784, 16), (101, 48_736_040, 33)])
def test_parameters_are_as_many_as_published(depth: int, parameters: int, units: int) -> None:
    with torch.device("meta"):
        module = sk_net(depth)
    assert sum(p.numel() for p in module.parameters()) == parameters
    kernels = [part for part in module.modules() if isinstance(part, SelectiveKernel)]
    assert len(kernels) == units


def test_the_bottlenecks_are_those_of_the_authors() -> None:
    with torch.device("meta"):
        module = sk_net(50)
    widths = {(part.reduce.in_features, part.reduce.out_features) for part in module.modules() if isinstance(part, SelectiveKernel)}
    assert widths == {(128, 32), (256, 32), (512, 32), (1024, 64)}


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("branches", [2, 3])
def test_logits_are_the_papers(branches: int, stem: str) -> None:
    module, pictures = selective_net(branches=branches, stem=stem), batch(2, 16 if stem == "cifar" else 64)
    with torch.no_grad():
        logits = module(pictures).numpy()
    expected, _ = papers.sk_net(module, pictures, groups=4)
    assert logits.shape == (2, len(CLASSES))
    np.testing.assert_allclose(logits, expected, atol=2e-5 * max(1, np.abs(expected).max()))
    assert np.abs(expected[0] - expected[1]).max() > 1e-2


def test_logits_are_no_probabilities() -> None:
    """Document 3 ends in a softmax and trains with a loss that takes another."""
    with torch.no_grad():
        logits = selective_net()(batch(4, 16))
    assert (logits < 0).any() and not torch.allclose(logits.sum(dim=1), torch.ones(4), atol=1e-2)


def test_an_unknown_depth_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"^no SKNet of depth 18; choose from 26, 50, 101$"):
        sk_net(18)
