"""Watches the gates of a network while it is trained: the same probe pictures every so many steps, each metric logged.

monitor = GateMonitor(module, probe, every=500, log="runs/gates.jsonl")
for pictures, labels in loader:
    train_step(module, pictures, labels)
    monitor.step()
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sevis.analysis.looks import Look, Metrics, finite, line
from sevis.analysis.metrics import measured
from sevis.analysis.statistics import collect
from sevis.capture.tracer import Tape, Watch, as_evaluated
from sevis.capture.unwrapping import unwrapped
from sevis.records import GateSite

__all__ = ["GateMonitor", "GateWarning", "Look", "flat"]

# a gate like this neither tells pictures nor channels apart: weights of one value, in a network that is being trained
FLAT = 0.01  # Hu et al. 2018, section 7.2: in a working block both are several times as large
PATIENCE = 3  # looks in a row: at the start every gate is flat


class GateWarning(UserWarning):
    """A gate has stopped working during the training."""


class Writer(Protocol):
    """TensorBoard's SummaryWriter, or anything with its add_scalar."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...


def flat(site: GateSite, metrics: Metrics) -> str:
    """Why a gate does nothing, in a sentence; empty where it does something."""
    between_pictures, between_channels = metrics.get("M1"), metrics.get("M2")
    if between_pictures is None or between_channels is None or max(between_pictures, between_channels) >= FLAT:
        return ""
    return (
        f"{site.name} ({site.path}) multiplies every channel of every picture by nearly the same: its weights differ by"
        f" {between_pictures:.4f} between pictures and by {between_channels:.4f} between channels. Take weight decay off its parameters,"
        " or raise their learning rate."
    )


class GateMonitor:
    """Looks at a network's gates every so many steps, on pictures that stay the same; the training goes on as if nobody looked.

    The network is looked at in eval mode and without gradients, and comes back as it was: mode, running statistics, random numbers.

    Args:
        module: any network; data-parallel and compiled ones are looked at without their wrappers.
        probe: pictures (N, 3, H, W) as the network takes them, where its weights are; thirty or more tell enough.
        every: steps from one look to the next.
        labels: the pictures' classes, (N,) from 0, for what needs them.
        log: a JSON Lines file, a line a look, as in sevis.analysis.looks; what is there stays.
        writer: of TensorBoard; every metric becomes a scalar gates/NAME/METRIC.
        doubt: says in a sentence what is wrong with a gate; each gate is warned of once, after three looks in a row.
        steps: how many had been done already, of a training that goes on.
    """

    def __init__(
        self,
        module: nn.Module,
        probe: Tensor,
        *,
        every: int,
        labels: Tensor | None = None,
        log: str | Path | None = None,
        writer: Writer | None = None,
        doubt: Callable[[GateSite, Metrics], str] = flat,
        steps: int = 0,
    ) -> None:
        if every < 1 or len(probe) < 2:
            raise ValueError(f"every is {every} and the probe has {len(probe)} pictures; expected 1 or more, and 2 or more")
        self._module, self._probe, self._every = unwrapped(module), probe, every
        self._labels = None if labels is None else labels.cpu().numpy()
        self._classes = 0 if self._labels is None else int(self._labels.max()) + 1
        self._log = None if log is None else Path(log)
        self._writer, self._doubt = writer, doubt
        self._steps = steps
        self._in_a_row: dict[str, int] = {}  # looks at which a gate was doubted
        self._warned: set[str] = set()

    def step(self) -> Look | None:
        """To be called after every step of the training; gives what was seen, in the steps that look."""
        self._steps += 1
        return self.look() if self._steps % self._every == 0 else None

    def look(self) -> Look:
        """What the gates are like now."""
        statistics = collect(self._records(), self._labels, self._classes)
        look = Look(self._steps, {gate.site.name: finite(measured(gate)) for gate in statistics})
        self._write(look)
        for gate in statistics:
            self._judge(gate.site, look.gates[gate.site.name])
        return look

    def _records(self) -> tuple[Any, ...]:
        with torch.random.fork_rng(), torch.no_grad(), as_evaluated(self._module), Tape(self._module, Watch(proof=False)) as tape:
            self._module(self._probe)
        return tape.records()

    def _write(self, look: Look) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(line(look) + "\n")
        for name, metrics in look.gates.items() if self._writer is not None else ():
            for metric, value in metrics.items():
                if value is not None:
                    self._writer.add_scalar(f"gates/{name}/{metric}", value, look.step)  # type: ignore[union-attr]

    def _judge(self, site: GateSite, metrics: Metrics) -> None:
        """Warn of a gate that has been doubted often enough, once."""
        said = self._doubt(site, metrics)
        self._in_a_row[site.name] = self._in_a_row.get(site.name, 0) + 1 if said else 0
        if self._in_a_row[site.name] >= PATIENCE and site.name not in self._warned:
            self._warned.add(site.name)
            warnings.warn(f"after {self._steps} steps: {said}", GateWarning, stacklevel=4)
