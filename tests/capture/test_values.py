"""What the tracer reads off our own networks equals the papers' formulas, restated in NumPy from the state dict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sevis.capture import capture, find_gates
from sevis.records import GateRecord
from tests import papers_in_numpy as papers
from tests.tiny_networks import batch, se_net, selective_net

TOLERANCE = 1e-5  # of the largest value, of 1 where all are smaller
NAMES_18 = ["SE_2_1", "SE_2_2", "SE_3_1", "SE_3_2", "SE_4_1", "SE_4_2", "SE_5_1", "SE_5_2"]
NAMES_50 = [f"SE_{stage}_{block}" for stage, count in ((2, 3), (3, 4), (4, 6), (5, 3)) for block in range(1, count + 1)]


def records_of(module: nn.Module, pictures: torch.Tensor, **options: Any) -> tuple[GateRecord, ...]:
    with torch.no_grad(), capture(module, **options) as tape:
        module(pictures)
    return tape.records()


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float = TOLERANCE) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


def assert_equal(record: GateRecord, gate: papers.Gate) -> None:
    assert record.site.path == gate.path
    assert record.hidden is not None and record.maps is not None
    for name in ("squeeze", "hidden", "logits", "weights", "maps"):
        found, expected = getattr(record, name), getattr(gate, name)
        assert found.dtype == np.float32, name
        assert_close(found, expected)
    assert_close(record.gated, gate.output)


SE_VARIANTS = {
    "as the paper": {},
    "max": {"squeeze": "max"},
    "tanh": {"excitation": "tanh"},
    "relu": {"excitation": "relu"},
    "max and tanh": {"squeeze": "max", "excitation": "tanh"},
    "before the branch": {"integration": "pre"},
    "after the addition": {"integration": "post"},
    "on the shortcut": {"integration": "identity"},
}


@pytest.mark.parametrize("variant", SE_VARIANTS)
def test_se_gates_are_the_papers(variant: str) -> None:
    options = SE_VARIANTS[variant]
    module, pictures = se_net(**options), batch(3, 16)
    _, expected = papers.se_resnet(module, pictures, **options)
    found = records_of(module, pictures, maps=True)
    assert len(found) == len(expected) == 8
    for record, gate in zip(found, expected, strict=True):
        assert_equal(record, gate)
    weights = np.concatenate([record.weights.ravel() for record in found])
    assert weights.std() > 0.05  # a comparison of constants would prove nothing
    assert {record.site.activation for record in found} == {options.get("excitation", "sigmoid")}


def test_bottleneck_gates_are_the_papers() -> None:
    module, pictures = se_net(50), batch(2, 16)
    _, expected = papers.se_resnet(module, pictures)
    found = records_of(module, pictures, maps=True)
    assert [record.site.name for record in found] == NAMES_50
    for record, gate in zip(found, expected, strict=True):
        assert_equal(record, gate)


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("branches", [2, 3])
def test_sk_selections_are_the_papers(branches: int, stem: str) -> None:
    module, pictures = selective_net(branches=branches, stem=stem), batch(2, 16 if stem == "cifar" else 64)
    _, expected = papers.sk_net(module, pictures, groups=4)
    found = records_of(module, pictures, maps=True)
    assert len(found) == len(expected) == 8
    for record, gate in zip(found, expected, strict=True):
        assert_equal(record, gate)
        assert_close(record.weights.sum(axis=1), np.ones((2, record.site.channels)), 1e-6)
    assert np.concatenate([record.weights[:, 0].ravel() for record in found]).std() > 0.05


def test_se_sites_are_named_as_in_the_paper() -> None:
    sites = find_gates(se_net(), batch(2, 16))
    assert [site.name for site in sites] == NAMES_18
    assert [site.path for site in sites] == [f"layer{stage}.{block}.se" for stage in (1, 2, 3, 4) for block in (0, 1)]
    assert [site.depth for site in sites] == list(range(8))
    assert [site.channels for site in sites] == [8, 8, 16, 16, 32, 32, 64, 64]
    assert {(site.kind, site.activation, site.branches, site.warning) for site in sites} == {("channel", "sigmoid", ("gate",), "")}


def test_sk_sites_are_named_as_in_the_paper() -> None:
    sites = find_gates(selective_net(), batch(2, 16))
    assert [site.name for site in sites] == [name.replace("SE", "SK") for name in NAMES_18]
    assert [site.path for site in sites] == [f"layer{stage}.{block}.branch.3" for stage in (1, 2, 3, 4) for block in (0, 1)]
    assert [site.depth for site in sites] == list(range(8))
    assert [site.channels for site in sites] == [16, 16, 32, 32, 64, 64, 128, 128]
    assert {(site.kind, site.activation, site.branches, site.warning) for site in sites} == {("branch", "softmax", ("3x3", "5x5"), "")}


def test_three_branches_are_named_by_their_kernels() -> None:
    assert {site.branches for site in find_gates(selective_net(branches=3), batch(2, 16))} == {("3x3", "5x5", "7x7")}


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_maps_are_kept_only_when_asked_for(make: Any) -> None:
    record = records_of(make(), batch(1, 16))[0]
    assert record.maps is None
    with pytest.raises(ValueError, match="maps=True"):
        _ = record.gated


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_watching_changes_no_output(make: Any) -> None:
    module, pictures = make(), batch(2, 16)
    with torch.no_grad():
        alone = module(pictures)
        with capture(module, maps=True):
            watched = module(pictures)
    assert torch.equal(alone, watched)


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_one_picture_at_a_time_gives_the_batchs_values(make: Any) -> None:
    module, pictures = make(), batch(3, 16)
    together = records_of(module, pictures)
    for n in range(3):
        for alone, whole in zip(records_of(module, pictures[n : n + 1]), together, strict=True):
            for name in ("squeeze", "hidden", "logits", "weights"):
                assert_close(getattr(alone, name), getattr(whole, name)[n : n + 1])


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_an_edit_replaces_every_gate_and_what_follows(make: Any) -> None:
    """With every weight set to 1 the record says so, and the logits are those of a network without gates."""
    module, pictures = make(), batch(2, 16)
    with torch.no_grad(), capture(module, edit=torch.ones_like) as tape:
        edited = module(pictures)
    assert all((record.weights == 1).all() for record in tape.records())
    bare = make()
    for part in bare.modules():
        if hasattr(part, "expand"):
            part._excitation = torch.ones_like
        if hasattr(part, "select"):
            part.forward = lambda x, part=part: sum(branch(x) for branch in part.branches)
    with torch.no_grad():
        expected = bare(pictures)
        assert not torch.allclose(expected, module(pictures), atol=1e-2)
    torch.testing.assert_close(edited, expected, rtol=1e-5, atol=1e-5)


HALVES = {"float16": (torch.float16, 1e-2), "bfloat16": (torch.bfloat16, 5e-2)}


@pytest.mark.parametrize("make", [se_net, selective_net])
@pytest.mark.parametrize("precision", HALVES)
def test_half_precision_gives_nearly_the_same_in_float32(precision: str, make: Any) -> None:
    dtype, tolerance = HALVES[precision]
    pictures = batch(2, 16)
    exact = records_of(make(), pictures)
    halved = records_of(make().to(dtype), pictures.to(dtype))
    assert len(exact) == len(halved)
    for one, other in zip(exact, halved, strict=True):
        assert one.site.name == other.site.name and other.site.warning == ""
        for name in ("squeeze", "hidden", "logits", "weights"):
            assert getattr(other, name).dtype == np.float32
        assert_close(other.weights, one.weights, tolerance)
        assert_close(other.squeeze, one.squeeze, tolerance)


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_channels_last_gives_the_same(make: Any) -> None:
    pictures = batch(2, 16)
    usual = records_of(make(), pictures, maps=True)
    last = records_of(make().to(memory_format=torch.channels_last), pictures.to(memory_format=torch.channels_last), maps=True)
    for one, other in zip(usual, last, strict=True):
        assert one.site == other.site
        for name in ("squeeze", "hidden", "logits", "weights", "maps"):
            assert_close(getattr(other, name), getattr(one, name))
