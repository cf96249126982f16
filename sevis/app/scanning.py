"""A scan of a visitor's pictures, as an errand."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, final

from sevis.app.errand import Errand
from sevis.datasets import Source
from sevis.engine import Engine
from sevis.inspector import Inspector
from sevis.scan import Step, scan
from sevis.turns import Turns

__all__ = ["Scanning"]

EVERY = 1.0  # seconds between two commits: what is scanned again after a stop
WORKERS = 2  # threads that decode: a scan is one of many visitors


@final
class Scanning(Errand):
    """One scan; what was written by its end is kept. Pictures are decoded and sums are written outside of the turns.

    Attributes:
        step: how far it is; None while it waits, or while the network is loaded.
    """

    def __init__(self, engine: Engine[Inspector], line: Turns, network: str, source: Source, folder: Path) -> None:
        super().__init__(engine, line, network, folder)
        self.source, self.folder = source, folder
        self.step: Step | None = None
        self._began, self._first = time.monotonic(), 0

    @property
    def is_done(self) -> bool:
        """Whether every picture was scanned."""
        return not self.is_running and not self.why and self.step is not None and self.step.done >= self.step.total

    @property
    def speed(self) -> float:
        """Pictures a second so far; 0 before the first batch."""
        done = (self.step.done if self.step else 0) - self._first
        return done / max(time.monotonic() - self._began, 1e-3) if done else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at that speed; None where that is not known yet."""
        return (self.step.total - self.step.done) / self.speed if self.step and self.speed else None

    def _work(self, inspector: Inspector) -> None:
        how: dict[str, Any] = {"gates": True, "resume": True, "every": EVERY, "workers": WORKERS}
        scan(inspector, self.source, self.folder, **how, report=self._report, turn=lambda: self._engine.turn(self._leave))

    def _report(self, step: Step) -> None:
        """After a batch, and before the first: say how far it is, and look whether to stop."""
        if self.step is None:
            self._began, self._first = time.monotonic(), step.done
        self.step = step
        self._leave()
