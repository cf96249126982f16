"""The files that torch.save writes: a zip with a pickle in it, or five pickles and then the values, as before 2020.

The pickle is gone through before torch reads it. It is taken out of the zip with torch's own reader, so that the pickle that was looked at
is the one that torch runs.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path
from typing import Any

import torch

from sevis.nets.network import described
from sevis.nets.pickled import gone_through
from sevis.nets.pickled_calls import Refused, Work, is_atom

__all__ = ["unpickled"]

LIMIT = 16 << 20  # bytes of a pickle; one of 10,000 tensors has 1 MB
MOST_PARTS = 20_000  # of a zip; there is one for each tensor, and tensors are limited by sevis.nets.pickled_calls.WORK
CHUNK = 1 << 20  # bytes that are read at a time
ZIP = b"PK\x03\x04"
ENTRY = b"PK\x01\x02"
BEFORE_2020 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the first pickle of the older format: a number that stands for it
RECORD = "data.pkl"
PROGRAM = "constants.pkl"


def unpickled(path: Path) -> Any:
    """What torch.save put into a file, if it is tensors and what training scripts save beside them.

    Raises:
        Refused: it is damaged, or something else; the text goes on after "The checkpoint net.pt".
    """
    try:
        is_zip = _check(path)
        with torch.serialization.safe_globals([argparse.Namespace]):  # timm's training script saves its arguments beside the weights
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except Refused:
        raise
    except Exception as error:  # a damaged pickle can end in any error there is
        raise Refused(f"cannot be read ({described(error)})") from error


def _check(path: Path) -> bool:
    """Go through a file's pickles; gives whether they are in a zip."""
    work = Work(path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(len(BEFORE_2020))
        if head == BEFORE_2020:
            _check_row(io.BytesIO(file.read(LIMIT)), work)
            return False
    if not head:
        raise EOFError("it is empty")
    if not head.startswith(ZIP):
        raise Refused("cannot be read (it is not a file that torch.save wrote)")
    _check_archive(path)
    gone_through(io.BytesIO(_record(path)), work)
    return True


def _check_row(rest: io.BytesIO, work: Work) -> None:
    """The pickles after the first: the version, the machine's sizes, the state, and the names of its storages."""
    for _ in range(3):
        gone_through(rest, work)
    names = gone_through(rest, work)
    if not (isinstance(names, list) and all(map(is_atom, names))):
        raise Refused("cannot be read (its list of storages is none)")


def _check_archive(path: Path) -> None:
    """Refuse a zip of too many parts, or one that unpacks to more than it has: torch packs nothing, and 1 MB could fill the memory."""
    if _parts(path) > MOST_PARTS:
        raise Refused(f"cannot be read (its zip has more than {MOST_PARTS:,} parts)")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > path.stat().st_size:
        raise Refused(f"cannot be read (it would unpack to {unpacked / 1e6:,.1f} MB)")


def _parts(path: Path) -> int:
    """How many entries a zip's directory has at most, counted before zipfile makes an object of each."""
    found, before = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found += (before + chunk).count(ENTRY)
            before = chunk[1 - len(ENTRY) :]
    return found


def _record(path: Path) -> bytes:
    reader: Any = torch._C.PyTorchFileReader(str(path))
    if reader.has_record(PROGRAM):
        raise Refused("cannot be read (it is a TorchScript program)")
    told = reader.get_record_size(RECORD) if hasattr(reader, "get_record_size") else 0  # without it the file's size is the bound
    record: bytes = b"" if told > LIMIT else reader.get_record(RECORD)
    if (size := max(told, len(record))) > LIMIT:
        raise Refused(f"cannot be read (its pickle has {size / 1e6:,.1f} MB, expected at most {LIMIT / 1e6:,.1f} MB)")
    return record
