"""The ablations of a run's gates, as an errand."""

from __future__ import annotations

from typing import final

from sevis.ablations import ablate, gathered
from sevis.analysis.ablation import Ablated, write_ablations
from sevis.app.errand import OnRun
from sevis.inspector import Inspector
from sevis.loading import CheckpointError, load

__all__ = ["PICTURES", "Ablating"]

PICTURES = 64  # at random of those that were scanned


@final
class Ablating(OnRun):
    """What each gate is worth: a tuple of Ablated, one a gate; its steps are batches."""

    def _measured(self, inspector: Inspector) -> tuple[Ablated, ...]:
        pictures, targets = gathered(self._pictures(), inspector.classes, PICTURES)
        means, twin = [each.overall.mean for each in self._run.statistics], self._twin(inspector)
        self._begin()
        return ablate(inspector, pictures, targets, means=means, twin=twin, report=self._report)

    def _write(self, result: tuple[Ablated, ...]) -> None:
        write_ablations(self._run.folder, result)

    def _twin(self, inspector: Inspector) -> Inspector | None:
        """The same architecture with fresh weights; None where no name builds it."""
        try:
            return load(self._arch, str(inspector.device), weights=None)
        except (CheckpointError, OSError, TypeError):
            return None
