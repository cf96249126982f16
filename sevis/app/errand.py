"""Long work with a network that goes on by itself while its visitor looks at other pages. Nothing here draws."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, final

from sevis.app.shelf import near
from sevis.engine import Engine, NoRoom, Stopped
from sevis.inspector import Inspector
from sevis.provenance import weights_sha256
from sevis.run_pictures import pictures_of
from sevis.runs import Run
from sevis.sources import Source, SourceError
from sevis.turns import Turns

__all__ = ["Errand", "Errands", "OnRun"]

logger = logging.getLogger(__name__)
FAILED = "It broke off because of a fault of this server; its log has the details."
UNREACHED = "What it needs could not be read or written on this server ({why})."


class _Left(Exception):
    """The visitor, or the end of the visit, stopped it."""


class Errand(ABC):
    """Work in a thread of its own; whoever draws reads where it is.

    It borrows its network from the engine, which keeps it in memory, and shows it one batch in each turn of the device.

    Args:
        line: of all visitors' errands: one at a time runs on a server, so that a visitor's picture waits for one batch at most.
        network: the engine's name for it.
        what: it works on, for the log.

    Attributes:
        why: the sentence on why it could not go on; "" where it could.
    """

    def __init__(self, engine: Engine[Inspector], line: Turns, network: str, what: object) -> None:
        self.network, self.why = network, ""
        self._engine, self._line, self._what = engine, line, what
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go, name=f"sevis-{type(self).__name__.lower()}", daemon=True)

    def start(self) -> None:
        """Begin, or go on with what there is."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after its batch."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout)

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    @abstractmethod
    def _work(self, inspector: Inspector) -> None:
        """All of it; to call _leave now and then."""

    def _go(self) -> None:
        try:
            with self._line.mine(self._leave), self._engine.borrow(self.network, self._leave) as inspector:
                self._work(inspector)
        except _Left:
            pass
        except (ValueError, NoRoom, Stopped) as error:  # what networks, sources, runs and the engine say is for the visitor
            self.why = str(error)
        except OSError as error:
            self.why = UNREACHED.format(why=error.strerror)
        except Exception:
            logger.exception("%s broke off: %s", type(self).__name__, self._what)
            self.why = FAILED

    def _leave(self) -> None:
        if self._stop.is_set():
            raise _Left


class OnRun(Errand):
    """What is found out about the network of a run, with its pictures.

    Args:
        arch: the name that builds the network with fresh weights.
        keep: whether the run's folder keeps the result.

    Attributes:
        done, total: steps so far and in all; 0 before the first.
        result: once it has ended; empty where there is none.
    """

    def __init__(self, engine: Engine[Inspector], line: Turns, run: Run, network: str, arch: str, *, keep: bool) -> None:
        super().__init__(engine, line, network, run.folder)
        self.done, self.total = 0, 0
        self.result: Any = ()
        self._run, self._arch, self._keep = run, arch, keep
        self._turn = ExitStack()

    @abstractmethod
    def _measured(self, inspector: Inspector) -> Any:
        """The result, of the run's own network."""

    @abstractmethod
    def _write(self, result: Any) -> None:
        """Keep it in the run's folder."""

    def _work(self, inspector: Inspector) -> None:
        if weights_sha256(inspector.module) != self._run.meta["weights_sha256"]:
            raise ValueError(f"{inspector.name} has other weights here than the network that was scanned.")
        with self._turn:
            result = self._measured(inspector)
        if self._keep:
            self._write(result)
        self.result = result

    def _pictures(self) -> Source:
        """Those that were scanned and lie where this server reads pictures.

        Raises:
            SourceError: there are none.
        """
        found = near(self._run, pictures_of(self._run))
        if not found.entries:
            raise SourceError("The pictures that were scanned do not lie where this server reads pictures.")
        return found

    def _begin(self) -> None:
        """Take the first turn of the device; every report gives it back and takes the next."""
        self._turn.enter_context(self._engine.turn(self._leave))

    def _report(self, done: int, total: int) -> None:
        """Between two batches: give the device to whoever waits for it, look whether to stop, and take the next turn."""
        held = self._turn.pop_all()
        held.close()
        self.done, self.total = done, total
        self._leave()
        if done < total:
            self._begin()


@final
class Errands:
    """What one visitor had found out, by run: its key, and when it was begun, since another may take its name; the session owns it."""

    def __init__(self, make: Callable[..., OnRun], engine: Engine[Inspector], line: Turns) -> None:
        self._make, self._engine, self._line = make, engine, line
        self._begun: dict[tuple[str, str, str], OnRun] = {}

    def of(self, key: str, run: Run) -> OnRun | None:
        """That of a run, if it was begun."""
        return self._begun.get(_name(key, run))

    def begin(self, key: str, run: Run, network: str, arch: str, *, keep: bool) -> None:
        """Begin anew, and stop whatever runs; arguments as those of OnRun."""
        self.stop()
        begun = self._begun[_name(key, run)] = self._make(self._engine, self._line, run, network, arch, keep=keep)
        begun.start()

    def stop(self) -> None:
        """Ask all that run to end."""
        for each in tuple(self._begun.values()):
            each.stop()

    def join(self, timeout: float) -> None:
        """Wait for the end of each that runs."""
        for each in tuple(self._begun.values()):
            if each.is_running:
                each.join(timeout)


def _name(key: str, run: Run) -> tuple[str, str, str]:
    return key, str(run.meta["weights_sha256"]), str(run.meta.get("started"))
