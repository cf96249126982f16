"""Watching a network leaves nothing on it: after success, after an error inside its forward, and after an early stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import sevis
from sevis.capture import find_gates
from sevis.inspector import Inspector
from sevis.loading import wrap
from sevis.nets.preprocessing import Preprocessing
from tests import footprint
from tests.tiny_networks import CLASSES, batch, network, pictures, se_net, selective_net

MAKERS = {"SE": se_net, "SK": selective_net}


class Failure(RuntimeError):
    """An error inside a forward."""


class Stop(BaseException):
    """What a server throws to end a run early; not an Exception."""


class Tripwire(nn.Module):
    """Lets its input through until it is told to raise."""

    def __init__(self) -> None:
        super().__init__()
        self.error: list[BaseException] = []  # a list: setting it is no new attribute

    def forward(self, x: Tensor) -> Tensor:
        if self.error:
            raise self.error[0]
        return x


class TripwireBackward(torch.autograd.Function):
    """Lets its input through, and raises on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise Failure("on the way back")


class RaisesBackward(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return TripwireBackward.apply(x)


def wired(make: Callable[[], nn.Module]) -> tuple[nn.Module, Tripwire]:
    """A network in train mode, with its gradients on, a user's hook, a frozen layer, and a tripwire in its middle."""
    module = make()
    wire = Tripwire()
    module.layer3.append(wire)
    module.train()
    module.layer1.eval()  # parts may differ in their modes
    module.stem.requires_grad_(False)
    module.linear.weight.grad = torch.ones_like(module.linear.weight)
    module.layer2.register_forward_hook(lambda part, given, made: None)
    return module, wire


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    before, process = footprint.of_module(module), footprint.of_process()
    yield
    assert footprint.of_module(module) == before
    assert footprint.of_process() == process


def wrapped(module: nn.Module) -> None:
    inspector = wrap(module, Preprocessing(16, 16), CLASSES)
    inspector.inspect_batch(pictures(2, 16), [None, "dog"])
    inspector.inspect(pictures(1, 16)[0])


def captured(module: nn.Module) -> None:
    with sevis.capture(module, maps=True, edit=lambda gate: gate * 0.5) as tape:
        module(batch(2, 16))
    tape.records()


def sought(module: nn.Module) -> None:
    find_gates(module, batch(2, 16))


ASKED: dict[str, Callable[[nn.Module], None]] = {"find_gates": sought, "capture": captured, "wrap": wrapped}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("ask", ["find_gates", "wrap"])
def test_nothing_after_success(ask: str, kind: str) -> None:
    module, _ = wired(MAKERS[kind])
    with unchanged(module):
        ASKED[ask](module)


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_after_a_capture(kind: str) -> None:
    """The forward is the user's own here: in train mode it updates its running statistics, so it runs in eval mode."""
    module, _ = wired(MAKERS[kind])
    module.eval()
    with unchanged(module):
        captured(module)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("error", [Failure("in the middle"), Stop()], ids=["an exception", "an early stop"])
@pytest.mark.parametrize("ask", ASKED)
def test_nothing_after(ask: str, error: BaseException, kind: str) -> None:
    module, wire = wired(MAKERS[kind])
    if ask == "capture":
        module.eval()
    wire.error.append(error)
    with unchanged(module), pytest.raises(type(error)):
        ASKED[ask](module)
    wire.error.clear()
    with unchanged(module):  # and the next one works
        ASKED[ask](module)


@pytest.mark.parametrize("error", [Failure("here"), Stop()], ids=["an exception", "an early stop"])
def test_an_inspector_goes_on_after(error: BaseException) -> None:
    """An Inspector whose pass was broken off gives the next caller the same numbers as before."""
    module, _ = wired(se_net)
    inspector = wrap(module, Preprocessing(16, 16), CLASSES)
    (wire,) = (part for part in inspector.module.modules() if isinstance(part, Tripwire))
    first = inspector.inspect_batch(pictures(1, 16), [None])[0]
    with unchanged(module), unchanged(inspector.module):
        wire.error.append(error)
        with pytest.raises(type(error)):
            inspector.inspect_batch(pictures(1, 16), [None])
        wire.error.clear()
        again = inspector.inspect_batch(pictures(1, 16), [None])[0]
    assert again.score == first.score
    assert all(np.array_equal(one.weights, other.weights) for one, other in zip(first.gates, again.gates, strict=True))


def test_nothing_after_an_error_on_the_way_back() -> None:
    module = se_net()
    module.layer4.append(RaisesBackward())
    inspector = Inspector(network(module, 16))
    with unchanged(module), unchanged(inspector.module), pytest.raises(Failure, match="on the way back"):
        inspector.inspect_batch(pictures(1, 16), [None])


def test_nothing_after_a_transform_that_raises() -> None:
    def transform(picture: object) -> Tensor:
        raise Failure("no tensor")

    module, _ = wired(se_net)
    with unchanged(module), pytest.raises(Failure):
        wrap(module, transform, CLASSES)


@pytest.mark.parametrize("outside", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_callers_gradient_mode_is_neither_needed_nor_changed(outside: Callable[[], Any]) -> None:
    inspector = Inspector(network(se_net(), 16))
    expected = inspector.inspect_batch(pictures(1, 16), [1])[0]
    with outside():
        mode = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        found = inspector.inspect_batch(pictures(1, 16), [1])[0]
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == mode
    assert all(np.array_equal(one, other) for one, other in zip(expected.influence, found.influence, strict=True))
    assert max(np.abs(values).max() for values in found.influence) > 0


# ---- the twin


def test_a_network_in_training_shows_its_newest_weights() -> None:
    module = se_net().train()
    inspector = wrap(module, Preprocessing(16, 16), CLASSES)
    before = inspector.inspect_batch(pictures(1, 16), [0])[0]
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    module(batch(4, 16)).square().sum().backward()
    optimizer.step()
    after = inspector.inspect_batch(pictures(1, 16), [0])[0]
    fresh = wrap(module, Preprocessing(16, 16), CLASSES).inspect_batch(pictures(1, 16), [0])[0]
    assert abs(after.score - before.score) > 1e-3
    assert after.score == fresh.score
    assert not np.allclose(before.gates[-1].weights, after.gates[-1].weights, atol=1e-4)
    assert module.training and all(p.requires_grad and p.grad is not None for p in module.parameters())


def test_the_twin_shares_the_storage_and_is_frozen() -> None:
    module = se_net().train()
    twin = Inspector(network(module)).module
    own, theirs = dict(twin.state_dict(keep_vars=True)), dict(module.state_dict(keep_vars=True))
    assert own.keys() == theirs.keys()
    assert all(own[name].data_ptr() == theirs[name].data_ptr() for name in own)
    assert not any(part.training for part in twin.modules()) and all(part.training for part in module.modules())
    assert not any(p.requires_grad for p in twin.parameters()) and all(p.requires_grad for p in module.parameters())


def test_training_goes_on_as_if_nobody_had_looked() -> None:
    """Two equal networks, one of them inspected between its steps: equal to the last bit."""
    looked_at, alone = se_net().train(), se_net().train()
    inspector = wrap(looked_at, Preprocessing(16, 16), CLASSES)
    for module in (looked_at, alone):
        optimizer = torch.optim.SGD(module.parameters(), 0.05, momentum=0.9)
        for step in range(3):
            optimizer.zero_grad()
            module(batch(4, 16, seed=step)).square().mean().backward()
            if module is looked_at:
                inspector.inspect_batch(pictures(1, 16), [step])
                find_gates(looked_at, batch(2, 16))
            optimizer.step()
    for name, values in alone.state_dict().items():
        assert torch.equal(looked_at.state_dict()[name], values), name


def test_what_cannot_be_copied_is_refused_in_a_sentence() -> None:
    module = se_net()
    module.generator = (n for n in ())
    with pytest.raises(TypeError, match=r"ResNet cannot be copied .*generator.*__deepcopy__"):
        wrap(module, Preprocessing(16, 16), CLASSES)
