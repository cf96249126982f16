"""From what a visitor hands over at once, pictures and zip archives, to the pictures of a batch. Nothing here draws."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from PIL import Image

from sevis import zips
from sevis.pictures import Picture, PictureError
from sevis.zips import Member

__all__ = ["MOST", "Brought", "Gathering", "gather"]

MOST = 64
EXACT = 1_000_000  # bytes; a larger file is kept as a JPEG of the pixels that the page shows, so that 64 photographs fit into memory
FULL = f"A batch holds {MOST} pictures; what came after them was left out."


@dataclass(frozen=True)
class Brought:
    """One picture of a batch, as a file.

    Attributes:
        title: the name of its file or sample, to be shown and for nothing else.
        data: the file's bytes.
    """

    title: str
    data: bytes

    @cached_property
    def digest(self) -> str:
        """The sha256 of the file."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Gathering:
    """The pictures of a batch, and what was left out: each name with the sentence that says why."""

    pictures: tuple[Brought, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def gather(files: Iterable[tuple[str, bytes]], read: Callable[[bytes], Picture], tell: Callable[[str], None]) -> Gathering:
    """At most MOST pictures out of files (name, bytes), in their order.

    Args:
        read: a file as a picture; it raises PictureError.
        tell: called with the name of what is read next; whatever it raises ends the gathering.
    """
    found: list[Brought] = []
    left_out: list[tuple[str, str]] = []
    for member in _opened(files):
        title = _title(member.name)
        tell(title)
        if member.refusal:
            left_out.append((title, member.refusal))
        elif len(found) == MOST:
            left_out.append((title, FULL))
            break
        else:
            try:
                found.append(Brought(title, _kept(member.content, read)))
            except PictureError as error:
                left_out.append((title, str(error)))
    return Gathering(tuple(found), tuple(left_out))


def _opened(files: Iterable[tuple[str, bytes]]) -> Iterator[Member]:
    """Every file, and in place of an archive its members."""
    for name, content in files:
        if zips.is_zip(content) or name.lower().endswith(".zip"):
            yield from (Member(member.name or name, member.content, member.refusal) for member in zips.members(content))
        else:
            yield Member(name, content)


def _kept(content: bytes, read: Callable[[bytes], Picture]) -> bytes:
    picture = read(content)
    if len(content) <= EXACT:
        return content
    packed = BytesIO()
    Image.fromarray(picture.pixels).save(packed, "JPEG", quality=95, subsampling=0)
    return packed.getvalue()


def _title(name: str) -> str:
    """The last part of a name; a folder's own name where that is empty."""
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    return parts[-1] if parts else "unnamed"
