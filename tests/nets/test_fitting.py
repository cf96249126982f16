"""A state goes into a network only if every name, shape and kind of number agrees; wrappers are undone and the classes are counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from sevis.nets.fitting import fitted
from sevis.nets.network import Blueprint, CheckpointError
from sevis.nets.se_resnet import se_resnet
from tests.tiny_networks import alive, batch

State = dict[str, Tensor]


def build(logits: int | None) -> nn.Module:
    return se_resnet(18, classes=logits or 5, width=0.125, reduction=4)


BLUEPRINT = Blueprint("a net", build, lambda _: torch.zeros, ("a", "b", "c", "d", "e"))


def state(logits: int = 5) -> State:
    return dict(alive(build(logits)).state_dict())


def module(logits: int = 5) -> nn.Module:
    return alive(build(logits))


class Lightning(nn.Module):
    """What a training script wraps around a network."""

    def __init__(self) -> None:
        super().__init__()
        self.model = module()


def prefixed(prefix: str) -> Callable[[], State]:
    return lambda: {prefix + key: values for key, values in state().items()}


WRAPPED: dict[str, Callable[[], State]] = {
    "bare": state,
    "data parallel": lambda: nn.DataParallel(module()).state_dict(),
    "averaged": lambda: AveragedModel(module()).state_dict(),
    "averaged data parallel": lambda: AveragedModel(nn.DataParallel(module())).state_dict(),
    "compiled": prefixed("_orig_mod."),
    "compiled, then data parallel": prefixed("module._orig_mod."),
    "lightning": lambda: Lightning().state_dict(),
    "a part compiled": lambda: {key.replace("layer1.", "layer1._orig_mod."): values for key, values in state().items()},
    "before the counters of batch norm": lambda: {key: values for key, values in state().items() if "num_batches" not in key},
}


@pytest.mark.parametrize("case", WRAPPED)
def test_wrappers_are_undone(case: str) -> None:
    filled, logits = fitted(BLUEPRINT, WRAPPED[case](), "net.pt")
    assert logits is None and not filled.training
    with torch.no_grad():
        assert torch.equal(filled(batch()), module()(batch()))


def test_a_network_may_use_a_wrappers_name_itself() -> None:
    filled, _ = fitted(Blueprint("a net", lambda _: Lightning(), BLUEPRINT.preprocessing, ()), Lightning().state_dict(), "net.pt")
    assert torch.equal(filled.model.linear.weight, module().linear.weight)


@pytest.mark.parametrize("logits", [1, 2, 12, 1000])
def test_the_classes_are_counted_in_the_checkpoint(logits: int) -> None:
    filled, counted = fitted(BLUEPRINT, state(logits), "net.pt")
    assert counted == logits
    assert torch.equal(filled.linear.weight, state(logits)["linear.weight"])


def test_precision_becomes_the_networks_own() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        given = {key: values.to(dtype) if values.is_floating_point() else values for key, values in state().items()}
        filled, _ = fitted(BLUEPRINT, given, "net.pt")
        assert filled.linear.weight.dtype == torch.float32
        assert torch.equal(filled.linear.weight, given["linear.weight"].float())


def test_nothing_is_built_for_a_state_that_does_not_fit() -> None:
    built: list[torch.device] = []

    def watched(logits: int | None) -> nn.Module:
        made = build(logits)
        built.append(next(made.parameters()).device)
        return made

    with pytest.raises(CheckpointError):
        fitted(Blueprint("a net", watched, BLUEPRINT.preprocessing, ()), {"other": torch.zeros(1)}, "net.pt")
    assert {device.type for device in built} == {"meta"}


class TwoHeads(nn.Module):
    """A network whose second classifier counts its logits as the first does."""

    def __init__(self, logits: int | None) -> None:
        super().__init__()
        self.first, self.second = (nn.Linear(2, logits or 5) for _ in range(2))


def test_all_classifiers_have_the_same_number_of_classes() -> None:
    blueprint = Blueprint("a net", TwoHeads, BLUEPRINT.preprocessing, ())
    given = TwoHeads(7).state_dict()
    assert fitted(blueprint, given, "net.pt")[1] == 7
    with pytest.raises(CheckpointError, match=r"second\.weight is \(5, 2\), expected \(7, 2\)"):
        fitted(blueprint, given | {key: values[:5].clone() for key, values in given.items() if "second" in key}, "net.pt")


def test_a_network_is_built_once_for_a_state_that_does_not_fit() -> None:
    """Some networks cannot be built without memory: a number of classes that is not believed is not built at all."""
    built: list[int | None] = []

    def watched(logits: int | None) -> nn.Module:
        built.append(logits)
        return build(logits)

    for given in ({"linear.bias": torch.zeros(400_000)}, state(7) | {"extra": torch.zeros(1)}):
        with pytest.raises(CheckpointError):
            fitted(Blueprint("a net", watched, BLUEPRINT.preprocessing, ()), given, "net.pt")
    assert built == [None, None]


def test_a_network_that_computes_while_it_is_built_is_filled_too() -> None:
    def computing(logits: int | None) -> nn.Module:
        assert [float(values) for values in torch.linspace(0, 1, 3)] == [0, 0.5, 1]
        return build(logits)

    filled, _ = fitted(Blueprint("a net", computing, BLUEPRINT.preprocessing, ()), state(), "net.pt")
    assert torch.equal(filled.linear.weight, state()["linear.weight"])


# ---- what is refused


COUNTER = next(key for key in build(None).state_dict() if key.endswith("num_batches_tracked"))


def with_(**changed: Tensor) -> State:
    return state() | {key.replace("__", "."): values for key, values in changed.items()}


def without(*keys: str) -> State:
    return {key: values for key, values in state().items() if key not in keys}


def stride_0(tmp_path: Path) -> State:
    """A file of a few kilobytes whose tensor says that it has a trillion values, as torch.load gives it."""
    torch.save({"linear.weight": torch.zeros(1).expand(10**12, 64), "linear.bias": torch.zeros(1).expand(10**12)}, tmp_path / "bomb.pt")
    assert (tmp_path / "bomb.pt").stat().st_size < 5000
    return state() | torch.load(tmp_path / "bomb.pt", weights_only=True, mmap=True)


MISFITS: dict[str, tuple[Callable[[Path], State], str]] = {
    "missing": (lambda _: without("linear.bias"), "1 tensor missing: linear.bias."),
    "unexpected": (lambda _: with_(extra=torch.zeros(1)), "1 tensor unexpected: extra."),
    "renamed": (
        lambda _: without("layer1.0.se.reduce.weight") | {"layer1.0.attn.reduce.weight": torch.zeros(4, 16)},
        "1 tensor missing: layer1.0.se.reduce.weight (closest: layer1.0.attn.reduce.weight); "
        "1 tensor unexpected: layer1.0.attn.reduce.weight.",
    ),
    "another shape": (lambda _: with_(linear__weight=torch.zeros(5, 63)), "linear.weight is (5, 63), expected (5, 64)."),
    "a head of two minds": (
        lambda _: with_(linear__weight=torch.zeros(7, 64)),
        "1 tensor of another kind: linear.weight is (7, 64), expected (5, 64).",
    ),
    "a bias alone": (lambda _: with_(linear__bias=torch.zeros(7)), "1 tensor of another kind: linear.bias is (7,), expected (5,)."),
    "a bias without its weight": (
        lambda _: without("linear.weight") | {"linear.bias": torch.zeros(7)},
        "1 tensor missing: linear.weight; 1 tensor of another kind: linear.bias is (7,), expected (5,).",
    ),
    "a weight without its bias": (
        lambda _: without("linear.bias") | {"linear.weight": torch.zeros(7, 64)},
        "1 tensor missing: linear.bias; 1 tensor of another kind: linear.weight is (7, 64), expected (5, 64).",
    ),
    "no classes": (
        lambda _: with_(linear__weight=torch.zeros(0, 64), linear__bias=torch.zeros(0)),
        "linear.weight is (0, 64), expected (5, 64), linear.bias is (0,), expected (5,).",
    ),
    "a number for a row": (lambda _: with_(linear__bias=torch.tensor(1.0)), "linear.bias is (), expected (5,)."),
    "whole numbers": (lambda _: with_(linear__bias=torch.zeros(5, dtype=torch.int64)), "holds torch.int64, expected torch.float32."),
    "complex numbers": (lambda _: with_(linear__bias=torch.zeros(5, dtype=torch.complex64)), "holds torch.complex64, expected"),
    "eight bits": (lambda _: with_(linear__bias=torch.zeros(5).to(torch.float8_e4m3fn)), "holds torch.float8_e4m3fn, expected"),
    "fractions that count": (
        lambda _: state() | {COUNTER: torch.tensor(0.5)},
        "holds torch.float32, expected torch.int64.",
    ),
    "sparse": (lambda _: with_(linear__weight=torch.zeros(5, 64).to_sparse()), "linear.weight is not an ordinary tensor in memory."),
    "meta": (lambda _: with_(linear__weight=torch.zeros(5, 64, device="meta")), "linear.weight is not an ordinary tensor in memory."),
    "repeated": (lambda _: with_(linear__weight=torch.zeros(1).expand(5, 64)), "linear.weight has 4 bytes, expected 1,280."),
    "a trillion": (stride_0, "linear.weight has 4 bytes, expected 256,000,000,000,000,"),
    "not a number": (
        lambda _: with_(linear__bias=torch.full((5,), float("nan"))),
        "linear.bias holds values that are not finite.",
    ),
    "infinite": (lambda _: with_(linear__bias=torch.tensor([0, 1, float("inf"), 2, 3])), "linear.bias holds values that are not finite."),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_does_not_fit_is_listed(case: str, tmp_path: Path) -> None:
    make, said = MISFITS[case]
    with pytest.raises(CheckpointError) as refused:
        fitted(BLUEPRINT, make(tmp_path), "net.pt")
    sentence = str(refused.value)
    assert sentence.startswith("The checkpoint net.pt does not fit a net: ") and sentence.endswith(".")
    assert said in sentence


def test_the_first_twenty_are_listed() -> None:
    with pytest.raises(CheckpointError) as refused:
        fitted(BLUEPRINT, {f"extra{n}": torch.zeros(1) for n in range(30)}, "net.pt")
    missing, unexpected = str(refused.value).split(": ", 1)[1].split("; ")
    assert unexpected == f"30 tensors unexpected: {', '.join(f'extra{n}' for n in range(20))}, ...."
    wanted = [key for key in state() if "num_batches" not in key]
    assert missing.startswith(f"{len(wanted)} tensors missing: {wanted[0]}") and missing.endswith(f"{wanted[19]}, ...")


def test_a_visitors_names_are_shown_harmlessly_and_fast() -> None:
    hostile = {"\n<b>": torch.zeros(1), "x" * 1_000_000: torch.zeros(1)}
    with pytest.raises(CheckpointError) as refused:
        fitted(BLUEPRINT, hostile, "net.pt")
    assert "\n" not in str(refused.value) and "x" * 300 not in str(refused.value)


def test_two_tensors_of_one_name_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"two tensors for linear\.bias"):
        fitted(BLUEPRINT, state() | {"module.linear.bias": torch.zeros(5)}, "net.pt")
