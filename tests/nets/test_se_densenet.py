"""SE-DenseNet: the published parameter counts, logits equal to a restatement in NumPy, and a live gate in every dense layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import sevis
from sevis.nets.blocks import SqueezeExcitation
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_densenet import se_densenet
from tests import papers_in_numpy as papers
from tests.tiny_networks import CLASSES, alive, batch, pictures


def tiny(stem: str = "cifar", **options: object) -> nn.Module:
    return alive(se_densenet(growth_rate=6, block_config=(2, 3, 2), classes=len(CLASSES), stem=stem, reduction=2, **options))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def gates_of(module: nn.Module) -> list[SqueezeExcitation]:
    return [part for part in module.modules() if isinstance(part, SqueezeExcitation)]


def test_as_it_stands_it_is_densenet_121_with_58_gates() -> None:
    from torchvision.models import densenet121

    with torch.device("meta"):
        module, plain = se_densenet(), densenet121()
    gates = gates_of(module)
    assert (count(module), len(gates)) == (7_986_280, 58)
    assert count(module) - sum(map(count, gates)) == count(plain) == 7_978_856


def test_a_growth_rate_below_the_reduction_still_has_a_hidden_unit() -> None:
    """The usual DenseNet-BC for CIFAR grows by 12; 12 // 16 hidden units would leave every weight at 0.5."""
    with torch.device("meta"):
        module = se_densenet(growth_rate=12, block_config=(16, 16, 16), classes=10, stem="cifar")
    assert {gate.reduce.out_features for gate in gates_of(module)} == {1}
    assert count(module) - sum(map(count, gates_of(module))) == 769_162  # with 48 blocks of no unit at all


def dense_net(module: nn.Module, images: torch.Tensor) -> np.ndarray:
    """Huang et al. 2017, section 3: logits from the state alone."""
    state = papers.state_of(module)
    x = papers.numbers(images)
    if "stem.weight" in state:
        x = papers.conv(x, state["stem.weight"], padding=1)
    else:
        x = papers.max_pool(papers.relu(papers.norm(state, "stem.1", papers.conv(x, state["stem.0.weight"], stride=2, padding=3))))
    for part in dict.fromkeys(key.split(".")[1] for key in state if key.startswith("blocks.")):
        if f"blocks.{part}.2.weight" in state:  # a transition
            x = papers.conv(papers.relu(papers.norm(state, f"blocks.{part}.0", x)), state[f"blocks.{part}.2.weight"])
            x = sum(x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
            continue
        for layer in dict.fromkeys(key.split(".")[2] for key in state if key.startswith(f"blocks.{part}.")):
            path = f"blocks.{part}.{layer}"
            new = papers.conv(papers.relu(papers.norm(state, f"{path}.branch.0", x)), state[f"{path}.branch.2.weight"])
            new = papers.conv(papers.relu(papers.norm(state, f"{path}.branch.3", new)), state[f"{path}.branch.5.weight"], padding=1)
            x = np.concatenate([x, papers.squeeze_excitation(state, f"{path}.se", new).output], axis=1)
    x = papers.relu(papers.norm(state, "norm", x))
    return x.mean(axis=(2, 3)) @ state["linear.weight"].T + state["linear.bias"]


@pytest.mark.parametrize(("stem", "side"), [("cifar", 16), ("imagenet", 32)])
def test_logits_are_the_papers(stem: str, side: int) -> None:
    module, images = tiny(stem), batch(2, side)
    with torch.no_grad():
        logits = module(images).numpy()
    expected = dense_net(module, images)
    np.testing.assert_allclose(logits, expected, atol=2e-5 * max(1, np.abs(expected).max()))
    assert np.abs(expected[0] - expected[1]).max() > 1e-3


def test_the_arguments_shape_the_network() -> None:
    module = tiny(stem_channels=10, compression=0.75, bottleneck=2)
    first, transition = module.blocks[0][0], module.blocks[1]
    assert module.stem.out_channels == first.branch[0].num_features == 10
    assert first.branch[2].out_channels == 2 * 6
    assert transition[2].in_channels == 10 + 2 * 6 and transition[2].out_channels == int(22 * 0.75)


def test_its_gates_are_found_and_inspected() -> None:
    module = tiny()
    found = sevis.find_gates(module, batch(2, 16))
    assert [(site.channels, site.stage, site.warning) for site in found] == [(6, s, "") for s in (2, 2, 3, 3, 3, 4, 4)]
    inspection = sevis.wrap(module, Preprocessing(16, 16), CLASSES).inspect(pictures(1)[0])
    assert [gate.site.path for gate in inspection.gates] == [site.path for site in found]
    assert all(gate.weights.std() > 0 for gate in inspection.gates)


def test_an_unknown_stem_is_refused_with_the_choices() -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=r"^unknown stem 'vgg'; choose from cifar, imagenet$"):
        se_densenet(stem="vgg")
