"""The pictures of a scan, small, read again from where the scan found them. Nothing here draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from sevis.app.shelf import may_read
from sevis.datasets import Entry, Source, SourceError, open_source
from sevis.figures.overlay import shrunk
from sevis.pictures import PictureError
from sevis.runs import Run

__all__ = ["thumbnails"]

LONGEST = 160  # px


def thumbnails(run: Run, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Those of the pictures that can still be read, by name: none of a run whose pictures are elsewhere, or are others by now."""
    if not may_read(run):
        return {}
    entry, source = _entries(run)
    found = {}
    for name in names:
        try:
            found[name] = shrunk(source.picture(entry(name)).pixels, LONGEST)
        except (PictureError, OSError, KeyError):  # moved, or removed
            continue
    return found


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
    """An entry of a table, which may name files anywhere."""
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
