"""What lies in a zip archive, member by member, read in memory: nothing is unpacked to disk, and no name ever becomes a path.

    for member in zips.members(upload.getvalue()):
        member.refusal or pictures.read(member.content)

Whatever is wrong with a member is one sentence, and the members after it are read all the same.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

from sevis.pictures import MAX_BYTES

__all__ = ["MAX_ENTRIES", "MAX_RATIO", "MAX_TOTAL", "REFUSALS", "Member", "is_zip", "members"]

MAX_ENTRIES = 6000
MAX_TOTAL = 400_000_000  # bytes that all members may unpack to together, those that are refused after it included
MAX_RATIO = 200  # a photograph packs to a little less than its size, an empty drawing to a hundredth
SIGNATURE, ENTRY = b"PK\x03\x04", b"PK\x01\x02"
HEADER = 30  # bytes of a member's header, whose last four are the lengths of the name and of what more comes before its content
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # an LZMA member may ask for 4 GB to be unpacked with
JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")

REFUSALS = {
    "damaged-archive": "The zip archive is damaged or not one; pack it again.",
    "too-many-entries": f"The zip archive has more than {MAX_ENTRIES:,} entries; pack the pictures alone.",
    "junk": "It was put into the archive by the system that packed it, and is no picture.",
    "folder": "It is a folder; the pictures in it are read on their own.",
    "link": "It is a link to another file and not a picture; pack the file itself.",
    "outside": "Its name leads out of the archive, which no picture's name should; pack it again.",
    "encrypted": "It is encrypted; pack it without a password.",
    "method": "It is packed in a way that is not read here; pack it as an ordinary zip.",
    "too-many-bytes": f"It unpacks to more than {MAX_BYTES // 1_000_000} MB; save it smaller or as JPEG.",
    "ratio": f"It unpacks to more than {MAX_RATIO} times its size, as no photograph does.",
    "total": f"The archive unpacks to more than {MAX_TOTAL // 1_000_000} MB; pack fewer pictures.",
    "overlap": "It shares its bytes with another entry, as in no honest archive; pack it again.",
    "damaged": "It is damaged in the archive; pack it again.",
    "nested": "It is an archive in the archive, and those are not opened; bring it on its own.",
}


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Attributes:
        name: as the archive gives it, to be shown and for nothing else; "" is the archive itself.
        content: its bytes; empty where it was refused.
        refusal: the sentence on why it was not read.
    """

    name: str
    content: bytes = b""
    refusal: str = ""


def is_zip(content: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return content.startswith(SIGNATURE)


def members(content: bytes) -> Iterator[Member]:
    """Every entry of an archive, in its order; each is unpacked when it is asked for, so who has enough just stops."""
    if content.count(ENTRY) > MAX_ENTRIES:  # every entry begins so: counted before zipfile makes an object of each
        yield Member("", refusal=REFUSALS["too-many-entries"])
        return
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    # A damaged archive makes zipfile raise BadZipFile, ValueError, struct.error, NotImplementedError and more, hence Exception.
    except Exception:
        yield Member("", refusal=REFUSALS["damaged-archive"])
        return
    entries = archive.infolist()
    overlapping, left = _overlapping(content, entries), MAX_TOTAL
    for entry in entries:
        reason = _reason(entry, left, overlapping)
        if reason:
            yield Member(entry.filename, refusal=REFUSALS[reason])
            continue
        left -= entry.file_size  # whatever comes of it: what is damaged or an archive was unpacked too
        yield _unpacked(archive, entry)


def _reason(entry: zipfile.ZipInfo, left: int, overlapping: set[zipfile.ZipInfo]) -> str:
    """Why an entry is not unpacked at all; "" where it is."""
    reason = next((reason for reason, is_so in CHECKS if is_so(entry)), "")
    if not reason and entry in overlapping:
        return "overlap"
    return reason or ("total" if entry.file_size > left else "")


def _overlapping(content: bytes, entries: list[zipfile.ZipInfo]) -> set[zipfile.ZipInfo]:
    """Those that reach into the next entry's header, or have the same one: with few bytes they would be unpacked many times.

    No two of the others share a byte. Python looks for that itself from 3.11.8 on.
    """
    inside = sorted(entries, key=lambda entry: entry.header_offset)
    return {entry for entry, following in pairwise(inside) if _end(content, entry) > following.header_offset}


def _end(content: bytes, entry: zipfile.ZipInfo) -> int:
    """Where the bytes of an entry end: behind its header, the name and more as long as the header says, and what is packed."""
    start = entry.header_offset + HEADER
    name, more = (int.from_bytes(content[start - before : start - before + 2], "little") for before in (4, 2))
    return start + name + more + entry.compress_size


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    try:
        with archive.open(entry) as file:
            content = file.read(entry.file_size + 1)  # no more, whatever there is: the rest would be unpacked to be thrown away
    # zlib.error, BadZipFile, EOFError, RuntimeError and more, as above
    except Exception:
        return Member(entry.filename, refusal=REFUSALS["damaged"])
    if is_zip(content):
        return Member(entry.filename, refusal=REFUSALS["nested"])
    return Member(entry.filename, content)


def _is_junk(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.startswith(JUNK[0]) or entry.filename.rsplit("/", 1)[-1] in JUNK


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _leads_out(entry: zipfile.ZipInfo) -> bool:
    """Whether the name is absolute, has a drive, or goes up."""
    parts = entry.filename.replace("\\", "/").split("/")
    return parts[0] == "" or ":" in parts[0] or ".." in parts


# What the header tells before anything is unpacked; the first that holds is the reason.
CHECKS: tuple[tuple[str, Callable[[zipfile.ZipInfo], bool]], ...] = (
    ("junk", _is_junk),
    ("outside", _leads_out),
    ("folder", zipfile.ZipInfo.is_dir),
    ("link", _is_link),
    ("encrypted", lambda entry: bool(entry.flag_bits & 1)),
    ("method", lambda entry: entry.compress_type not in METHODS),
    ("too-many-bytes", lambda entry: entry.file_size > MAX_BYTES),
    ("ratio", lambda entry: entry.file_size > MAX_RATIO * max(entry.compress_size, 1)),
)
