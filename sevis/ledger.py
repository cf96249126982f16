"""Keeps what a scan has done so that it can be killed at any moment and go on later, every picture counted once.

Rows go to a part of their own, and `statistics.npz` is replaced after it: the renaming of this one file is what makes the
pictures count. A part whose pictures it does not count is overwritten by the next scan.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sevis import tables
from sevis.analysis.statistics import GateStatistics, Growing, to_arrays
from sevis.aside import aside
from sevis.records import GateRecord, GateSite
from sevis.runs import META, PARTS, STATISTICS, committed, tables_of
from sevis.tables import COLUMNS, GATES, PICTURES

__all__ = ["Ledger", "write_meta"]

EVERY = 10.0  # seconds between two commits
SHARE = 0.02  # of the time at most is spent on commits
MOST_HELD = 1024  # pictures whose gates wait in memory: 30 MB of the 15,104 gates of SE-ResNet-50

Row = Mapping[str, Any]


class Ledger:
    """The growing results of one scan, with one owner.

    Args:
        folder: of the run; it may hold an earlier scan's results, which are gone on with.
        sites: of the gates whose weights are written picture by picture; () for none.
        every: seconds between two commits at least; 0 commits every batch.

    Attributes:
        done: how many pictures count.
    """

    def __init__(self, folder: Path, sites: Sequence[GateSite], meta: Mapping[str, Any], *, every: float = EVERY) -> None:
        self._folder, self._sites, self._every = folder, tuple(sites), every
        (folder / PARTS).mkdir(exist_ok=True)
        self._schemas = tables.schemas(self._sites, meta)
        self.done, begun = committed(folder)
        self._statistics = Growing(begun)
        self._rows: list[Row] = []
        self._kept: list[dict[str, np.ndarray]] = []
        self._last, self._took = time.monotonic(), 0.0

    def add(self, rows: Sequence[Row], statistics: Sequence[GateStatistics], records: Sequence[GateRecord]) -> None:
        """One batch: a row for every picture, and of those that were read the statistics and the records."""
        self._statistics.add(statistics)
        if self._sites and records:
            read = [self.done + len(self._rows) + n for n, row in enumerate(rows) if row["read"]]
            paths = [row["path"] for row in rows if row["read"]]
            flat = {r.site.name: r.weights.astype(np.float16).reshape(len(r.weights), -1) for r in records}
            self._kept.append({"picture": np.array(read), "path": np.array(paths, dtype=object)} | flat)
        self._rows += rows

    @property
    def is_due(self) -> bool:
        """Whether it is time for a commit: not so often that they take more than their share."""
        pause = max(self._every, self._took / SHARE) if self._every else 0.0
        return time.monotonic() - self._last >= pause or sum(len(each["picture"]) for each in self._kept) >= MOST_HELD

    def commit(self) -> None:
        """Make what was added count."""
        if not self._rows:
            return
        started = time.monotonic()
        self._write(PICTURES, [{name: [row[name] for row in self._rows] for name in COLUMNS}])
        if self._sites:
            self._write(GATES, self._kept)
        done = self.done + len(self._rows)
        with aside(self._folder / STATISTICS) as path, path.open("wb") as file:
            arrays: dict[str, Any] = {"done": np.array(done), **to_arrays(self._statistics.whole)}
            np.savez(file, **arrays)
        self.done, self._rows, self._kept = done, [], []
        self._last = time.monotonic()
        self._took = self._last - started

    def _write(self, name: str, batches: Sequence[Mapping[str, Any]]) -> None:
        """The part of a table that begins with the first picture that does not count yet."""
        with aside(self._folder / PARTS / f"{name}-{self.done:012d}.parquet") as path:
            tables.write(path, batches, self._schemas[name])

    def close(self) -> None:
        """Commit, join the parts to one file a table, and remove them."""
        self.commit()
        for name in self._schemas:
            files = tables_of(self._folder, name, self.done)
            if files[1:] or (files and files[0].parent.name == PARTS):
                with aside(self._folder / f"{name}.parquet") as path:
                    tables.join(path, files, self._schemas[name], self.done)
        for left in (self._folder / PARTS).iterdir():
            left.unlink()


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Replace the run's description."""
    with aside(folder / META) as path:
        path.write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
