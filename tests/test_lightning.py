"""The callback for Lightning: it looks when the monitor of a plain loop would, and the training does not notice it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from sevis.analysis.looks import read_looks
from tests.tiny_networks import batch, se_net

pytest.importorskip("lightning", reason="Lightning is not installed: pip install lightning")
pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers and loggers

from lightning.pytorch import LightningModule, Trainer  # noqa: E402

from sevis.lightning import GateCallback  # noqa: E402


class Classifier(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = se_net()

    def forward(self, pictures: Tensor) -> Tensor:
        out: Tensor = self.network(pictures)
        return out

    def training_step(self, examples: list[Tensor]) -> Tensor:
        pictures, labels = examples
        return F.cross_entropy(self(pictures), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05)


def trained(folder: Path, *callbacks: GateCallback) -> dict[str, Tensor]:
    """The weights after two epochs of three batches."""
    module = Classifier()
    examples = DataLoader(TensorDataset(batch(12, 16), torch.arange(12) % 5), batch_size=4)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    Trainer(accelerator="cpu", max_epochs=2, default_root_dir=folder, callbacks=list(callbacks), **quiet).fit(module, examples)
    return {key: values.clone() for key, values in module.state_dict().items()}


def test_a_look_every_so_many_batches_and_the_same_weights(tmp_path: Path) -> None:
    log = tmp_path / "gates.jsonl"
    alone = trained(tmp_path)
    watched = trained(tmp_path, GateCallback(batch(6, 16, seed=9), every=2, log=log))
    looks = read_looks(log)
    assert [look.step for look in looks] == [2, 4, 6]
    assert all(gate["M1"] is not None for look in looks for gate in look.gates.values()) and len(looks[0].gates) == 8
    assert all(torch.equal(alone[key], watched[key]) for key in alone)
