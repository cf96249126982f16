"""The sweep of the object's scale over a run's pictures, as an errand."""

from __future__ import annotations

from typing import final

from sevis.analysis.zoom import Sweep
from sevis.analysis.zoom_storing import write_sweep
from sevis.app.errand import OnRun
from sevis.inspector import Inspector
from sevis.sweeps import sweep

__all__ = ["PICTURES", "Sweeping"]

PICTURES = 96  # at random of those that were scanned; each is shown five times


@final
class Sweeping(OnRun):
    """What every selection did with the pictures enlarged and blurred: a Sweep; its steps are pictures."""

    def _measured(self, inspector: Inspector) -> Sweep:
        return sweep(inspector, self._pictures(), limit=PICTURES, report=self._tell, turn=lambda: self._engine.turn(self._leave))

    def _write(self, result: Sweep) -> None:
        write_sweep(self._run.folder, result)

    def _tell(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self._leave()
