"""A replay follows the calls that make the gates, and tells the same as the search; where a pass makes other calls, it says so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from sevis.capture.cams import explain
from sevis.capture.replay import Replay
from sevis.capture.route import Route
from sevis.capture.survey import survey, watched
from sevis.capture.tracer import Tape, Watch
from sevis.capture.twin import frozen_twin
from sevis.host import brought
from sevis.inspector import Inspector
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_densenet import se_densenet
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "SE-ResNet": lambda: se_resnet(18, classes=3, width=0.125),
    "SE-DenseNet": lambda: se_densenet(classes=3),
    "SKNet": lambda: sk_net(26, classes=3, width=0.125, groups=4),
    "softmax at the end": lambda: nn.Sequential(se_resnet(18, classes=3, width=0.125), nn.Softmax(dim=1)),
    "timm's in-place SE": lambda: timm.create_model("legacy_seresnet18"),
    "timm's SK": lambda: timm.create_model("skresnet18"),
}
EVERYTHING = Watch(maps=True, gradients=True, head=True, proof=False, roots=True)


def routed(module: nn.Module, pictures: Tensor) -> Route:
    """The route of a pass that is searched."""
    with torch.no_grad(), Tape(module, Watch(head=True, route=True)) as tape:
        output = module(pictures)
    route = tape.route(output)
    assert route is not None
    return route


def told(module: nn.Module, pictures: Tensor, tape: Tape | Replay) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All numbers of a pass: gates and maps, and the influence, which the search and a replay sum up in other orders."""
    with torch.enable_grad(), tape:
        output = module(pictures)
    (explanation,) = brought(explain(tape.found, tape.last_map(output), tape.logits(output)[:, 1]))
    gates = [part for r in tape.records() for part in (r.squeeze, r.hidden, r.logits, r.weights, r.maps) if part is not None]
    assert explanation.last is not None
    return [*gates, *explanation.maps, explanation.last], list(explanation.influence)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_replay_tells_what_the_search_tells(name: str) -> None:
    torch.manual_seed(0)
    module = NETWORKS[name]().eval().requires_grad_(False)
    route, pictures = routed(module, torch.randn(1, 3, 64, 64)), torch.randn(2, 3, 64, 64)
    (searched, summed), replay = told(module, pictures, Tape(module, EVERYTHING)), Replay(route, EVERYTHING)
    replayed, passed = told(module, pictures, replay)
    assert not replay.strayed
    assert len(searched) == len(replayed) > 10
    assert all(np.array_equal(one, other) for one, other in zip(searched, replayed, strict=True))
    assert all(np.abs(one - other).max() < 1e-5 * np.abs(one).max() for one, other in zip(summed, passed, strict=True))


OTHERS = {"efficientvit_m0": 224, "ese_vovnet19b_slim_dw": 64, "resnest14d": 64, "test_byobnet": 64, "test_coatnet": 160, "test_nfnet": 64}


@pytest.mark.parametrize("name", OTHERS)
def test_networks_of_others_are_replayed(name: str) -> None:
    module = frozen_twin(timm.create_model(name).eval())
    noise, pictures = torch.randn(1, 3, OTHERS[name], OTHERS[name]), torch.randn(2, 3, OTHERS[name], OTHERS[name])
    route = survey(module, module, noise).route
    with torch.enable_grad():
        _, tape = watched(module, module, pictures, route, EVERYTHING)
        with Tape(module, EVERYTHING) as searched:
            module(pictures)
    assert isinstance(tape, Replay) and tape.records()
    for one, other in zip(tape.records(), searched.records(), strict=True):
        assert all(np.array_equal(getattr(one, part), getattr(other, part)) for part in ("squeeze", "logits", "weights", "maps"))


class Fickle(nn.Module):
    """Its forward looks at its data: what is bright goes through all of it twice."""

    def __init__(self) -> None:
        super().__init__()
        self.body = se_resnet(18, classes=3, width=0.125)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.body(pictures) + (self.body(pictures) if pictures.mean() > 0 else 0)


@pytest.mark.parametrize("level", [0, 255])
def test_a_pass_with_other_calls_is_searched_anew(level: int) -> None:
    torch.manual_seed(0)
    inspector = Inspector(Network("fickle", Fickle().eval(), Preprocessing(64, 64, mean=(0.5,) * 3, std=(0.5,) * 3), tuple("abc")))
    batch = inspector.batch([inspector.tensor(np.full((64, 64, 3), level, np.uint8))])
    assert inspector.route is not None
    with torch.no_grad():
        _, tape = inspector.watched(batch, Watch(proof=False))
        with Tape(inspector.module, Watch(proof=False)) as searched:
            inspector.module(batch)
    for one, other in zip(tape.records(), searched.records(), strict=True):
        assert np.array_equal(one.weights, other.weights)
    assert {type(inspector.watched(batch * sign, Watch(proof=False))[1]) for sign in (1, -1)} == {Tape, Replay}


class Caching(Fickle):
    """What it makes in its first pass it has in the later ones, as some attention layers have their biases."""

    cache: Tensor | None = None

    def forward(self, pictures: Tensor) -> Tensor:
        if self.cache is None:
            self.cache = torch.zeros(()) + 0
        return self.body(pictures + self.cache)


def test_a_network_that_keeps_what_its_first_pass_made_is_replayed() -> None:
    inspector = Inspector(Network("caching", Caching().eval(), Preprocessing(64, 64), tuple("abc")))
    batch = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert isinstance(inspector.watched(batch, Watch(proof=False))[1], Replay)


def test_a_replay_that_is_cut_short_has_strayed() -> None:
    module = NETWORKS["SE-ResNet"]().eval()
    replay = Replay(routed(module, torch.randn(1, 3, 64, 64)), Watch(proof=False))
    with torch.no_grad(), replay:
        next(module.children())(torch.randn(1, 3, 64, 64))
    assert replay.strayed


def test_a_map_of_one_place_is_not_taken_for_the_gate_that_it_would_be_elsewhere() -> None:
    module, pictures = Gated(in_place=False, overwrites=False).eval(), torch.randn(1, 3, 8, 8)
    replay = Replay(routed(module, pictures), Watch(proof=False))
    with torch.no_grad(), replay:
        module(torch.randn(1, 3, 3, 3))
    assert replay.strayed


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


WATCHES: dict[str, Callable[[nn.Module, Tensor], Tape | Replay]] = {
    "searched": lambda module, pictures: Tape(module, EVERYTHING),
    "replayed": lambda module, pictures: Replay(routed(module, pictures), EVERYTHING),
}


@pytest.mark.parametrize("watch", WATCHES.values(), ids=WATCHES)
@pytest.mark.parametrize(("in_place", "overwrites"), [(False, False), (True, False), (False, True)])
def test_the_map_is_what_was_multiplied(in_place: bool, overwrites: bool, watch: Callable[[nn.Module, Tensor], Tape | Replay]) -> None:
    torch.manual_seed(0)
    module, pictures = Gated(in_place, overwrites).requires_grad_(False), torch.randn(2, 3, 8, 8)
    tape = watch(module, pictures)
    with torch.enable_grad(), tape:
        output = module(pictures)
    assert isinstance(tape, Tape) or not tape.strayed
    (explanation,) = brought(explain(tape.found, None, output[:, 1]))
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


class Overwritten(nn.Module):
    """Two gates of maps of one place; the second is written over by its own multiplication."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.second, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.stem(pictures).mean((2, 3), keepdim=True)
        x = x * self.first(x.mean((2, 3))).sigmoid()[:, :, None, None]
        gate = self.second(x.mean((2, 3))).sigmoid()[:, :, None, None] * 1.5
        return self.head(gate.mul_(x).mean((2, 3)))


def test_a_gate_that_its_multiplication_overwrites_has_its_own_influence() -> None:
    torch.manual_seed(0)
    module, pictures = Overwritten().requires_grad_(False), torch.randn(2, 3, 8, 8)
    searched, summed = told(module, pictures, Tape(module, EVERYTHING))
    replayed, passed = told(module, pictures, Replay(routed(module, pictures), EVERYTHING))
    features, slope = module.stem(pictures).mean((2, 3), keepdim=True), module.head.weight[1]
    first = module.first(features.mean((2, 3))).sigmoid()[:, :, None, None]
    second = module.second((features * first).mean((2, 3))).sigmoid()[:, :, None, None] * 1.5
    expected = slope[None, :] * (features * first * second)[:, :, 0, 0]
    assert all(np.array_equal(one, other) for one, other in zip(searched, replayed, strict=True))
    assert np.allclose(passed[1][:, 0], expected, atol=1e-6) and np.allclose(passed[0], summed[0], atol=1e-6)
