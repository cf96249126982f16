"""Checkpoints that mean harm: none is run or taken, each is refused soon, in little memory and with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from sevis.nets.checkpoints import read, read_safetensors
from sevis.nets.fitting import fitted
from sevis.nets.network import CheckpointError
from tests.attack.checkpoints import HOSTILE, MARKER, RUNNERS, Calling, pickled
from tests.attack.costs import ROOT, Cost, told
from tests.nets.test_fitting import BLUEPRINT, module, state
from tests.tiny_networks import batch


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cost]:
    folder = tmp_path_factory.mktemp("hostile")
    found = told("tests.attack.checkpoints", str(folder))
    assert not (ROOT / MARKER).exists() and not list(folder.rglob(MARKER))
    return found


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_soon_and_with_its_reason(case: str, costs: dict[str, Cost]) -> None:
    cost = costs[case]
    assert cost.said.startswith("The checkpoint net.") and cost.said.endswith(".") and HOSTILE[case][2] in cost.said
    assert "\n" not in cost.said and len(cost.said) < 12_000
    assert cost.seconds < 2 and cost.megabytes < 200, cost


def test_the_marker_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read without care, the pickle does leave its file: the tests above can fail."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.pt").write_bytes(pickled(Calling(*RUNNERS["open"])))
    torch.load(tmp_path / "net.pt", weights_only=False).close()
    assert (tmp_path / MARKER).exists()


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_file_cut_anywhere_is_refused(kind: str, tmp_path: Path) -> None:
    whole = pickled(state()) if kind == "pt" else save(state())
    path = tmp_path / f"net.{kind}"
    for end in np.linspace(0, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:end])
        with pytest.raises(CheckpointError):
            fitted(BLUEPRINT, read(path), path.name)
        if kind == "safetensors":
            with pytest.raises(CheckpointError):
                read_safetensors(whole[:end])


def wrapped(prefix: str) -> dict[str, Tensor]:
    return {prefix + key: values for key, values in state().items()}


def other() -> dict[str, Tensor]:
    return {key: torch.zeros_like(values) for key, values in state().items()}


RIGHT: dict[str, Callable[[], object]] = {
    "data parallel": lambda: {"state_dict": wrapped("module.")},
    "averaged beside the last": lambda: {"state_dict": other(), "state_dict_ema": state()},
    "averaged, data parallel": lambda: {"model": other(), "model_ema": wrapped("module."), "epoch": 9},
    "averaged, with its count": lambda: {"ema": wrapped("module.") | {"n_averaged": torch.tensor(7)}, "model": other()},
}


@pytest.mark.parametrize("case", RIGHT)
def test_prefixes_and_averages_are_loaded_right(case: str, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(pickled(RIGHT[case]()))
    filled, _ = fitted(BLUEPRINT, read(tmp_path / "net.pt"), "net.pt")
    with torch.no_grad():
        assert torch.equal(filled(batch()), module()(batch()))
