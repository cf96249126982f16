"""The runs that this server has on show, and a run as one file to take away. Nothing here draws.

The operator puts run folders below one directory; a visitor chooses among their names, and no name becomes a path.
"""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from pathlib import Path

from sevis.runs import META

__all__ = ["RUNS", "shown", "size_of", "zipped"]

RUNS = "SEVIS_RUNS"  # names the directory
USUAL = "runs"


def shown() -> dict[str, Path]:
    """The run folders directly below the directory of the environment variable SEVIS_RUNS, by their names."""
    root = Path(os.environ.get(RUNS, USUAL))
    if not root.is_dir():
        return {}
    return {folder.name: folder for folder in sorted(root.iterdir()) if (folder / META).is_file() and _stays(folder, root.resolve())}


def _stays(folder: Path, root: Path) -> bool:
    """Whether the folder and all that a run has in it lie below the root, links followed."""
    return all(path.resolve().is_relative_to(root) for path in (folder, *folder.glob("*"), *folder.glob("parts/*")))


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
    """What belongs to a run, and not what is being written."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".") and path.suffix != ".aside"]
