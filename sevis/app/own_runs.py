"""The runs that one visitor made: pictures and results in a folder that goes when the visit ends. Nothing here draws."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from threading import Timer
from typing import final
from weakref import finalize

from sevis.app.errand import Errands
from sevis.app.packing import Packed, pack
from sevis.app.scanning import Scanning
from sevis.engine import Engine
from sevis.inspector import Inspector
from sevis.runs import META
from sevis.turns import Turns

__all__ = ["MOST_RUNS", "OwnRuns"]

MOST_RUNS = 4
GRACE = 180.0  # seconds until a visitor who is gone is not waited for: Streamlit keeps a lost session for 120
PATIENCE = 5.0  # seconds that a scan or an errand gets for its last batch when its visitor is gone


@final
class OwnRuns:
    """What one visit has on this server's disk; the session owns it.

    Streamlit tells when the connection is lost, which a tunnel or a closed lid does too: so the folder is removed some minutes after
    `leave`, unless the visitor is back by then, or else when the process ends.

    Args:
        line: in which the scans of all visitors wait.
        is_here: whether the visitor is connected; one who is back may look at a page for long without running it again.

    Attributes:
        packed: the pictures that were brought last.
        key: of their run; "" where it was not begun yet.
    """

    def __init__(self, engine: Engine[Inspector], line: Turns, is_here: Callable[[], bool] = lambda: False) -> None:
        self._engine, self._line, self._is_here = engine, line, is_here
        self._scans: dict[str, Scanning] = {}  # oldest first
        self._errands: list[Errands] = []
        self._made, self._begun = 0, 0
        self._leaving: Timer | None = None
        self.packed = Packed()
        self.key = ""

    @cached_property
    def _folder(self) -> Path:
        """Made when it is needed, for most visits bring nothing to scan; removed with this object or this process at the latest."""
        folder = Path(mkdtemp(prefix="sevis-"))
        finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @property
    def scanning(self) -> Scanning | None:
        """The scan of the pictures that were brought last, if it was begun."""
        return self._scans.get(self.key)

    def take(self, files: Iterable[tuple[str, bytes]], tell: Callable[[int], None] = lambda count: None) -> None:
        """Put other pictures in the place of those that are there; a scan of these stops."""
        self.stop()
        self.packed, self.key = Packed(), ""
        self.packed = pack(files, self._new("pictures", ".tar"), tell)
        self._tidy()

    def scan(self, network: str) -> None:
        """Begin a scan of the pictures that were brought.

        Raises:
            ValueError: there are none.
        """
        if self.packed.source is None:
            raise ValueError("There is no picture to scan; bring some first.")
        self.stop()
        self._begun += 1
        self.key = f"your scan {self._begun} of {network.rsplit('/')[-1]}"
        self._begin(Scanning(self._engine, self._line, network, self.packed.source, self._new("run")))
        self._tidy()

    def go_on(self) -> None:
        """Go on with the scan that was stopped."""
        before = self.scanning
        if before is not None and not before.is_running:
            self._begin(Scanning(self._engine, self._line, before.network, before.source, before.folder))

    def stop(self) -> None:
        """Ask the scan to stop, if there is one."""
        if self.scanning is not None:
            self.scanning.stop()

    def watch(self, errands: Errands) -> None:
        """Stop these too when the visitor is gone."""
        if errands not in self._errands:
            self._errands.append(errands)

    @property
    def folders(self) -> dict[str, Path]:
        """The folder of each run that has begun to be written, by its key; the latest first."""
        return {key: each.folder for key, each in reversed(self._scans.items()) if (each.folder / META).is_file()}

    def leave(self) -> None:
        """The visitor's connection was lost: close in a while, where there is anything to close; most visitors brought nothing."""
        self.stay()
        if not (self._scans or self._errands or "_folder" in vars(self)):
            return
        self._leaving = Timer(GRACE, self._expire)
        self._leaving.daemon = True
        self._leaving.start()

    def stay(self) -> None:
        """The visitor is here."""
        if self._leaving is not None:
            self._leaving.cancel()

    def _expire(self) -> None:
        """Close, unless the visitor came back."""
        self.leave() if self._is_here() else self.close()

    def close(self) -> None:
        """Stop, and remove everything; who comes back later begins anew."""
        going: tuple[Scanning | Errands, ...] = (*self._scans.values(), *self._errands)
        for each in going:
            each.stop()
        for each in going:
            each.join(PATIENCE)
        if "_folder" in vars(self):
            shutil.rmtree(vars(self).pop("_folder"), ignore_errors=True)
        self._scans, self.packed, self.key = {}, Packed(), ""

    def _new(self, name: str, suffix: str = "") -> Path:
        """A place in the folder that was never used before."""
        self._made += 1
        return Path(self._folder, f"{name} {self._made}{suffix}")

    def _begin(self, scanning: Scanning) -> None:
        self._scans[self.key] = scanning
        scanning.start()

    def _tidy(self) -> None:
        """Remove what is neither among the last runs nor their pictures."""
        for key in list(self._scans)[:-MOST_RUNS]:
            shutil.rmtree(self._scans.pop(key).folder, ignore_errors=True)
        sources = (self.packed.source, *(each.source for each in self._scans.values()))
        kept = {source.where for source in sources if source is not None}
        for tar in self._folder.glob("*.tar"):
            if tar not in kept:
                tar.unlink(missing_ok=True)
