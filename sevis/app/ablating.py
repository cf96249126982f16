"""Ablations of a run's network that go on by themselves while their visitor looks at other pages. Nothing here draws."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from typing import final

from sevis.ablations import ablate, gathered
from sevis.analysis.ablation import Ablated, write_ablations
from sevis.engine import Engine, NoRoom, Stopped
from sevis.inspector import Inspector
from sevis.loading import CheckpointError, load
from sevis.run_pictures import pictures_of
from sevis.runs import Run
from sevis.scanner import weights_sha256
from sevis.turns import Turns

__all__ = ["PICTURES", "Ablating", "Ablations"]

logger = logging.getLogger(__name__)
PICTURES = 64  # at random of those that were scanned
FAILED = "The ablations broke off because of a fault of this server; its log has the details."


class _Left(Exception):
    """The visitor, or the end of the visit, stopped the ablations."""


@final
class Ablating:
    """The ablations of one run's gates in a thread of its own; whoever draws reads where it is.

    It borrows the network from the engine, which keeps it in memory, and shows it one batch in each turn of the device.

    Args:
        line: of all visitors' scans, in which this waits too.
        network: the engine's name for the network that was scanned.
        arch: the name that builds it with fresh weights.
        keep: whether the run's folder keeps the result.

    Attributes:
        done, total: passes so far and in all; 0 before the first.
        ablated: one a gate, once it has ended.
        why: the sentence on why it could not go on; "" where it could.
    """

    def __init__(self, engine: Engine[Inspector], line: Turns, run: Run, network: str, arch: str, *, keep: bool) -> None:
        self.done, self.total = 0, 0
        self.ablated: tuple[Ablated, ...] = ()
        self.why = ""
        self._engine, self._line = engine, line
        self._run, self._network, self._arch, self._keep = run, network, arch, keep
        self._stop, self._turn = threading.Event(), ExitStack()
        self._thread = threading.Thread(target=self._work, name=f"sevis-ablate-{run.folder.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after its batch; nothing is kept."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout)

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    def _work(self) -> None:
        try:
            with self._line.mine(self._leave), self._engine.borrow(self._network, self._leave) as inspector, self._turn:
                measured = self._measured(inspector)
            if self._keep:
                write_ablations(self._run.folder, measured)
            self.ablated = measured
        except _Left:
            pass
        except (ValueError, NoRoom, Stopped) as error:  # what networks, sources and the engine say is for the visitor
            self.why = str(error)
        except OSError as error:
            self.why = f"The pictures could not be read, or the result not be written, on this server ({error.strerror})."
        except Exception:
            logger.exception("the ablations of %s broke off", self._run.folder)
            self.why = FAILED

    def _measured(self, inspector: Inspector) -> tuple[Ablated, ...]:
        run = self._run
        if weights_sha256(inspector.module) != run.meta["weights_sha256"]:
            raise ValueError(f"{inspector.name} has other weights here than the network that was scanned.")
        pictures, targets = gathered(pictures_of(run), inspector.classes, PICTURES)
        means, twin = [each.overall.mean for each in run.statistics], self._twin(inspector)
        self._turn.enter_context(self._engine.turn(self._leave))
        return ablate(inspector, pictures, targets, means=means, twin=twin, report=self._report)

    def _twin(self, inspector: Inspector) -> Inspector | None:
        """The same architecture with fresh weights; None where no name builds it."""
        try:
            return load(self._arch, str(inspector.device), weights=None)
        except (CheckpointError, OSError, TypeError):
            return None

    def _report(self, done: int, total: int) -> None:
        """Between two batches: give the device to whoever waits for it, look whether to stop, and take the next turn."""
        self._turn.close()
        self.done, self.total = done, total
        self._leave()
        if done < total:
            self._turn.enter_context(self._engine.turn(self._leave))

    def _leave(self) -> None:
        if self._stop.is_set():
            raise _Left


@final
class Ablations:
    """What one visitor had ablated, by run: its key, and when it was begun, since another may take its name; the session owns it."""

    def __init__(self, engine: Engine[Inspector], line: Turns) -> None:
        self._engine, self._line = engine, line
        self._begun: dict[tuple[str, str, str], Ablating] = {}

    def of(self, key: str, run: Run) -> Ablating | None:
        """That of a run, if it was begun."""
        return self._begun.get(_name(key, run))

    def begin(self, key: str, run: Run, network: str, arch: str, *, keep: bool) -> None:
        """Begin anew, and stop whatever runs; arguments as those of Ablating."""
        self.stop()
        begun = self._begun[_name(key, run)] = Ablating(self._engine, self._line, run, network, arch, keep=keep)
        begun.start()

    def stop(self) -> None:
        """Ask all that run to end."""
        for each in self._begun.values():
            each.stop()


def _name(key: str, run: Run) -> tuple[str, str, str]:
    return key, str(run.meta["weights_sha256"]), str(run.meta.get("started"))
