"""Gates in code that others wrote: found by their data flow with their values, and never where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sevis.analysis.doctor import examine
from sevis.analysis.metrics import measured
from sevis.analysis.statistics import collect
from sevis.capture import capture, find_gates
from tests.foreign_modules import CHANNELS, Classifier, ExpandAs, branch_cases, channel_cases
from tests.tiny_networks import Plain, alive, batch

CHANNEL, BRANCH = channel_cases(), branch_cases()
SHAPES = {"1-D": (3, 24), "3-D": (3, 4, 5, 6)}


def example(name: str) -> Tensor:
    return torch.randn(2, *SHAPES.get(name, (3, 8, 10)), generator=torch.Generator().manual_seed(3))


def close(found: np.ndarray, expected: Tensor) -> bool:
    return found.shape == tuple(expected.shape) and np.abs(found - expected.detach().numpy()).max() <= 1e-5


# what the network does right after the gate; test_identity.py has the sentences
SAYS_SOMETHING = {"squared", "overwritten", "x + x * g", "2 * x * g"}


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
    assert bool(record.site.warning) == (name in SAYS_SOMETHING)
    assert close(record.weights, module.block.expected(features))
    if activation == "sigmoid" and name != "sigmoid * scale":
        assert close(record.weights, torch.from_numpy(record.logits).sigmoid())
    pooled = module.block.squeeze(features) if name == "weighed places" else features.flatten(2).mean(2)
    assert close(record.squeeze, pooled)
    assert record.maps is not None
    assert close(record.maps.reshape(2, CHANNELS, -1), features.flatten(2))
    assert close(record.gated.reshape(2, CHANNELS, -1), module.block.expected(features)[:, 0, :, None] * features.flatten(2))
    assert record.weights.std() > 0.003  # the softmax over channels shares out 1 in all


@pytest.mark.parametrize("name", ["relu6(x + 3) / 6", "clamp((x + 3) / 6)", "hardsigmoid"])
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


ONE_PLACE = [name for name in (*CHANNEL, *BRANCH) if name != "weighed places"]  # one place has no shares


@pytest.mark.parametrize("name", ONE_PLACE)
@torch.no_grad()
def test_a_gate_of_a_map_of_one_place_is_found_too(name: str) -> None:
    module = (CHANNEL | BRANCH)[name][0]
    pictures = torch.randn(2, 3, *[1] * (len(SHAPES.get(name, (3, 8, 10))) - 1), generator=torch.Generator().manual_seed(3))
    with capture(module, maps=True) as tape:
        module(pictures)
    (record,) = tape.records()
    assert record.site.kind == ("channel" if name in CHANNEL else "branch")
    assert close(record.weights, module.block.expected(module.features(pictures)))
    assert record.gated.shape == (2, CHANNELS, 1, 1)


@pytest.mark.parametrize("name", [name for name in ONE_PLACE if name not in SHAPES])
@torch.no_grad()
def test_so_is_one_behind_a_pooling_layer_that_left_one_place(name: str) -> None:
    """What it pooled looks like a squeeze, and is the map of the next block."""
    module, pictures = (CHANNEL | BRANCH)[name][0], example(name)
    with capture(module) as tape:
        features = torch.relu(F.conv2d(F.max_pool2d(module.features(pictures), (8, 10)), torch.eye(CHANNELS)[..., None, None] + 0.1))
        module.linear(module.block(features.clone()).flatten(2).mean(2))
    (record,) = tape.records()
    assert close(record.weights, module.block.expected(features))
    assert name in BRANCH or close(record.squeeze, features.flatten(1))


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


def test_pictures_may_be_made_while_the_tape_runs() -> None:
    """They come from no watched map, and are no weights either."""
    module = CHANNEL["expand_as"][0]
    with torch.no_grad(), capture(module) as tape:
        module(torch.randn(2, 3, 8, 8))
    assert len(tape.records()) == 1


def test_one_gate_called_twice_is_two_sites() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.se = ExpandAs()

        def forward(self, x: Tensor) -> Tensor:
            return self.se(torch.roll(self.se(x), 1, dims=1))

    sites = find_gates(alive(Classifier(Twice())), batch(2, 8))
    assert [(site.path, site.depth, site.name) for site in sites] == [("block.se", 0, "SE_2_1"), ("block.se", 1, "SE_2_2")]


def test_a_gate_right_behind_a_part_that_cannot_be_watched_is_found() -> None:
    module = CHANNEL["expand_as"][0]
    with torch.no_grad(), capture(module) as tape:
        with torch._C.DisableTorchFunction():
            features = module.features(batch(2, 8))
        module.block(features)
    assert close(tape.records()[0].squeeze, features.mean((2, 3)))


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


class NoUnits(nn.Module):
    """Document 2's block at a growth rate below 16: channels // reduction is 0, and every weight sigmoid(bias) whatever is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Linear(CHANNELS, CHANNELS // 16), nn.Linear(CHANNELS // 16, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.expand(F.relu(self.reduce(x.mean((2, 3))))))
        return x * gate[..., None, None]


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@torch.no_grad()
def test_a_bottleneck_without_units_is_found_with_its_constant_weights() -> None:
    block = NoUnits()
    block.expand.bias.zero_()
    module = Classifier(block).eval()
    with capture(module) as tape:
        module(example("no units"))
    (record,) = tape.records()
    assert record.hidden is not None and record.hidden.shape == (2, 0)
    assert (record.weights == 0.5).all() and record.weights.shape == (2, 1, CHANNELS)
    assert record.site.kind == "channel" and record.site.activation == "sigmoid" and not record.site.warning
    metrics = measured(collect([record])[0])
    assert metrics["M4"] == 1.0 and metrics["M6"] is metrics["M7"] is metrics["M8"] is None
    with capture(module) as tape:
        module(example("no units").repeat(20, 1, 1, 1) * torch.rand(40, 1, 1, 1))
    (diagnosis,) = examine(collect(tape.records()))
    assert (diagnosis.verdict, diagnosis.findings[0].rule) == ("dead bottleneck", "no units") and diagnosis.alarms
