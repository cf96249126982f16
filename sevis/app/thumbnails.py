"""The pictures of a scan, small, read again from where the scan found them. Nothing here draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from sevis.app.shelf import is_near, may_read
from sevis.datasets import Entry, Source, SourceError, open_source
from sevis.figures.overlay import shrunk
from sevis.pictures import PictureError
from sevis.runs import Run

__all__ = ["thumbnails"]

LONGEST = 160  # px


def thumbnails(run: Run, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The pictures that can still be read, by name: none that lies elsewhere, and none of a run whose pictures are others by now."""
    if not may_read(run):
        return {}
    entry, source = _entries(run)
    found = {}
    for name in names:
        try:
            found[name] = shrunk(source.picture(_near(run, source, entry(name))).pixels, LONGEST)
        except (PictureError, OSError, KeyError):  # moved, or removed
            continue
    return found


def _near(run: Run, source: Source, entry: Entry) -> Entry:
    """The entry, unless its file lies where this server reads no pictures."""
    file = source.file_of(entry)
    if file is not None and not is_near(run, file):
        raise KeyError(entry.path)
    return entry


def _entries(run: Run) -> tuple[Callable[[str], Entry], Source]:
    """How a row's name becomes an entry of the run's source; of folders and tables nothing is listed for it."""
    told = run.meta["source"]
    where = Path(told["path"])
    if where.suffix.lower() != ".tar":
        entry = _listed if told["kind"] == "table" and where.is_file() else _inside
        return entry, Source(told["kind"], where, told["split"], ())
    source = _same(where, told["split"] or None, told["fingerprint"])
    return {each.shown: each for each in source.entries}.__getitem__, source


def _listed(name: str) -> Entry:
    """An entry of a table, which may name files anywhere; which of them are read is decided by where they lie."""
    return Entry(name, None, -1)


def _inside(name: str) -> Entry:
    """An entry of a folder; a run that came from elsewhere may name anything, so a name that leads out is none."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise KeyError(name)
    return Entry(name, None, -1)


def _same(where: Path, split: str | None, fingerprint: str) -> Source:
    """The tar, if it still holds what was scanned; otherwise a source of nothing."""
    nothing = Source("nothing", where, "", ())
    try:
        source = open_source(where, split)
    except SourceError:
        return nothing
    return source if source.fingerprint == fingerprint else nothing
