"""Where many pictures lie: a folder, a table of paths, a tar, a data set by its name; listed once, then read one by one from any thread.

    source = datasets.open_source("photos.tar", split="val")
    source.entries[0].label            # "cat"
    source.picture(source.entries[0])  # or a PictureError that says why not

What a source is shows in what lies there; nothing is unpacked, and nothing here knows of networks.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sevis.hub_sets import is_saved, open_hub, open_saved
from sevis.shards import members
from sevis.sources import LABEL_COLUMNS, SPLITS, Entry, Source, SourceError, labelled
from sevis.torchvision_sets import open_torchvision

__all__ = ["SPLITS", "Entry", "Source", "SourceError", "open_source"]

# Also what sevis cannot read: such a picture is listed with the reason, and not passed over in silence.
SUFFIXES = tuple(".jpg .jpeg .png .webp .bmp .gif .tif .tiff .heic .heif .avif .jp2 .jxl".split())
PATH_COLUMNS = ("path", "image", "image_path", "file", "filename", "file_name", "filepath", "img")


def open_source(where: str | Path, split: str | None = None, *, root: str | Path | None = None, download: bool = False) -> Source:
    """The pictures of a folder, a table (.csv, .tsv), a tar, or a data set by its name.

        CLASS/*.jpg, or val/CLASS/*.jpg   in a folder or a tar: labelled by their class folders
        *.jpg                             in a folder or a tar: no labels
        path,label                        in a table, with or without these words as its first line; relative to the table
        1.jpg 1.cls 2.jpg 2.json          in a tar: a WebDataset shard
        torchvision/NAME[:SPLIT]          a class of torchvision.datasets, laid out in `root` as torchvision does
        hf/NAME[@CONFIGURATION][:SPLIT]   a data set of the Hugging Face hub; a folder that save_to_disk made goes by its path

    Args:
        split: which of SPLITS to take, where there are several; None takes the first in the order of SPLITS. A data set by its name
            may call its splits otherwise.
        root: the folder that data sets by name lie in; None is `data` for torchvision, and of Hugging Face the package's own.
        download: whether a data set by name may be fetched; without it nothing asks for the network.

    Raises:
        SourceError: there is no such source or split, or no picture in it.
    """
    place = Path(where).expanduser()
    source = _lying(place, split) if place.exists() else _named(str(where), split, None if root is None else Path(root), download=download)
    if not source.entries:
        raise SourceError(f"There is no picture in {str(where)!r}; expected files that end in {', '.join(SUFFIXES[:6])} or .tif.")
    return source


def _lying(place: Path, split: str | None) -> Source:
    try:
        source = next((listed(place, split) for fits, listed in KINDS if fits(place)), None)
    except OSError as error:
        raise SourceError(f"{str(place)!r} cannot be read ({error.strerror or error}); check who may read it.") from error
    if source is None:
        raise SourceError(
            f"{str(place)!r} is no folder, .csv, .tsv or plain .tar; unpack an archive of another kind, or list its pictures in a .csv."
        )
    return source


def _named(where: str, split: str | None, root: Path | None, *, download: bool) -> Source:
    prefix, _, rest = where.partition("/")
    name, _, told = rest.partition(":")
    if prefix not in NAMED or not name:
        names = " or ".join(f"{each}/NAME" for each in NAMED)
        raise SourceError(f"There is nothing at {where!r}; expected a folder of pictures, a .csv of paths and labels, a .tar, or {names}.")
    if split and told and split != told:
        raise SourceError(f"{where!r} names the split {told!r}, but {split!r} is asked for as well; name it once.")
    return NAMED[prefix](name, told or split, root, download=download)


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
        return labelled("WebDataset shard", where, [e for e in entries if _is_picture(PurePosixPath(e.path))])
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
    return labelled("table", where, list(entries))


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


# (what it is, how its pictures are listed)
KINDS: tuple[tuple[Callable[[Path], bool], Callable[[Path, str | None], Source]], ...] = (
    (is_saved, open_saved),
    (Path.is_dir, _folder),
    (lambda where: where.suffix.lower() in (".csv", ".tsv"), _table),
    (lambda where: where.suffix.lower() == ".tar", _tar),
)

# what stands before the name -> how such a data set is opened
NAMED = {"torchvision": open_torchvision, "hf": open_hub}
