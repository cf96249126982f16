"""What every kind of data set gives: entries that are listed once, and a way to read them one by one from any thread."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from sevis import pictures
from sevis.pictures import Picture, PictureError

__all__ = ["LABEL_COLUMNS", "SPLITS", "Entry", "Source", "SourceError", "labelled"]

SPLITS = ("val", "valid", "validation", "test", "train")  # the first that is there is taken: a network has learnt train by heart
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target")


class SourceError(ValueError):
    """Why a source gives no pictures: one sentence."""


@dataclass(frozen=True)
class Entry:
    """One picture of a source.

    Attributes:
        path: within the source, or absolute; of a data set by name its name, split and the picture's number.
        label: the name of its class; None where nobody says.
        size: of its file in bytes; -1 where there is none.
        offset: where its bytes begin in the tar; -1 outside of one.
    """

    path: str
    label: str | None
    size: int
    offset: int = -1

    @property
    def shown(self) -> str:
        """Its path as proper Unicode: a file's name may be any bytes."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Source:
    """Pictures in the order of their paths.

    Attributes:
        kind: what it is, in words.
        where: the folder, table or tar, or the name of a data set.
        split: the one of its splits that was taken; empty where there are none.
        numbered: whether its labels are the numbers of classes and not their names.
        root: the folder that a data set of that name lies in; None where `where` is a place itself.
        content: of an entry, where its bytes are no file's: the number of the picture -> bytes, a path or a PIL picture.
    """

    kind: str
    where: Path
    split: str
    entries: tuple[Entry, ...]
    numbered: bool = False
    root: Path | None = None
    content: Callable[[int], object] | None = field(default=None, compare=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its classes, sorted; numbers by their size."""
        return tuple(sorted({e.label for e in self.entries if e.label is not None}, key=_by_number if self.numbered else str))

    @property
    def fingerprint(self) -> str:
        """A sha256 over the paths, labels and sizes: the same source gives the same one."""
        lines = (f"{e.path}\0{e.label or ''}\0{e.size}\n" for e in self.entries)
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    def file_of(self, entry: Entry) -> Path | None:
        """The picture's own file; None where it lies in a tar or in a data set."""
        if self.content is not None or entry.offset >= 0:
            return None
        return self.where.parent / entry.path if self.where.is_file() else self.where / entry.path

    def picture(self, entry: Entry) -> Picture:
        """One picture; raises PictureError."""
        if self.content is not None:
            return pictures.read(self._given(self.content, entry))
        if (file := self.file_of(entry)) is not None:
            return pictures.read(file)
        with self.where.open("rb") as tar:  # opened each time: a shared file would have a shared position
            tar.seek(entry.offset)
            return pictures.read(tar.read(min(entry.size, pictures.MAX_BYTES + 1)))

    def _given(self, content: Callable[[int], object], entry: Entry) -> bytes | Path | Image.Image:
        """What a data set gives for an entry; its own loader may raise whatever it likes."""
        try:
            given = content(int(entry.path.rpartition("/")[2]))
        except Exception as error:
            why = f"{self.where} cannot give it ({type(error).__name__}: {error})."
            raise PictureError(" ".join(why.split()), "damaged") from error
        if not isinstance(given, bytes | Path | Image.Image):
            raise PictureError(f"{self.where} gives a {type(given).__name__} in its place, expected a picture.", "wrong-type")
        return given


def _by_number(label: str) -> int:
    return int(label)


def labelled(kind: str, where: Path, entries: Sequence[Entry]) -> Source:
    """The source of entries that have their labels: numbers where all of them are."""
    labels = [e.label for e in entries if e.label is not None]
    return Source(kind, where, "", tuple(entries), bool(labels) and all(re.fullmatch("[0-9]{1,9}", label) for label in labels))
