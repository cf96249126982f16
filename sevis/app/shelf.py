"""The runs that this server has on show, and a run as one file to take away. Nothing here draws.

The operator puts run folders below one directory; a visitor chooses among their names, and no name becomes a path.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from sevis.analysis.ablation import FILE as ABLATIONS
from sevis.analysis.zoom_storing import FILE as SWEEP
from sevis.runs import META, PARTS, STATISTICS, Run
from sevis.sources import Source
from sevis.tables import GATES, PICTURES

__all__ = ["PICTURES_AT", "RUNS", "is_near", "may_read", "near", "shown", "size_of", "zipped"]

RUNS = "SEVIS_RUNS"  # names the directory
USUAL = "runs"
PICTURES_AT = "SEVIS_PICTURES"  # names the directory below which pictures of runs are read again; by default where the server was started
WHOLE = (META, STATISTICS, ABLATIONS, SWEEP, f"{PICTURES}.parquet", f"{GATES}.parquet", f"{PARTS}/*.parquet")  # all that a run has


def shown() -> dict[str, Path]:
    """The run folders directly below the directory of the environment variable SEVIS_RUNS, by their names."""
    root = Path(os.environ.get(RUNS, USUAL))
    if not root.is_dir():
        return {}
    return {folder.name: folder for folder in sorted(root.iterdir()) if (folder / META).is_file() and _stays(folder, root.resolve())}


def _stays(folder: Path, root: Path) -> bool:
    """Whether the folder and all that a run has in it lie below the root, links followed."""
    return all(path.resolve().is_relative_to(root) for path in (folder, *(path for name in WHOLE for path in folder.glob(name))))


def may_read(run: Run) -> bool:
    """Whether the source of a run lies where this server reads pictures; each picture of it may still lie elsewhere, see `is_near`.

    A run that came from elsewhere may name any place of this machine.
    """
    where = Path(run.meta["source"]["path"])
    return where.exists() and is_near(run, where)


def is_near(run: Run, file: Path) -> bool:
    """Whether a file lies, links followed, where this server reads pictures: beside the run, or below the directory of SEVIS_PICTURES."""
    homes = (run.folder.parent.resolve(), Path(os.environ.get(PICTURES_AT, ".")).resolve())
    try:
        return any(file.resolve().is_relative_to(home) for home in homes)
    except (OSError, ValueError, RuntimeError):  # no name of a file, or links in a circle
        return False


def near(run: Run, source: Source) -> Source:
    """The source of a run without the pictures that lie elsewhere: a table, a link or a data set may name any file of this machine."""
    if (content := source.content) is not None:
        return replace(source, content=lambda number: _kept(run, content(number)))
    files = ((entry, source.file_of(entry)) for entry in source.entries)
    return replace(source, entries=tuple(entry for entry, file in files if file is None or is_near(run, file)))


def _kept(run: Run, given: object) -> object:
    """What a data set gives for a picture, unless that is a file that lies elsewhere."""
    if isinstance(given, Path) and not is_near(run, given):
        raise PermissionError("it lies where this server reads no pictures")
    return given


def size_of(folder: Path) -> int:
    """The bytes of a run."""
    return sum(path.stat().st_size for path in _files(folder))


def zipped(folder: Path) -> bytes:
    """The run's files as a zip with one folder in it; they are packed already, so it only holds them together."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in _files(folder):
            archive.write(path, Path(folder.name, path.relative_to(folder)))
    return packed.getvalue()


def _files(folder: Path) -> list[Path]:
    """What belongs to a run, and nothing else that lies there or that a link leads to."""
    home = folder.resolve()
    return [path for name in WHOLE for path in sorted(folder.glob(name)) if path.is_file() and path.resolve().is_relative_to(home)]
