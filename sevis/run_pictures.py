"""The pictures of a run, found again: those that were scanned, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sevis.datasets import open_source
from sevis.runs import Run
from sevis.sources import Source, SourceError

__all__ = ["pictures_of"]


def pictures_of(run: Run) -> Source:
    """The source that was scanned, with those of its entries alone that the run has read.

    Raises:
        SourceError: it is gone, or holds other pictures by now.
    """
    told = run.meta["source"]
    root = told.get("root")
    source = open_source(told["path"], told["split"] or None, root=None if root is None else Path(root))
    if source.fingerprint != told["fingerprint"]:
        raise SourceError(f"{told['path']} holds other pictures than those that were scanned; scan it again, or name pictures.")
    read = set(run.pictures["path"][run.pictures["read"]])
    return replace(source, entries=tuple(entry for entry in source.entries if entry.shown in read))
