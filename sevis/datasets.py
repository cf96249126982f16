"""Where many pictures lie: a folder, a table of paths, a tar; listed once, then read one by one from any thread.

    source = datasets.open_source("photos.tar", split="val")
    source.entries[0].label            # "cat"
    source.picture(source.entries[0])  # or a PictureError that says why not

What a source is shows in what lies there; nothing is unpacked, and nothing here knows of networks.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sevis import pictures
from sevis.pictures import Picture
from sevis.shards import members

__all__ = ["SPLITS", "Entry", "Source", "SourceError", "open_source"]

# Also what sevis cannot read: such a picture is listed with the reason, and not passed over in silence.
SUFFIXES = tuple(".jpg .jpeg .png .webp .bmp .gif .tif .tiff .heic .heif .avif .jp2 .jxl".split())
SPLITS = ("val", "valid", "validation", "test", "train")  # the first that is there is taken: a network has learnt train by heart
PATH_COLUMNS = ("path", "image", "image_path", "file", "filename", "file_name", "filepath", "img")
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target")


class SourceError(ValueError):
    """Why a source gives no pictures: one sentence."""


@dataclass(frozen=True)
class Entry:
    """One picture of a source.

    Attributes:
        path: within the source, or absolute.
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
        kind: one of KINDS, in words.
        where: the folder, table or tar.
        split: the one of SPLITS that was taken; empty where there are none.
        numbered: whether its labels are the numbers of classes and not their names.
    """

    kind: str
    where: Path
    split: str
    entries: tuple[Entry, ...]
    numbered: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its classes, sorted; numbers by their size."""
        return tuple(sorted({e.label for e in self.entries if e.label is not None}, key=_by_number if self.numbered else str))

    @property
    def fingerprint(self) -> str:
        """A sha256 over the paths, labels and sizes: the same source gives the same one."""
        lines = (f"{e.path}\0{e.label or ''}\0{e.size}\n" for e in self.entries)
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    def picture(self, entry: Entry) -> Picture:
        """One picture; raises PictureError."""
        if entry.offset < 0:
            return pictures.read(self.where.parent / entry.path if self.where.is_file() else self.where / entry.path)
        with self.where.open("rb") as tar:  # opened each time: a shared file would have a shared position
            tar.seek(entry.offset)
            return pictures.read(tar.read(min(entry.size, pictures.MAX_BYTES + 1)))


def open_source(where: str | Path, split: str | None = None) -> Source:
    """The pictures of a folder, a table (.csv, .tsv) or a tar.

        CLASS/*.jpg, or val/CLASS/*.jpg   in a folder or a tar: labelled by their class folders
        *.jpg                             in a folder or a tar: no labels
        path,label                        in a table, with or without these words as its first line; relative to the table
        1.jpg 1.cls 2.jpg 2.json          in a tar: a WebDataset shard

    Args:
        split: which of SPLITS to take, where there are several; None takes the first in the order of SPLITS.

    Raises:
        SourceError: there is no such source or split, or no picture in it.
    """
    place = Path(where).expanduser()
    if not place.exists():
        raise SourceError(f"There is nothing at {str(where)!r}; expected a folder of pictures, a .csv of paths and labels, or a .tar.")
    try:
        source = next((listed(place, split) for fits, listed in KINDS if fits(place)), None)
    except OSError as error:
        raise SourceError(f"{str(where)!r} cannot be read ({error.strerror or error}); check who may read it.") from error
    if source is None:
        raise SourceError(
            f"{str(where)!r} is no folder, .csv, .tsv or plain .tar; unpack an archive of another kind, or list its pictures in a .csv."
        )
    if not source.entries:
        raise SourceError(f"There is no picture in {str(where)!r}; expected files that end in {', '.join(SUFFIXES[:6])} or .tif.")
    return source


def _by_number(label: str) -> int:
    return int(label)


def _is_picture(path: PurePosixPath) -> bool:
    """Whether the name is a picture's, and not a hidden file's or what macOS puts into archives."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def _folder(where: Path, split: str | None) -> Source:
    return _arranged("folder", where, _walk(where), split)


def _walk(root: Path) -> Iterator[Entry]:
    """Every picture below a folder, links followed, each folder once."""
    visited = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in visited:  # a link back up
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        relative = Path(folder).relative_to(root)
        yield from (Entry((relative / name).as_posix(), None, _size(Path(folder, name))) for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _tar(where: Path, split: str | None) -> Source:
    files = {PurePosixPath(m.name): m for m in members(where)}
    told = {key: m.label(where) for path, m in files.items() if (key := m.key) and path.suffix in (".cls", ".json")}
    entries = (Entry(m.name, told.get(m.key), m.size, m.offset) for m in files.values())
    if any(told.values()):
        return _labelled("WebDataset shard", where, [e for e in entries if _is_picture(PurePosixPath(e.path))])
    return _arranged("tar", where, entries, split)


def _arranged(container: str, where: Path, files: Iterable[Entry], split: str | None) -> Source:
    """The source of files whose folders are their splits and classes."""
    found = sorted((e for e in files if _is_picture(PurePosixPath(e.path))), key=lambda e: e.path)
    inner = _without_shared([PurePosixPath(e.path).parts for e in found])
    here = sorted({parts[0] for parts in inner if len(parts) > 1 and parts[0] in SPLITS}, key=SPLITS.index)
    if inner and here and all(parts[0] in SPLITS for parts in inner):
        taken = _taken(split, here, where)
        found = [e for e, parts in zip(found, inner, strict=True) if parts[0] == taken]
        inner = [parts[1:] for parts in inner if parts[0] == taken]
    elif split is not None:
        raise SourceError(f"{str(where)!r} has no splits, so {split!r} cannot be taken; expected folders {split}/CLASS in it.")
    else:
        taken = ""
    if not inner or any(len(parts) < 2 for parts in inner):
        return Source(f"flat {container}", where, taken, tuple(found))
    labelled = (replace(e, label=parts[0]) for e, parts in zip(found, inner, strict=True))
    return Source(f"{container} of class folders", where, taken, tuple(labelled))


def _taken(split: str | None, here: Sequence[str], where: Path) -> str:
    if split is not None and split not in here:
        raise SourceError(f"{str(where)!r} has no split {split!r}; choose from {', '.join(here)}.")
    return split or here[0]


def _without_shared(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The paths without the folders that all of them lie in, as long as a class folder is left."""
    while paths and all(len(parts) > 2 and parts[0] == paths[0][0] and parts[0] not in SPLITS for parts in paths):
        paths = [parts[1:] for parts in paths]
    return paths


def _table(where: Path, split: str | None) -> Source:
    if split is not None:
        raise SourceError(f"A table has no splits, so {split!r} cannot be taken; write the rows that you want into a table of their own.")
    try:
        with where.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter=_delimiter(where)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"The table {where.name} cannot be read ({error}); save it as CSV in UTF-8.") from error
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    path, label, first = _columns(rows[0] if rows else [])
    entries = (
        Entry(row[path], (row[label] or None) if label < len(row) else None, _size(where.parent / row[path]))
        for row in rows[first:]
        if path < len(row) and row[path]
    )
    return _labelled("table", where, list(entries))


def _delimiter(where: Path) -> str:
    """Tab in a .tsv; in a .csv what its first line has most of."""
    with where.open(encoding="utf-8-sig", errors="replace") as file:
        line = file.readline()
    return "\t" if where.suffix.lower() == ".tsv" else max(",;\t", key=line.count)


def _columns(header: Sequence[str]) -> tuple[int, int, int]:
    """Which column holds the path, which the label, and which row is the first picture's."""
    names = [name.casefold() for name in header]
    path = next((n for n, name in enumerate(names) if name in PATH_COLUMNS), None)
    if path is None:
        return 0, 1, 0
    return path, next((n for n, name in enumerate(names) if name in LABEL_COLUMNS), len(names)), 1


def _labelled(kind: str, where: Path, entries: list[Entry]) -> Source:
    """The source of entries that have their labels: numbers where all of them are."""
    labels = [e.label for e in entries if e.label is not None]
    return Source(kind, where, "", tuple(entries), bool(labels) and all(re.fullmatch("[0-9]{1,9}", label) for label in labels))


# (what it is, how its pictures are listed)
KINDS: tuple[tuple[Callable[[Path], bool], Callable[[Path, str | None], Source]], ...] = (
    (Path.is_dir, _folder),
    (lambda where: where.suffix.lower() in (".csv", ".tsv"), _table),
    (lambda where: where.suffix.lower() == ".tar", _tar),
)
