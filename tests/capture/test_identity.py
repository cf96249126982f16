"""Every gate proves itself: output == input x weights, and the weights of branches sum to 1; where not, its site says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sevis.capture import capture, find_gates
from sevis.inspector import Inspector
from tests.foreign_modules import CHANNELS, wrong_cases
from tests.tiny_networks import batch, network, se_net, selective_net

WRONG = wrong_cases()


def outputs_of(module: nn.Module, pictures: Tensor, paths: list[str]) -> dict[str, Tensor]:
    """What modules give, by hooks: independent of the tracer."""
    kept: dict[str, Tensor] = {}
    parts = dict(module.named_modules())
    handles = [parts[path].register_forward_hook(lambda _m, _i, made, path=path: kept.update({path: made.clone()})) for path in paths]
    with torch.no_grad():
        module(pictures)
    for handle in handles:
        handle.remove()
    return kept


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_the_block_gives_input_times_weights(make: type[nn.Module]) -> None:
    module, pictures = make(), batch(2, 16)
    with torch.no_grad(), capture(module, maps=True) as tape:
        module(pictures)
    records = tape.records()
    made = outputs_of(module, pictures, [record.site.path for record in records])
    for record in records:
        assert record.maps is not None
        product = (record.maps * record.weights[..., None, None]).sum(axis=1)
        np.testing.assert_allclose(product, made[record.site.path].numpy(), atol=1e-5)
        if record.site.kind == "branch":
            np.testing.assert_allclose(record.weights.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_selection_is_shown_with_a_warning(name: str) -> None:
    (module, said), pictures = WRONG[name], batch(3, 8)
    (site,) = find_gates(module, pictures)
    assert (site.kind, site.channels, len(site.branches)) == ("branch", CHANNELS, 2)
    assert said in site.warning and site.warning.endswith(".")
    with torch.no_grad(), capture(module) as tape:
        module(pictures)
    (record,) = tape.records()
    expected = module.block.expected(module.features(pictures)).detach().numpy()
    np.testing.assert_allclose(record.weights, expected, atol=1e-5)
    assert record.logits.shape == expected.shape
    if "sum to 1" in said:
        assert f"{np.abs(expected.sum(axis=1) - 1).max():.2g}" in site.warning


@pytest.mark.parametrize("name", [name for name in WRONG if "softmax over" in name])
@pytest.mark.parametrize("count", [2, 3])
def test_the_logits_of_a_wrong_softmax_keep_their_places(name: str, count: int) -> None:
    """Also with as many pictures as branches, where the axes could be taken for one another."""
    module, pictures = WRONG[name][0], batch(count, 8)
    with torch.no_grad(), capture(module) as tape:
        module(pictures)
    (record,) = tape.records()
    axis = {"pictures": 0, "channels": 2}[name.rsplit(" ", 1)[1]]
    np.testing.assert_allclose(record.weights, torch.from_numpy(record.logits).softmax(dim=axis), atol=1e-6)


def test_the_warning_reaches_the_inspection() -> None:
    module, said = WRONG["chunk, doubled"]
    wrapped = replace(network(module), classes=("a", "b", "c", "d"))
    inspector = Inspector(wrapped)
    assert len(inspector.warnings) == 1 and said in inspector.warnings[0] and inspector.sites[0].name in inspector.warnings[0]
    (inspection,) = inspector.inspect_batch([np.zeros((32, 32, 3), np.uint8)], [None])
    assert inspection.warnings == inspector.warnings
    assert inspection.sites == inspector.sites


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_a_sound_network_carries_no_warning(make: type[nn.Module]) -> None:
    module = make()
    assert {site.warning for site in find_gates(module, batch(2, 16))} == {""}
    assert Inspector(network(module)).warnings == ()
