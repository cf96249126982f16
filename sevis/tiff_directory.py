"""What the directory of a TIFF asks for, told before anybody does it.

    tiff_directory.check(content)     # raises ValueError where it asks for more than any honest picture
    tiff_directory.orientation(exif)  # 6, or None where none can be read

Pillow makes a Python object of every number that a tag says it has, two million of them out of 20 MB, and libtiff sets aside whatever one
tile says it needs. An EXIF block in another file is a TIFF too; of that only the orientation is wanted, so Pillow need not read it at all.
Only the first directory counts, for only the first frame is shown; BigTIFF is not read here.
"""

from __future__ import annotations

import re
import struct
from math import ceil, inf
from typing import NamedTuple

__all__ = ["ORIENTATION", "check", "orientation"]

WIDTH, LENGTH, SAMPLES, ROWS_PER_STRIP, PLANES, TILE_WIDTH, TILE_LENGTH = 256, 257, 277, 278, 284, 322, 323
ORIENTATION, COLOURS = 274, 320
STRIP_TAGS, TILE_TAGS = (273, 279), (324, 325)  # where the pieces lie, and how many bytes each has
# Pillow reads these, and expects one number in each, or one for each sample
ONE_NUMBER = {WIDTH, LENGTH, 259, 262, 266, ORIENTATION, SAMPLES, ROWS_PER_STRIP, 282, 283, PLANES, 296, TILE_WIDTH, TILE_LENGTH}
FEW_NUMBERS = {258, 338, 339, 530}
BLOCKS = {700, 34675}  # XMP and a colour profile: as long as they like, but of bytes

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}  # bytes of a type's number
BYTES, WHOLE = (1, 2, 7), {3: "H", 4: "I"}  # types: of bytes, and of the numbers a picture's layout is told in

MAX_ENTRIES = 1000  # usual are 20
FEW = 16
MAX_COLOURS = 3 * 256
MAX_SAMPLES = 6  # Pillow reads no more, and says so in the log
MAX_PIECES = 25_000  # a strip for each row of the longest picture; unpacked ones take Pillow 11 microseconds each
SMALLEST, TILE, COVERED = 256, 2048**2, 4096**2  # pixels that one of many tiles has, that one may have, and all of them, in any picture


class _Entry(NamedTuple):
    """One line of a directory: a tag, its type, how many numbers of it there are, and these or where they lie."""

    tag: int
    kind: int
    numbers: int
    value: bytes

    @property
    def size(self) -> int:
        """Bytes of all its numbers; none where nobody knows the type, for then nobody reads them."""
        return self.numbers * SIZES.get(self.kind, 0)


class _Directory:
    """The first directory of a TIFF that begins at a place of some bytes; raises ValueError or struct.error where there is none."""

    def __init__(self, content: bytes, start: int = 0) -> None:
        self.order = {b"II": "<", b"MM": ">"}.get(content[start : start + 2], "")
        if not self.order:
            raise ValueError("no TIFF")
        place = start + int(struct.unpack_from(self.order + "4xI", content, start)[0])
        count = int(struct.unpack_from(self.order + "H", content, place)[0])
        lines, end = content[place + 2 : place + 2 + 12 * count], place + 2 + 12 * count + 4  # the next directory's place is behind it
        if count > MAX_ENTRIES or end > len(content):
            raise ValueError(f"{count} entries in {len(content)} bytes")
        self.entries = [_Entry(*fields) for fields in struct.iter_unpack(self.order + "HHI4s", lines)]
        self.by_tag = {entry.tag: entry for entry in self.entries}

    def number(self, tag: int, default: int) -> int:
        """The whole number in a tag, or the default where there is no such tag; raises ValueError where it is no such number."""
        if tag not in self.by_tag:
            return default
        _, kind, count, value = self.by_tag[tag]
        if kind not in WHOLE or count != 1:
            raise ValueError(f"tag {tag} has {count} numbers of type {kind}")
        return int(struct.unpack_from(self.order + WHOLE[kind], value)[0])

    def end(self, entry: _Entry) -> int:
        """Where the numbers of an entry end, 0 where they are in the entry itself."""
        return int(struct.unpack(self.order + "I", entry.value)[0]) + entry.size if entry.size > 4 else 0


def orientation(exif: bytes) -> int | None:
    """The orientation that an EXIF block tells, with or without "Exif" before it; None where none can be read."""
    try:
        before = re.match(rb"(Exif\0\0){0,2}", exif)
        return _Directory(exif, before.end() if before else 0).number(ORIENTATION, 0) or None
    except (ValueError, struct.error):
        return None


def check(content: bytes) -> None:
    """Raise ValueError or struct.error unless a TIFF's first directory is whole and asks for no more than an honest one may.

    Nothing in it is left to the reader's choice: neither two entries of one tag, of which Pillow and libtiff might choose different ones,
    nor numbers that lie outside the file or over each other so often that they are more than the file.
    """
    directory = _Directory(content)
    entries = directory.entries
    if len(directory.by_tag) < len(entries):
        raise ValueError("a tag is there twice")
    if sum(entry.size for entry in entries) > len(content) or max(map(directory.end, entries), default=0) > len(content):
        raise ValueError("more numbers than the file has")
    for entry in entries:
        if entry.numbers > _most(entry):
            raise ValueError(f"tag {entry.tag} has {entry.numbers} numbers")
    _check_pieces(directory)


def _most(entry: _Entry) -> float:
    """How many numbers the entry may have; those that Pillow never looks at as many as go into the file."""
    if entry.tag in ONE_NUMBER:
        return 1
    if entry.tag in FEW_NUMBERS or (entry.tag in BLOCKS and entry.kind not in BYTES):
        return FEW
    return MAX_COLOURS if entry.tag == COLOURS else inf


def _check_pieces(directory: _Directory) -> None:
    """Raise ValueError where the strips or tiles are more than the picture needs, or larger than makes sense for it."""
    width, height = directory.number(WIDTH, 0), directory.number(LENGTH, 0)
    samples = directory.number(SAMPLES, 1)
    rows = directory.number(ROWS_PER_STRIP, height)
    tile_width, tile_length = directory.number(TILE_WIDTH, width), directory.number(TILE_LENGTH, height)
    if min(width, height, rows, tile_width, tile_length) < 1 or samples > MAX_SAMPLES:
        raise ValueError("a side or a strip without pixels, or too many samples")
    planes = samples if directory.number(PLANES, 1) == 2 else 1
    tiles = ceil(width / tile_width) * ceil(height / tile_length)
    padded = ceil(width / 16) * ceil(height / 16) * 256
    area = tile_width * tile_length
    if (area < SMALLEST and tiles > 1) or area > max(padded, TILE) or area * tiles > max(3 * padded, COVERED):
        raise ValueError(f"tiles of {tile_width} x {tile_length} in a picture of {width} x {height}")
    for tags, needed in ((STRIP_TAGS, ceil(height / rows)), (TILE_TAGS, tiles)):
        for entry in (directory.by_tag[tag] for tag in tags if tag in directory.by_tag):
            if entry.kind not in WHOLE or entry.numbers > min(needed * planes, MAX_PIECES):
                raise ValueError(f"{entry.numbers} pieces, and {needed} are needed")
