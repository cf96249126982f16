"""Networks in DataParallel and torch.compile: unwrapped for the trace wherever they are wrapped, or refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sevis.capture import capture, find_gates, unwrapped
from sevis.capture.twin import frozen_twin
from sevis.inspector import Inspector
from tests.tiny_networks import batch, network, pictures, se_net, short


def compiled(module: nn.Module) -> nn.Module:
    """The module as torch.compile wraps it; nothing is compiled before its first call."""
    return torch.compile(module, backend="eager")


def compiled_in_place(module: nn.Module) -> nn.Module:
    module.compile(backend="eager")
    return module


def deep(wrap: Callable[[nn.Module], nn.Module]) -> Callable[[nn.Module], nn.Module]:
    """Wraps a stage and a gate inside another one."""

    def wrapped(module: nn.Module) -> nn.Module:
        module.layer2 = wrap(module.layer2)
        module.layer3[0].se = wrap(module.layer3[0].se)
        return module

    return wrapped


WRAPPED: dict[str, Callable[[nn.Module], nn.Module]] = {
    "DataParallel": nn.DataParallel,
    "compile": compiled,
    "compile()": compiled_in_place,
    "DataParallel inside": deep(nn.DataParallel),
    "compile inside": deep(compiled),
    "compile() inside": deep(compiled_in_place),
    "each in the other": lambda module: nn.DataParallel(compiled(deep(compiled)(deep(nn.DataParallel)(module)))),
}
HIDING = [name for name in WRAPPED if not name.startswith("DataParallel")]


def state(module: nn.Module) -> dict[str, tuple[int, bool, list[str]]]:
    """What each part is and holds; the wrappers' forward is no method, which is why this is no footprint."""
    return {
        path: (id(part), part.training, [*sorted(vars(part)), *(f"{name} {id(p)}" for name, p in part.named_parameters(recurse=False))])
        for path, part in module.named_modules()
    }


def wrapped(name: str) -> tuple[nn.Module, nn.Module]:
    """A network, and an equal one that is wrapped."""
    return short(se_net()), WRAPPED[name](short(se_net()))


@pytest.mark.parametrize("name", WRAPPED)
def test_its_gates_are_those_of_the_network_inside(name: str) -> None:
    bare, module = wrapped(name)
    before = state(module)
    assert find_gates(module, batch(2, 16)) == find_gates(bare, batch(2, 16))
    assert state(module) == before


@pytest.mark.parametrize("name", WRAPPED)
def test_an_inspector_sees_through_it(name: str) -> None:
    bare, module = wrapped(name)
    (expected,) = Inspector(network(bare, 16)).inspect_batch(pictures(1, 16), [1])
    (found,) = Inspector(network(module, 16)).inspect_batch(pictures(1, 16), [1])
    assert found.sites == expected.sites and len(found.gates) == 4
    assert found.score == expected.score


@pytest.mark.parametrize("name", HIDING)
def test_a_capture_of_what_hides_is_refused_with_the_way_out(name: str) -> None:
    bare, module = wrapped(name)
    with pytest.raises(TypeError, match=r"compiled, or spread over devices.*unwrapped\(module\)"):
        capture(module)
    inside = unwrapped(module)
    with torch.no_grad():
        expected = bare(batch(2, 16))
        with capture(inside) as tape:
            made = inside(batch(2, 16))
    assert torch.equal(made, expected)
    assert [record.site.path for record in tape.records()] == [f"layer{n}.0.se" for n in (1, 2, 3, 4)]


def test_the_refusal_names_what_hides() -> None:
    with pytest.raises(TypeError, match=r"^layer2, layer3.0.se: compiled"):
        capture(WRAPPED["compile inside"](short(se_net())))
    with pytest.raises(TypeError, match=r"^the network: compiled"):
        capture(compiled(short(se_net())))


@pytest.mark.parametrize("name", WRAPPED)
def test_unwrapping_shares_every_weight_and_changes_nothing(name: str) -> None:
    bare, module = wrapped(name)
    before = state(module)
    inside = unwrapped(module)
    assert state(module) == before
    assert [path for path, _ in inside.named_modules()] == [path for path, _ in bare.named_modules()]
    assert {id(p) for p in inside.parameters()} == {id(p) for p in module.parameters()}
    assert not any(part._compiled_call_impl for part in inside.modules())


def test_what_is_not_wrapped_is_given_back_as_it_is() -> None:
    module = se_net()
    assert unwrapped(module) is module


def test_a_wrapped_module_in_two_places_stays_one() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = compiled(nn.Sequential(nn.Conv2d(3, 3, 1)))
            self.second = self.first

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x))

    inside = unwrapped(Twice())
    assert inside.first is inside.second and isinstance(inside.first, nn.Sequential)


def test_a_twin_of_a_compiled_network_is_bare_and_shares_its_weights() -> None:
    module = WRAPPED["each in the other"](short(se_net()))
    twin = frozen_twin(module)
    assert {p.data_ptr() for p in twin.parameters()} == {p.data_ptr() for p in module.parameters()}
    assert unwrapped(twin) is twin and not any(p.requires_grad for p in twin.parameters())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")
def test_a_network_with_a_scripted_part_has_a_twin() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), torch.jit.script(nn.Conv2d(4, 2, 1)))
    pictures = torch.randn(1, 3, 4, 4)
    assert torch.equal(frozen_twin(module)(pictures), module(pictures)) and all(p.requires_grad for p in module.parameters())
