"""A network whose gates are parts of their own is looked at only there, and tells what a look at the whole pass tells."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from sevis.capture.doors import Door, Part, put_doors, tour_of
from sevis.capture.replay import Replay
from sevis.capture.survey import Survey, survey, watched
from sevis.capture.tracer import Tape, Watch
from sevis.capture.twin import frozen_twin
from sevis.loading import load
from sevis.nets import zoo
from sevis.nets.blocks import SqueezeExcitation
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from tests import footprint
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
    return module, survey(module, module, noise)


@pytest.mark.parametrize("name", PARTS)
def test_the_parts_tell_what_the_search_tells(name: str) -> None:
    module, found = surveyed(PARTS[name])
    route, pictures = found.route, torch.randn(2, 3, 64, 64)
    assert route is not None and 0 < len(route.gate_tour) <= len(route.head_tour)
    replay = Replay(route, EVERYTHING, tour=route.head_tour)
    (searched, summed), (replayed, passed) = told(module, pictures, Tape(module, EVERYTHING)), told(module, pictures, replay)
    assert not replay.strayed and len(searched) == len(replayed) > 10
    assert all(np.array_equal(one, other) for one, other in zip(searched, replayed, strict=True))
    assert all(np.abs(one - other).max() < 1e-5 * np.abs(one).max() for one, other in zip(summed, passed, strict=True))


@pytest.mark.parametrize("name", PARTS)
def test_less_than_the_whole_pass_is_looked_at(name: str) -> None:
    route = surveyed(PARTS[name])[1].route
    assert route is not None
    calls = sum((stop.part.end - stop.part.first) * (1 if stop.looks else -1) for stop in route.gate_tour)
    assert calls < 0.5 * len(route.steps)
    for gate in route.gates:
        seen = [stop.looks for stop in route.gate_tour if any(stop.part.holds([number]) for number in gate.numbers)]
        assert seen == [True]


class Between(nn.Module):
    """What is bright goes through more, outside every gate: a layer before them all, or one after them all."""

    def __init__(self, after: bool) -> None:
        super().__init__()
        self.body, self.more, self.after = se_resnet(18, classes=3, width=0.125), nn.Conv2d(64, 64, 3, padding=1), after

    def forward(self, pictures: Tensor) -> Tensor:
        body, is_bright = self.body, pictures.mean() > 0
        x = body.stem(pictures.relu() if is_bright and not self.after else pictures)
        x = body.layer4(body.layer3(body.layer2(body.layer1(x))))
        return body.linear((self.more(x) if is_bright and self.after else x).mean((2, 3)))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_network_that_looks_at_its_data_is_watched_whole(sign: int, after: bool) -> None:
    torch.manual_seed(0)
    module = frozen_twin(Between(after).eval())
    noise = torch.rand(1, 3, 64, 64)
    found = survey(module, module, noise, -noise)
    assert found.route is not None and found.route.gate_tour == found.route.head_tour == ()
    pictures = sign * torch.rand(2, 3, 64, 64)
    with torch.enable_grad():
        output, tape = watched(module, module, pictures, found.route, EVERYTHING)
        with Tape(module, EVERYTHING) as searched:
            module(pictures)
    assert type(tape) is (Replay if sign > 0 else Tape)
    last, other = tape.last_map(output), searched.last_map(output)
    assert last is not None and other is not None and torch.equal(last.values, other.values)


@pytest.mark.parametrize("name", zoo.shipped())
def test_the_networks_that_ship_are_looked_at_in_parts(name: str) -> None:
    route = load(name, "cpu").route
    assert route is not None and route.gate_tour and route.head_tour


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
    found = survey(module, module, dark)
    with torch.no_grad():
        _, tape = watched(module, module, sign * torch.rand(2, 3, 64, 64), found.route, Watch(proof=False))
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
    assert found.route is not None and [stop.part.path for stop in found.route.gate_tour] == [""]
    with torch.no_grad():
        assert len(watched(module, module, torch.randn(1, 3, 64, 64), found.route, Watch(proof=False))[1].records()) == 1


def test_every_thread_has_its_own_look() -> None:
    module, found = surveyed(PARTS["SE-ResNet"])
    pictures = torch.randn(8, 1, 3, 64, 64)
    with torch.no_grad():
        alone = [watched(module, module, each, found.route, Watch(proof=False))[1].records() for each in pictures]
    told_by: dict[int, object] = {}

    def look(n: int) -> None:
        with torch.no_grad():
            for _ in range(5):
                kinds = watched(module, module, pictures[n], found.route, Watch(proof=False))
                told_by[n] = kinds[1].records() if n % 2 else module(pictures[n])  # every other one looks at nothing

    threads = [threading.Thread(target=look, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(1, 8, 2):
        assert all(np.array_equal(one.weights, other.weights) for one, other in zip(told_by[n], alone[n], strict=True))  # type: ignore[call-overload]


COPIES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "deep": copy.deepcopy,
    "pickled": lambda module: pickle.loads(pickle.dumps(module)),
    "shallow": copy.copy,
    "a twin's twin": frozen_twin,
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_a_part_is_a_part_of_its_own(how: str) -> None:
    part = surveyed(PARTS["SE-ResNet"])[0].get_submodule("layer1.0.se")
    twin, pictures = COPIES[how](part), torch.randn(1, 8, 5, 5)
    assert type(part) is type(twin) is SqueezeExcitation
    with torch.no_grad():
        assert torch.equal(twin(pictures), part(pictures))
        twin._modules = {name: nn.Identity() for name in twin._modules}
        assert not torch.equal(twin(pictures), part(pictures))


def doors(module: nn.Module) -> list[str]:
    """The paths of the parts that have one."""
    return [path for path, part in module.named_modules() if any(_is_door(hook) for hook in part._forward_pre_hooks.values())]


def _is_door(hook: object) -> bool:
    return isinstance(getattr(hook, "__self__", None), Door)


def test_a_network_with_doors_inside_another_is_looked_at_in_parts_again() -> None:
    inner, _ = surveyed(PARTS["SE-ResNet"])
    before = doors(inner)
    module, found = surveyed(lambda: nn.Sequential(inner, nn.Softmax(dim=1)))
    assert found.route is not None and all(stop.part.path.startswith("0.layer") for stop in found.route.gate_tour)
    assert doors(module[0]) == before and doors(inner) == before  # type: ignore[index]
    with torch.no_grad():
        assert isinstance(watched(module, module, torch.randn(1, 3, 64, 64), found.route, Watch(proof=False))[1], Replay)


def test_who_asks_for_the_class_of_a_part_gets_its_own() -> None:
    class Asks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = se_resnet(18, classes=3, width=0.125)

        def forward(self, pictures: Tensor) -> Tensor:
            assert all(type(part) is SqueezeExcitation for part in self.body.modules() if isinstance(part, SqueezeExcitation))
            return self.body(pictures)

    found = surveyed(Asks)[1]
    assert found.route is not None and found.route.gate_tour


def test_doors_are_put_once_and_taken_off() -> None:
    module = nn.Sequential(nn.ReLU(), nn.ReLU())
    module[0].register_forward_hook(lambda part, given, made: None)
    put_doors(module, ["0", "1"])
    put_doors(module, ["1"])
    assert doors(module) == ["1"] and len(module[0]._forward_hooks) == 1
    put_doors(module, ())
    assert doors(module) == [] and not module[1]._forward_hooks and not module[1]._forward_hooks_always_called


class Raises(nn.Module):
    """Raises where the gate has been pooled, if it is told to; what it computes goes on where that is caught."""

    error: BaseException | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.error is not None:
            raise self.error
        return x


@pytest.mark.parametrize("error", [RuntimeError("inside"), KeyboardInterrupt()], ids=["an exception", "an interrupt"])
def test_a_part_that_is_broken_off_leaves_nothing_behind(error: BaseException) -> None:
    torch.manual_seed(0)
    whole = se_resnet(18, classes=3, width=0.125).eval()
    whole.layer2[0].se.reduce = nn.Sequential(whole.layer2[0].se.reduce, Raises())  # type: ignore[union-attr, operator]
    module = frozen_twin(whole)
    pictures = torch.randn(1, 3, 64, 64)
    found = survey(module, module, pictures)
    assert found.route is not None and found.route.gate_tour
    (wire,) = (part for part in module.modules() if isinstance(part, Raises))
    with torch.no_grad():
        before = watched(module, module, pictures, found.route, Watch(proof=False))[1].records()
        wire.error = error
        with footprint_kept(), pytest.raises(type(error)):
            watched(module, module, pictures, found.route, Watch(proof=False))
        wire.error = None
        after = watched(module, module, pictures, found.route, Watch(proof=False))[1]
    assert isinstance(after, Replay)
    assert all(np.array_equal(one.weights, other.weights) for one, other in zip(before, after.records(), strict=True))


@contextmanager
def footprint_kept() -> Iterator[None]:
    before = footprint.of_process()
    yield
    assert footprint.of_process() == before


@pytest.mark.parametrize("tour", [True, False])
def test_what_is_dropped_is_free_at_once(tour: bool) -> None:
    """A network that is evicted, and a pass that is over, wait for no collection of garbage."""
    module, found = surveyed(PARTS["SE-ResNet"])
    assert found.route is not None
    gc.collect()
    gc.disable()
    try:
        weights = weakref.ref(module.get_submodule("layer1.0.se"))
        replay = Replay(found.route, Watch(proof=False), tour=found.route.gate_tour if tour else ())
        with torch.no_grad(), replay:
            module(torch.randn(1, 3, 64, 64))
        gone = weakref.ref(replay)
        del replay, module
        assert gone() is None and weights() is None
    finally:
        gc.enable()


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
    found = tour_of(RUNS, needed)
    assert [(stop.part.first, stop.part.end) for stop in found if stop.looks] == looked_at
    assert [(stop.part.first, stop.part.end) for stop in found if not stop.looks] == passed_by
