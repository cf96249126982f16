"""Watches the gates of a network while it is trained: the same probe pictures every so many steps, each metric logged.

monitor = GateMonitor(module, probe, every=500, log="runs/gates.jsonl")
for pictures, labels in loader:
    train_step(module, pictures, labels)
    monitor.step()
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sevis.analysis.doctor import Diagnosis, examine
from sevis.analysis.looks import Look, finite, line
from sevis.analysis.metrics import measured
from sevis.analysis.statistics import collect
from sevis.analysis.thresholds import Thresholds
from sevis.capture.tracer import Tape, Watch, as_evaluated
from sevis.capture.unwrapping import unwrapped

__all__ = ["GateMonitor", "GateWarning", "Look"]

PATIENCE = 3  # looks in a row at a gate that worked before: one look may err
GRACE = 10  # looks in a row at a gate that never worked: all begin near one half, and take some looks to leave it


class GateWarning(UserWarning):
    """A gate has stopped working during the training, or never began to."""


class Writer(Protocol):
    """TensorBoard's SummaryWriter, or anything with its add_scalar."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...


class GateMonitor:
    """Looks at a network's gates every so many steps, on pictures that stay the same; the training goes on as if nobody looked.

    The network is looked at in eval mode and without gradients, and comes back as it was: mode, running statistics, random numbers.

    Args:
        module: any network; data-parallel and compiled ones are looked at without their wrappers.
        probe: pictures (N, 3, H, W) as the network takes them, where its weights are; the doctor gives no verdict on fewer than thirty.
        every: steps from one look to the next.
        labels: the pictures' classes, (N,) from 0, for what needs them.
        log: a JSON Lines file, a line a look, as in sevis.analysis.looks; what is there stays.
        writer: of TensorBoard; every metric becomes a scalar gates/NAME/METRIC.
        warn: whether to warn (GateWarning) of each gate once when the doctor's verdict on it turns bad, or never was good, and stays so.
        thresholds: of the doctor, as load_thresholds gives them; None: ours.
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
        warn: bool = True,
        thresholds: Thresholds | None = None,
        steps: int = 0,
    ) -> None:
        if every < 1 or len(probe) < 2:
            raise ValueError(f"every is {every} and the probe has {len(probe)} pictures; expected 1 or more, and 2 or more")
        self._module, self._probe, self._every = unwrapped(module), probe, every
        self._labels = None if labels is None else labels.cpu().numpy()
        self._classes = 0 if self._labels is None else int(self._labels.max()) + 1
        self._log = None if log is None else Path(log)
        self._writer, self._warn, self._thresholds = writer, warn, thresholds
        self._steps = steps
        self._in_a_row: dict[str, int] = {}  # looks at which a gate's verdict was bad
        self._worked: set[str] = set()
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
        for diagnosis in examine(statistics, thresholds=self._thresholds, trained=bool(self._worked)) if self._warn else ():
            self._judge(diagnosis)
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

    def _judge(self, diagnosis: Diagnosis) -> None:
        """Warn of a gate whose verdict has been bad for long enough, once."""
        name = diagnosis.site.name
        if not diagnosis.alarms:
            self._worked.add(name)
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1 if diagnosis.alarms else 0
        if self._in_a_row[name] >= (PATIENCE if name in self._worked else GRACE) and name not in self._warned:
            self._warned.add(name)
            warnings.warn(f"after {self._steps} steps: {_said(diagnosis)}", GateWarning, stacklevel=4)


def _said(diagnosis: Diagnosis) -> str:
    """The verdict with what it rests on and what to do, in sentences."""
    site, finding = diagnosis.site, diagnosis.alarms[0]
    number = "" if finding.number is None else f", {finding.number:.3g}"
    number += "" if finding.threshold is None else f" against {finding.threshold:.3g}"
    return f"{site.name} ({site.path}) is {finding.verdict or 'at fault'} ({finding.rule}{number}). {finding.cause} {finding.remedy}"
