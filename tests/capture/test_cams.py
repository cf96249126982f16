"""Grad-CAM equals captum's at the same tensor, influence equals the score's finite difference, and neither leaves a graph."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from sevis.capture import capture
from sevis.capture.cams import cam_of
from sevis.inspector import Inspector
from sevis.records import Cam, Inspection
from tests import SLOW
from tests.foreign_modules import BranchesFirst, ChannelsLast, Chunked, Classifier, Indexed, InPlace, Overwritten, Residual, Stacked
from tests.tiny_networks import CLASSES, Plain, alive, network, pictures, se_net, selective_net

SIDE = 32


class Copy(nn.Module):
    """Gives a copy: what stands before it is safe from the in-place operations after it."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


def oracle(module: nn.Module, path: str, picture: Tensor, target: int) -> np.ndarray:
    """captum's map at the output of the module of that path, (H, W), in units of the score."""
    parts = dict(module.named_modules())
    owner, _, name = path.rpartition(".")
    part = parts[path]
    setattr(parts[owner], name, nn.Sequential(part, Copy()))  # in-place additions would spoil captum's own reference
    try:
        attribution = LayerGradCam(module, part).attribute(picture, target=target, relu_attributions=True)
    finally:
        setattr(parts[owner], name, part)
    return attribution.detach().numpy()[0, 0]


def inspected(inspector: Inspector, target: int | None) -> tuple[Inspection, Tensor]:
    """An inspection, and the tensor that the network saw."""
    (picture,) = pictures(1, inspector.input_shape[-1], seed=7)
    (inspection,) = inspector.inspect_batch([picture], [target])
    return inspection, inspector.batch([inspector.tensor(picture)])


def assert_equal(cam: Cam, expected: np.ndarray) -> None:
    raw = cam.values[0] * cam.peak[0]
    assert raw.shape == expected.shape
    assert np.abs(raw - expected).max() <= 1e-4 * expected.max()


def assert_parity(module: nn.Module, target: int | None, side: int = SIDE, *, last: bool = True) -> Inspection:
    """Every map of an inspection against captum's; gives the inspection."""
    inspection, picture = inspected(Inspector(network(module, side)), target)
    index = inspection.target.index
    live = 0
    for cam in (*inspection.cams, *([inspection.last_cam] if last else [])):
        assert cam is not None and (cam.target, cam.method) == (index, "Grad-CAM")
        expected = oracle(module, cam.path, picture, index)
        assert_equal(cam, expected)
        live += expected.max() > 0
    assert live >= len(inspection.cams) // 2  # maps of zeros would prove nothing
    return inspection


MAKERS: dict[str, Callable[[], nn.Module]] = {
    "SE": se_net,
    "SE on the shortcut": lambda: se_net(integration="identity"),
    "SE before the branch": lambda: se_net(integration="pre"),
    "SE after the addition": lambda: se_net(integration="post"),
    "SK": selective_net,
}


@pytest.mark.parametrize("target", [None, 3, 0])
@pytest.mark.parametrize("kind", ["SE", "SK"])
def test_every_map_is_captums(kind: str, target: int | None) -> None:
    inspection = assert_parity(MAKERS[kind](), target)
    assert len(inspection.cams) == 8
    assert [cam.path for cam in inspection.cams] == [site.path for site in inspection.sites]
    assert [cam.name for cam in inspection.cams] == [site.name for site in inspection.sites]
    assert inspection.last_cam is not None and inspection.last_cam.path == "layer4.1"


@pytest.mark.parametrize("kind", ["SE on the shortcut", "SE before the branch"])
def test_every_map_is_captums_wherever_the_block_stands(kind: str) -> None:
    assert_parity(MAKERS[kind](), 2)


def test_where_the_last_map_is_a_gates_own_they_are_equal() -> None:
    """Behind an SE block after the addition nothing follows but the pool: both maps are of one tensor."""
    inspection = assert_parity(MAKERS["SE after the addition"](), 1)
    assert inspection.last_cam is not None and inspection.last_cam.path == "layer4.1.se"
    assert np.allclose(inspection.last_cam.values, inspection.cams[-1].values, atol=1e-6)


@pytest.mark.parametrize("target", [None, 4])
@pytest.mark.parametrize("name", ["seresnet18", "skresnet18"])
def test_in_place_operations_of_timm_spoil_no_map(name: str, target: int | None) -> None:
    options = {"zero_init_last": False} if name == "seresnet18" else {}
    module = timm.create_model(name, num_classes=len(CLASSES), channels=(16, 32, 64, 64), stem_width=16, **options)
    assert any(getattr(part, "inplace", False) for part in module.modules())
    inspection = assert_parity(alive(module), target, 64, last=False)
    assert len(inspection.cams) == 8
    calm = alive(timm.create_model(name, num_classes=len(CLASSES), channels=(16, 32, 64, 64), stem_width=16, **options))
    for part in calm.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    (other, picture) = inspected(Inspector(network(calm, 64)), target)
    assert inspection.last_cam is not None and other.last_cam is not None
    assert np.allclose(inspection.last_cam.values, other.last_cam.values, atol=1e-5)
    assert_equal(inspection.last_cam, oracle(calm, "layer4", picture, inspection.target.index))


FOREIGN = [InPlace, Overwritten, Residual, ChannelsLast, Chunked, Stacked, Indexed, BranchesFirst]


@pytest.mark.parametrize("block", FOREIGN)
def test_the_gated_map_of_foreign_code_is_explained(block: Callable[[], nn.Module]) -> None:
    """Against autograd on a restatement: gated = sum of weights x branches, then whatever the block does with it."""
    module = alive(Classifier(block()), 2)
    inspector = Inspector(replace(network(module, 16), classes=("a", "b", "c", "d")))
    inspection, picture = inspected(inspector, 1)
    with torch.no_grad():
        features = module.features(picture)
        weights = module.block.expected(features)
        maps = features[:, None] if weights.shape[1] == 1 else torch.stack(branches_of(module.block, features), dim=1)
    gated = (weights[..., None, None] * maps).sum(1).requires_grad_()
    after = {Overwritten: lambda x: torch.relu(x + features), Residual: lambda x: x + features}.get(block, lambda x: x)(gated)
    score = module.linear(after.mean((2, 3)))[0, 1]
    assert abs(score.item() - inspection.score) < 1e-5
    (slope,) = torch.autograd.grad(score, gated)
    expected = (slope.mean((2, 3), keepdim=True) * gated.detach()).sum(1).relu()[0].numpy()
    assert expected.max() > 0
    assert_equal(inspection.cams[0], expected)
    np.testing.assert_allclose(inspection.influence[0], (slope[:, None] * maps).sum((3, 4)) * weights, atol=1e-5)


def branches_of(block: nn.Module, features: Tensor) -> list[Tensor]:
    return [conv(features) for conv in block.conv] if isinstance(block, Chunked) else block.branches(features)


class Probabilities(nn.Module):
    """Document 3 ends its forward in a softmax."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.net = module

    def forward(self, pictures: Tensor) -> Tensor:
        return self.net(pictures).softmax(dim=-1)


@pytest.mark.parametrize("target", [None, 3])
def test_the_score_is_the_logit_before_a_softmax(target: int | None) -> None:
    bare = inspected(Inspector(network(selective_net())), target)[0]
    ended = inspected(Inspector(network(Probabilities(selective_net()))), target)[0]
    assert ended.score == pytest.approx(bare.score, abs=1e-6)
    assert [p.index for p in ended.predictions] == [p.index for p in bare.predictions]
    assert [p.probability for p in ended.predictions] == pytest.approx([p.probability for p in bare.predictions], abs=1e-6)
    for one, other in zip((*ended.cams, ended.last_cam), (*bare.cams, bare.last_cam), strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-6)
        np.testing.assert_allclose(one.peak, other.peak, rtol=1e-5)
    for one, other in zip(ended.influence, bare.influence, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("pooled", [True, False])
def test_a_network_without_gates_has_its_last_map(pooled: bool) -> None:
    module = alive(Plain(16, pooled=pooled))
    inspector, peaks = Inspector(network(module, 16)), []
    for target in range(len(CLASSES)):
        inspection, picture = inspected(inspector, target)
        cam = inspection.last_cam
        assert cam is not None and (cam.path, cam.target) == ("", target) and inspection.cams == ()
        features = torch.relu(module.conv(picture)).detach().requires_grad_()
        score = module.linear(features.mean((2, 3)) if pooled else features.flatten(1))[0, target]
        (slope,) = torch.autograd.grad(score, features)
        expected = (slope.mean((2, 3), keepdim=True) * features.detach()).sum(1).relu()[0].numpy()
        assert_equal(cam, expected)
        peaks.append(expected.max())
    assert max(peaks) > 0


def test_a_maps_peak_is_its_own() -> None:
    raw = np.array([[[0.0, 2.0], [1.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]], np.float32)
    cam = cam_of("layer", "name", 1, raw)
    assert cam.peak.tolist() == [4, 0]
    assert cam.values.tolist() == [[[0, 0.5], [0.25, 1]], [[0, 0], [0, 0]]]


# ---- influence


def score_with(module: nn.Module, picture: Tensor, target: int, depth: int, factors: Tensor) -> float:
    """The score when the weights of one gate are multiplied."""
    seen: list[int] = []

    def edit(gate: Tensor) -> Tensor:
        seen.append(1)
        return gate * factors.reshape(1, *factors.shape, 1, 1) if len(seen) - 1 == depth else gate

    with torch.no_grad(), capture(module, edit=edit):
        return float(module(picture)[0, target])


def assert_influence(module: nn.Module, depth: int, target: int) -> None:
    """d score / d log weight by central differences, for the most and the least of the channels of each branch."""
    inspection, picture = inspected(Inspector(network(module.double())), target)
    influence = inspection.influence[depth][0]
    shape = influence.shape if inspection.sites[depth].kind == "branch" else influence.shape[1:]
    for branch, values in enumerate(influence):
        order = np.argsort(np.abs(values))
        for channel in (*order[-3:], order[len(order) // 2]):
            step = 1e-6  # so small that no rectifier changes sides
            nudged = []
            for sign in (1, -1):
                factors = torch.ones(influence.shape, dtype=torch.float64)
                factors[branch, channel] += sign * step
                nudged.append(score_with(module, picture, target, depth, factors.reshape(shape)))
            slope = (nudged[0] - nudged[1]) / (2 * step)
            assert values[channel] == pytest.approx(slope, rel=1e-2, abs=1e-5 * float(np.abs(influence).max()))
    assert np.abs(influence).max() > 1e-4


@pytest.mark.parametrize("target", [0, 3])
@pytest.mark.parametrize("depth", [0, 3, 5, 7])
@pytest.mark.parametrize("make", [se_net, selective_net])
def test_influence_is_the_scores_finite_difference(make: Callable[[], nn.Module], depth: int, target: int) -> None:
    assert_influence(make(), depth, target)


@pytest.mark.parametrize("excitation", ["tanh", "relu"])
def test_influence_of_other_excitations(excitation: str) -> None:
    assert_influence(se_net(excitation=excitation), 4, 1)


def test_each_picture_of_a_batch_has_its_own_map_and_influence() -> None:
    inspector = Inspector(network(se_net()))
    shown, targets = pictures(3, SIDE), [0, 4, None]
    together = inspector.inspect_batch(shown, targets)
    for picture, target, whole in zip(shown, targets, together, strict=True):
        (alone,) = inspector.inspect_batch([picture], [target])
        for one, other in zip(alone.influence, whole.influence, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5 * max(1, np.abs(one).max()))
        for one, other in zip((*alone.cams, alone.last_cam), (*whole.cams, whole.last_cam), strict=True):
            np.testing.assert_allclose(one.values, other.values, atol=1e-4)


# ---- nothing piles up


def live_tensors() -> list[Tensor]:
    return [found for found in gc.get_objects() if issubclass(type(found), Tensor)]


LOOKS = (10, 50, 100, 300, *((1000, 1999) if SLOW else ()))


def test_maps_leave_no_graph_and_no_tensor() -> None:
    module = alive(Classifier(InPlace()))
    inspector = Inspector(replace(network(module, 8), classes=("a", "b", "c", "d")))
    shown = pictures(10, 8)
    gc.collect()
    before = {id(found) for found in live_tensors()}
    counts = {}
    gc.disable()  # a cycle would keep a network's maps until the collector comes by: there must be none
    try:
        for n in range(LOOKS[-1] + 1):
            inspector.inspect_batch([shown[n % 10]], [n % 4])
            if n in LOOKS:
                counts[n] = len(live_tensors())
    finally:
        gc.enable()
    assert len(set(counts.values())) == 1, counts
    fresh = [found for found in live_tensors() if id(found) not in before]
    assert [found.shape for found in fresh if found.grad_fn is not None or found.requires_grad] == []
    for part in (module, inspector.module):
        assert all(p.grad is None for p in part.parameters())
