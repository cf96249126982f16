"""From what a visitor hands over for a scan, pictures and zip archives, to one tar that scans read. Nothing here draws.

A tar, because its members are read where they lie: no name that a visitor gave ever becomes a path of this server.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from sevis import zips
from sevis.datasets import SUFFIXES, Source, open_source
from sevis.zips import REFUSALS, Member

__all__ = ["MAX_TOTAL", "MOST", "Packed", "pack"]

MOST = 5000
MAX_TOTAL = 500_000_000  # bytes of all pictures together: they lie on the server's disk as long as the visit lasts
FULL = f"A scan here takes {MOST:,} pictures and {MAX_TOTAL // 1_000_000} MB; what came after was left out."
NO_PICTURE = "It is no picture: its name ends in none of .jpg, .png, .webp and the like."
HIDDEN = "It is a hidden file, which no picture should be; rename it."
FOLDER = REFUSALS["folder"]  # not worth a word: a set of a thousand classes has a thousand


@dataclass(frozen=True)
class Packed:
    """The pictures of a scan.

    Attributes:
        source: of them; None where there is no picture.
        left_out: what was not taken, each name with the sentence that says why.
    """

    source: Source | None = None
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def pictures(self) -> int:
        """How many there are to scan."""
        return len(self.source.entries) if self.source else 0


def pack(files: Iterable[tuple[str, bytes]], where: Path, tell: Callable[[int], None] = lambda count: None) -> Packed:
    """At most MOST pictures out of files (name, bytes), in their order, written to a new tar; whether they can be read the scan will say.

    Args:
        where: the tar.
        tell: called with the number of pictures so far, before each file and each entry of an archive, also one that is left out;
            whatever it raises ends the packing.
    """
    names: dict[str, int] = {}
    left_out: list[tuple[str, str]] = []
    size = 0
    with tarfile.open(where, "w") as tar:
        for member in _opened(files):
            tell(len(names))
            refusal = member.refusal or _refusal(member.name)
            size += 0 if refusal else len(member.content)
            if not refusal and (len(names) == MOST or size > MAX_TOTAL):
                left_out.append((member.name, FULL))
                break
            if refusal:
                left_out += [(member.name, refusal)] if refusal != FOLDER else []
                continue
            info = tarfile.TarInfo(_unused(member.name, names))
            info.size = len(member.content)
            tar.addfile(info, BytesIO(member.content))
    return Packed(open_source(where) if names else None, tuple(left_out))


def _opened(files: Iterable[tuple[str, bytes]]) -> Iterator[Member]:
    """Every file under its own name, and in place of an archive its members with their folders."""
    for name, content in files:
        if zips.is_zip(content) or name.lower().endswith(".zip"):
            found = (Member(_posix(each.name) or name, each.content, each.refusal) for each in zips.members(content))
            yield from found
        else:
            yield Member(_posix(name).rpartition("/")[2] or "unnamed", content)


def _posix(name: str) -> str:
    return name.replace("\\", "/").replace("\0", "")  # a tar's names end there


def _refusal(name: str) -> str:
    """Why a name is not that of a picture; "" where it is."""
    path = PurePosixPath(name)
    if any(part.startswith(".") for part in path.parts):
        return HIDDEN
    return "" if path.suffix.lower() in SUFFIXES else NO_PICTURE


def _unused(name: str, names: dict[str, int]) -> str:
    """The name, or the first of "name 2", "name 3" ... that no other picture has; `names` counts how often each was asked for."""
    told, path = name, PurePosixPath(name)
    while told in names:
        names[name] += 1
        told = str(path.with_stem(f"{path.stem} {names[name]}"))
    names[told] = 1
    return told
