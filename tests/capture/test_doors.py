"""A network whose gates are parts of their own is looked at only there, and tells what a look at the whole pass tells."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from sevis.capture.doors import Door, Part, put_doors, visits
from sevis.capture.replay import Replay
from sevis.capture.survey import Survey, survey, watched
from sevis.capture.tracer import Tape, Watch
from sevis.capture.twin import frozen_twin
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from tests.capture.test_replay import EVERYTHING, told

PARTS: dict[str, Callable[[], nn.Module]] = {
    "SE-ResNet": lambda: se_resnet(18, classes=3, width=0.125),
    "SKNet": lambda: sk_net(26, classes=3, width=0.125, groups=4),
    "softmax at the end": lambda: nn.Sequential(se_resnet(18, classes=3, width=0.125), nn.Softmax(dim=1)),
    "timm's in-place SE": lambda: timm.create_model("legacy_seresnet18"),
    "timm's SK": lambda: timm.create_model("skresnet18"),
}


def surveyed(build: Callable[[], nn.Module]) -> tuple[nn.Module, Survey]:
    torch.manual_seed(0)
    module = frozen_twin(build().eval())
    noise = torch.randn(1, 3, 64, 64)
    return module, survey(module, lambda: module(noise))


@pytest.mark.parametrize("name", PARTS)
def test_the_parts_tell_what_the_search_tells(name: str) -> None:
    module, found = surveyed(PARTS[name])
    route, pictures = found.route, torch.randn(2, 3, 64, 64)
    assert route is not None and 0 < len(route.gate_visits) <= len(route.head_visits)
    replay = Replay(route, EVERYTHING, within=route.head_visits)
    (searched, summed), (replayed, passed) = told(module, pictures, Tape(module, EVERYTHING)), told(module, pictures, replay)
    assert not replay.strayed and len(searched) == len(replayed) > 10
    assert all(np.array_equal(one, other) for one, other in zip(searched, replayed, strict=True))
    assert all(np.abs(one - other).max() < 1e-5 * np.abs(one).max() for one, other in zip(summed, passed, strict=True))


@pytest.mark.parametrize("name", PARTS)
def test_less_than_the_whole_pass_is_looked_at(name: str) -> None:
    route = surveyed(PARTS[name])[1].route
    assert route is not None
    calls = sum((visit.part.end - visit.part.first) * (1 if visit.looks else -1) for visit in route.gate_visits)
    assert calls < 0.5 * len(route.steps)
    for gate in route.gates:
        seen = [visit.looks for visit in route.gate_visits if any(visit.part.holds([number]) for number in gate.numbers)]
        assert seen == [True]


class Between(nn.Module):
    """What is bright goes through a layer more, before its first gate."""

    def __init__(self) -> None:
        super().__init__()
        self.body = se_resnet(18, classes=3, width=0.125)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.body(pictures.relu() if pictures.mean() > 0 else pictures)


@pytest.mark.parametrize("sign", [1, -1])
def test_other_calls_between_the_parts_do_not_matter(sign: int) -> None:
    module, found = surveyed(Between)
    pictures = sign * torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        _, tape = watched(module, lambda: module(pictures), found.route, Watch(proof=False))
        with Tape(module, Watch(proof=False)) as searched:
            module(pictures)
    assert isinstance(tape, Replay)
    assert all(np.array_equal(one.weights, other.weights) for one, other in zip(tape.records(), searched.records(), strict=True))


class Skips(nn.Module):
    """What is bright goes past the first gate."""

    def __init__(self) -> None:
        super().__init__()
        self.body = se_resnet(18, classes=3, width=0.125)

    def forward(self, pictures: Tensor) -> Tensor:
        body, first = self.body, self.body.layer1[0]
        x = body.stem(pictures)
        x = body.layer1[1](x if pictures.mean() > 0 else first(x))
        return body.linear(body.layer4(body.layer3(body.layer2(x))).mean((2, 3)))


@pytest.mark.parametrize(("sign", "kind", "gates"), [(1, Tape, 7), (-1, Replay, 8)])
def test_a_pass_that_leaves_a_part_out_is_searched_anew(sign: int, kind: type, gates: int) -> None:
    torch.manual_seed(0)
    module = frozen_twin(Skips().eval())
    dark = -torch.rand(1, 3, 64, 64)
    found = survey(module, lambda: module(dark))
    with torch.no_grad():
        _, tape = watched(module, lambda: module(sign * torch.rand(2, 3, 64, 64)), found.route, Watch(proof=False))
    assert type(tape) is kind and len(tape.records()) == gates


def test_gates_in_the_network_s_own_forward_take_the_whole_pass() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.gate, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, pictures: Tensor) -> Tensor:
            features = self.stem(pictures)
            return self.head((features * self.gate(features.mean((2, 3))).sigmoid()[:, :, None, None]).mean((2, 3)))

    module, found = surveyed(Bare)
    assert found.route is not None and [visit.part.path for visit in found.route.gate_visits] == [""]
    with torch.no_grad():
        assert len(watched(module, lambda: module(torch.randn(1, 3, 64, 64)), found.route, Watch(proof=False))[1].records()) == 1


def test_every_thread_has_its_own_look() -> None:
    module, found = surveyed(PARTS["SE-ResNet"])
    pictures = torch.randn(8, 1, 3, 64, 64)
    with torch.no_grad():
        alone = [watched(module, lambda: module(each), found.route, Watch(proof=False))[1].records() for each in pictures]  # noqa: B023
    told_by: dict[int, object] = {}

    def look(n: int) -> None:
        with torch.no_grad():
            for _ in range(5):
                kinds = watched(module, lambda: module(pictures[n]), found.route, Watch(proof=False))
                told_by[n] = kinds[1].records() if n % 2 else module(pictures[n])  # every other one looks at nothing

    threads = [threading.Thread(target=look, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(1, 8, 2):
        assert all(np.array_equal(one.weights, other.weights) for one, other in zip(told_by[n], alone[n], strict=True))  # type: ignore[call-overload]


def test_a_copy_of_a_network_with_doors_is_looked_at_by_itself() -> None:
    module, found = surveyed(PARTS["SE-ResNet"])
    twin = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(2)
        pictures = torch.randn(1, 3, 64, 64)
        _, tape = watched(twin, lambda: twin(pictures), found.route, Watch(proof=False))
        with Tape(twin, Watch(proof=False)) as searched:
            twin(pictures)
    assert isinstance(tape, Replay)
    assert all(np.array_equal(one.weights, other.weights) for one, other in zip(tape.records(), searched.records(), strict=True))


def test_a_door_is_put_once() -> None:
    module = nn.Sequential(nn.ReLU())
    put_doors(module, ["0"])
    door = module[0].forward
    put_doors(module, ["0"])
    assert module[0].forward is door and isinstance(door, Door)


RUNS = (Part("a.gate", 2, 4), Part("a.body", 4, 8), Part("a", 1, 8), Part("b", 8, 10), Part("a", 10, 12), Part("", 0, 13))


@pytest.mark.parametrize(
    ("needed", "looked_at", "passed_by"),
    [
        ([(2, 3)], [(2, 4)], []),
        ([(1, 2)], [(1, 8), (10, 12)], [(4, 8)]),  # every run of a module is looked at: its door cannot tell them apart
        ([(2, 3), (1,)], [(1, 8), (10, 12)], [(4, 8)]),  # a part inside another is not looked at twice
        ([(1, 4)], [(1, 8), (10, 12)], []),  # what is needed is not passed by; what is short is not worth a door
        ([(2, 9)], [(0, 13)], [(4, 8)]),
        ([(2, 13)], [], []),
        ([], [], []),
    ],
)
def test_the_smallest_parts_that_hold_what_is_needed(
    needed: list[tuple[int, ...]], looked_at: list[tuple[int, int]], passed_by: list[tuple[int, int]]
) -> None:
    found = visits(RUNS, needed)
    assert [(visit.part.first, visit.part.end) for visit in found if visit.looks] == looked_at
    assert [(visit.part.first, visit.part.end) for visit in found if not visit.looks] == passed_by
