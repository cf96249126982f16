"""A scan that goes on by itself while its visitor looks at other pages. Nothing here draws."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any, final

from sevis.datasets import Source
from sevis.engine import Engine, NoRoom, Stopped
from sevis.inspector import Inspector
from sevis.scan import Step, scan
from sevis.turns import Turns

__all__ = ["Scanning"]

logger = logging.getLogger(__name__)
EVERY = 1.0  # seconds between two commits: what is scanned again after a stop
WORKERS = 2  # threads that decode: a scan is one of many visitors
FAILED = "The scan broke off because of a fault of this server; its log has the details."


class _Left(Exception):
    """The visitor, or the end of the visit, stopped the scan."""


@final
class Scanning:
    """One scan in a thread of its own; whoever draws reads where it is.

    It borrows the network from the engine, which keeps it in memory, and shows it one batch in each turn of the device; pictures are
    decoded and sums are written outside of the turns, so that a visitor's picture waits for one batch of this scan at most.

    Args:
        line: of all visitors' scans: one at a time runs on a server, so that a visitor's picture waits for one batch at most.

    Attributes:
        network: the engine's name for it.
        step: how far it is; None while it waits, or while the network is loaded.
        why: the sentence on why it could not go on; "" where it could.
    """

    def __init__(self, engine: Engine[Inspector], line: Turns, network: str, source: Source, folder: Path) -> None:
        self.network, self.source, self.folder = network, source, folder
        self.step: Step | None = None
        self.why = ""
        self._engine, self._line = engine, line
        self._stop = threading.Event()
        self._began, self._first = time.monotonic(), 0
        self._thread = threading.Thread(target=self._run, name=f"sevis-scan-{folder.name}", daemon=True)

    def start(self) -> None:
        """Begin, or go on with what the folder holds."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after its batch; what was written by then is kept."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout)

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

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

    def _run(self) -> None:
        try:
            with self._line.mine(self._leave), self._engine.borrow(self.network, self._leave) as inspector:
                how: dict[str, Any] = {"gates": True, "resume": True, "every": EVERY, "workers": WORKERS}
                scan(inspector, self.source, self.folder, **how, report=self._report, turn=lambda: self._engine.turn(self._leave))
        except _Left:
            pass
        except (ValueError, NoRoom, Stopped) as error:  # what networks, sources, runs and the engine say is for the visitor
            self.why = str(error)
        except OSError as error:
            self.why = f"The run could not be written on this server ({error.strerror})."
        except Exception:
            logger.exception("the scan of %s broke off", self.folder)
            self.why = FAILED

    def _report(self, step: Step) -> None:
        """After a batch, and before the first: say how far it is, and look whether to stop."""
        if self.step is None:
            self._began, self._first = time.monotonic(), step.done
        self.step = step
        self._leave()

    def _leave(self) -> None:
        if self._stop.is_set():
            raise _Left
