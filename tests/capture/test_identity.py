"""Every gate proves itself: output == input x weights, and the weights of branches sum to 1; where not, its site says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sevis.capture import capture, find_gates
from sevis.inspector import Inspector
from tests.foreign_modules import CHANNELS, Classifier, ExpandAs, Unbound, channel_cases, wrong_cases
from tests.tiny_networks import alive, batch, network, se_net, selective_net

WRONG = wrong_cases()
SQUARED = (
    "The gate's product is multiplied by its own input again: out * SE(out) is out^2 x s, which loses the map's sign. Write out = SE(out)."
)
RESIDUAL = "The gate's input is added to its product: x + x * g acts as a weight of 1 + g."
GAIN = "The gated map is multiplied by {} right after the gate: the weights that act are {} x those shown."
REASONS = {"squared": SQUARED, "x + x * g": RESIDUAL, "overwritten": RESIDUAL, "2 * x * g": GAIN.format(2, 2)}


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


@pytest.mark.parametrize("name", channel_cases())
def test_what_becomes_of_a_gated_map_is_said_with_its_reason(name: str) -> None:
    """Document 0 squares its map, timm's NFNets have a gain, MONAI adds the map: the weights alone do not show it."""
    module, _ = channel_cases()[name]
    pictures = {"1-D": (2, 3, 24), "3-D": (2, 3, 4, 5, 6)}.get(name, (2, 3, 8, 8))
    (site,) = find_gates(module, torch.randn(pictures))
    assert site.warning == REASONS.get(name, "")


AFTERWARDS = {
    "x * g / 0.5": (lambda se, x: se(x) / 0.5, GAIN.format(2, 2)),
    "(x * g).mul_(3)": (lambda se, x: se(x).mul_(3), GAIN.format(3, 3)),
    "0.2 * dropout(x * g)": (lambda se, x: 0.2 * F.dropout(se(x), training=False), GAIN.format(0.2, 0.2)),
    "x * (x * g)": (lambda se, x: x * se(x), SQUARED),
    "x.clone() + x * g": (lambda se, x: x.clone() + se(x), RESIDUAL),
    "both": (lambda se, x: 2 * (gated := se(x)) + (gated + x), f"{GAIN.format(2, 2)} {RESIDUAL}"),
    "1 * x * g": (lambda se, x: 1.0 * se(x), ""),
    "x * g + another": (lambda se, x: se(x) + x.relu(), ""),
    "x * g * another": (lambda se, x: se(x) * x.tanh(), ""),
    "2 * relu(x * g)": (lambda se, x: 2 * F.relu(se(x)), ""),
    "x * g + 1": (lambda se, x: se(x) + 1, ""),
}


class Then(nn.Module):
    """A gate and what is done to its output."""

    def __init__(self, then: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.se, self.then = ExpandAs(), then

    def forward(self, x: Tensor) -> Tensor:
        return self.then(self.se, x)


@pytest.mark.parametrize("name", AFTERWARDS)
def test_only_what_changes_the_weights_meaning_is_said(name: str) -> None:
    then, said = AFTERWARDS[name]
    (site,) = find_gates(alive(Classifier(Then(then))), batch(2, 8))
    assert (site.path, site.warning) == ("block.se", said)


def test_a_gain_after_a_selection_is_said_too() -> None:
    class Doubled(Unbound):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    (site,) = find_gates(alive(Classifier(Doubled())), batch(2, 8))
    assert (site.kind, site.warning) == ("branch", GAIN.format(2, 2))


@pytest.mark.parametrize(
    ("name", "axis"), [("chunk, softmax over channels", 2), ("chunk, softmax over pictures", 0), ("stack, softmax over channels", 2)]
)
def test_a_softmax_over_a_wrong_axis_is_named(name: str, axis: int) -> None:
    (site,) = find_gates(WRONG[name][0], batch(3, 8))
    assert f"Its softmax runs over axis {axis} of (3, 2, 8, 1" in site.warning and "does not hold the branches" in site.warning


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
