"""The gates' monitor as a callback of Lightning: `pip install sevis[lightning]`.

trainer = Trainer(callbacks=[GateCallback(probe, every=500, log="runs/gates.jsonl")])
"""

from __future__ import annotations

from typing import Any

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise ImportError("sevis.lightning needs Lightning, which is not installed; run: pip install lightning") from error
from torch import Tensor

from sevis.monitor import GateMonitor

__all__ = ["GateCallback"]


class GateCallback(Callback):
    """A GateMonitor that is called after every batch of the training.

    Its scalars go to the trainer's logger where that is TensorBoard's.

    Args:
        probe: pictures (N, 3, H, W) as the module's `forward` takes them, on any device.
        every: batches from one look to the next.
        options: the others of GateMonitor: labels, log, writer, warn, thresholds.
    """

    def __init__(self, probe: Tensor, *, every: int, **options: Any) -> None:
        self.monitor: GateMonitor | None = None
        self._probe, self._every, self._options = probe, every, options

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the module from here on; a training that goes on is counted on."""
        experiment = getattr(trainer.logger, "experiment", None)
        told: dict[str, Any] = {"writer": experiment} if hasattr(experiment, "add_scalar") else {}
        options = told | {"steps": trainer.fit_loop.epoch_loop.total_batch_idx + 1} | self._options
        self.monitor = GateMonitor(pl_module, self._probe.to(pl_module.device), every=self._every, **options)

    def on_train_batch_end(self, *_: Any) -> None:
        """One step is done."""
        if self.monitor is not None:
            self.monitor.step()
