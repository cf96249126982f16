"""What a file may make Pillow read: a hostile one has parts by the million, and scans that go over all pixels."""

from __future__ import annotations

import io
import re

__all__ = ["MAX_HEADER", "Rationed", "is_overfull"]

MAX_READS = 40_000  # of Pillow in a row: it looks at each part of a file in Python, and 20 MB hold a million empty ones
PER_READ = 120  # bytes that make good for one; a GIF's parts have 255, and two are needed for each
MAX_HEADER = 8_000_000  # bytes before the pixels: EXIF is pieced together anew with every piece
MAX_SCANS = 30  # of a JPEG: each goes over all pixels, and an empty one takes 12 bytes; usual are 10
MAX_MARKERS = 5_000  # of a JPEG, behind its header
MARKER, SCAN, END = re.compile(rb"\xff([^\0\xd0-\xd7\xff])"), b"\xda", b"\xd9"  # of JPEG; the others belong to the pixels


class Rationed(io.BytesIO):
    """A file's bytes, of which only so much is read that it takes a tenth of a second; then `read` raises OSError.

    Args:
        content: the file.
        header: how many of its bytes may be read piece by piece; more once the header is done with.
    """

    def __init__(self, content: bytes, header: float = MAX_HEADER) -> None:
        super().__init__(content)
        self.header, self.reads = header, float(MAX_READS)

    def read(self, size: int | None = -1, /) -> bytes:
        self.header -= max(size or 0, 0)
        if self.reads < 0 or self.header < 0:
            raise OSError("too many parts, or too much before the pixels")
        found = super().read(size)
        self.reads = min(self.reads - 1 + len(found) / PER_READ, MAX_READS)
        return found


def is_overfull(content: bytes, place: int) -> bool:
    """Whether a JPEG has more scans or markers behind its header, which ends at `place`, than any honest one."""
    scans = 1
    for _ in range(MAX_MARKERS):
        found = MARKER.search(content, place)
        if found is None or found[1] == END:
            return False
        scans += found[1] == SCAN
        if scans > MAX_SCANS:
            return True
        place = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
    return True
