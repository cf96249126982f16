"""A pass over known sites follows less, and tells the same; a map is what was multiplied, whatever becomes of it later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sevis.capture.cams import explain
from sevis.capture.tracer import Tape, Watch
from sevis.nets.se_densenet import se_densenet
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "SE-ResNet": lambda: se_resnet(18, classes=3, width=0.125),
    "SE-DenseNet": lambda: se_densenet(classes=3),
    "SKNet": lambda: sk_net(26, classes=3, width=0.125, groups=4),
}
EVERYTHING = Watch(maps=True, gradients=True, head=True, proof=False, roots=True)


def told(module: nn.Module, pictures: Tensor, watch: Watch) -> list[np.ndarray]:
    """All numbers of a pass, gates and explanation."""
    with torch.enable_grad(), Tape(module, watch) as tape:
        output = module(pictures)
    explanation = explain(tape.found, tape.last_map(output), tape.logits(output)[:, 1])
    gates = [part for r in tape.records() for part in (r.squeeze, r.hidden, r.logits, r.weights, r.maps) if part is not None]
    assert explanation.last is not None
    return [*gates, *explanation.influence, *explanation.maps, explanation.last]


@pytest.mark.parametrize("name", NETWORKS)
def test_known_sites_tell_the_same(name: str) -> None:
    torch.manual_seed(0)
    module = NETWORKS[name]().eval().requires_grad_(False)
    pictures = torch.randn(2, 3, 64, 64)
    searched, known = (told(module, pictures, replace(EVERYTHING, known=known)) for known in (False, True))
    assert len(searched) == len(known) > 10
    assert all(np.array_equal(one, other) for one, other in zip(searched, known, strict=True))


class Gated(nn.Module):
    """One gate, multiplied in place or not; the map is overwritten afterwards where that is asked for."""

    def __init__(self, in_place: bool, overwrites: bool) -> None:
        super().__init__()
        self.stem, self.gate, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 4), nn.Linear(4, 2)
        self.in_place, self.overwrites = in_place, overwrites

    def forward(self, pictures: Tensor) -> Tensor:
        features = self.stem(pictures) + 0
        gate = self.gate(features.mean((2, 3))).sigmoid()[:, :, None, None]
        gated = features.mul_(gate) if self.in_place else features * gate
        if self.overwrites:
            features.zero_()
        return self.head(gated.mean((2, 3)))


@pytest.mark.parametrize(("in_place", "overwrites"), [(False, False), (True, False), (False, True)])
def test_the_map_is_what_was_multiplied(in_place: bool, overwrites: bool) -> None:
    torch.manual_seed(0)
    module, pictures = Gated(in_place, overwrites).requires_grad_(False), torch.randn(2, 3, 8, 8)
    with torch.enable_grad(), Tape(module, EVERYTHING) as tape:
        output = module(pictures)
    explanation = explain(tape.found, None, output[:, 1])
    (record,) = tape.records()
    assert record.maps is not None
    features, slope = module.stem(pictures), module.head.weight[1] / 36  # of the score by each place of the gated map
    assert np.allclose(record.maps[:, 0], features, atol=1e-6)
    weights = torch.from_numpy(record.weights[:, 0])
    assert np.allclose(explanation.influence[0][:, 0], slope * features.sum((2, 3)) * weights, atol=1e-6)
    cam = torch.einsum("c,nc,nchw->nhw", slope, weights, features).relu()
    assert np.allclose(explanation.maps[0], cam, atol=1e-6)


def test_half_precision_clips_instead_of_overflowing() -> None:
    module, pictures = Gated(in_place=False, overwrites=False), torch.full((1, 3, 8, 8), 1e6)
    with torch.no_grad(), Tape(module, Watch(maps=True, half=True)) as tape:
        module(pictures)
    (record,) = tape.records()
    assert record.maps is not None and record.maps.dtype == np.float16 and np.isfinite(record.maps).all()
    assert record.weights.dtype == np.float32
