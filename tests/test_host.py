"""What a pass brings to the host: every number whole, and in one copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sevis import ablations, host, sweeps
from sevis.datasets import open_source
from sevis.edits import WhatIf, parse
from sevis.inspector import Inspector
from sevis.scanner import Scanner
from tests import photo_folders, tiny_networks

# of a tensor on a device, each of these makes the host wait for it
WAITS = ("cpu", "numpy", "item", "tolist", "__bool__", "__int__", "__float__", "__index__", "__array__", "nonzero", "equal")


class Waits(TorchFunctionMode):
    """Takes every tensor that was not made of a picture just now, or copied, for one on a device; tells what the host waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self._here: dict[int, Tensor] = {}  # by their storage; held, so that none is given to another

    def here(self, tensor: Tensor) -> Tensor:
        """The tensor, from now on known to be the host's."""
        self._here[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in WAITS and args[0].untyped_storage().data_ptr() not in self._here:
            self.told.append(name)
        made = func(*args, **(kwargs or {}))
        return self.here(made.clone()) if name == "cpu" else made


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waits]:
    waits, tensor = Waits(), Inspector.tensor
    monkeypatch.setattr(host, "_is_away", lambda tensor: True)
    monkeypatch.setattr(Inspector, "tensor", lambda self, image: waits.here(tensor(self, image)))
    yield waits


def inspect(inspector: Inspector, folder: Path) -> None:
    inspector.inspect_batch(tiny_networks.pictures(3, 16), [None, 1, 2])


def edited(inspector: Inspector, folder: Path) -> None:
    inspector.inspect_batch(tiny_networks.pictures(1, 16), [None], [WhatIf((parse("all:factor=0.5"),))])


def scanned(inspector: Inspector, folder: Path) -> None:
    scanner = Scanner(inspector, open_source(photo_folders.class_folders(folder, 2)))
    scanner.show(scanner.decode(scanner.source.entries))


def swept(inspector: Inspector, folder: Path) -> None:
    sweeps._answers(inspector, inspector.batch([torch.zeros(3, 16, 16)]))


def ablated(inspector: Inspector, folder: Path) -> None:
    ablations._answers(inspector, inspector.batch([torch.zeros(3, 16, 16)]))


PASSES: dict[str, Callable[[Inspector, Path], None]] = {
    "inspect": inspect,
    "edited": edited,
    "scan": scanned,
    "sweep": swept,
    "ablate": ablated,
}


NETWORKS: dict[str, Callable[[], nn.Module]] = {"SE": tiny_networks.se_net, "SK": tiny_networks.selective_net}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("each", PASSES)
def test_a_pass_waits_once(each: str, network: str, waits: Waits, tmp_path: Path) -> None:
    inspector = Inspector(tiny_networks.network(NETWORKS[network](), 16))
    with waits:
        PASSES[each](inspector, tmp_path)
    assert waits.told == ["cpu"]


def test_every_tensor_comes_back_whole() -> None:
    parts = [
        torch.tensor([True, False, True]),
        torch.arange(6.0).reshape(2, 3),
        torch.ones(5, dtype=torch.float16),
        torch.zeros(0, 2),
        torch.tensor(7),
        torch.arange(12.0, dtype=torch.float64).reshape(3, 4).T,
    ]
    for given, copied in zip(parts, host._together(parts), strict=True):
        assert torch.equal(given, copied) and given.dtype == copied.dtype


def test_what_is_not_there_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_is_away", lambda tensor: True)
    assert host.on_host([None, None]) == [None, None]
    given, nothing, other = host.on_host([torch.ones(2), None, torch.zeros(1, dtype=torch.int64)])
    assert nothing is None and given.tolist() == [1, 1] and other.tolist() == [0]
