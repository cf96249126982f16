"""What lies in a plain tar, and what a WebDataset shard says of its pictures; nothing is unpacked."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Member", "members"]

JSON_KEYS = ("label", "cls", "class", "class_name", "target")
LONGEST = 1 << 20  # bytes of a label's file


@dataclass(frozen=True)
class Member:
    """One file of a tar.

    Attributes:
        offset: where its bytes begin.
    """

    name: str
    size: int
    offset: int

    @property
    def key(self) -> str:
        """What the files of one sample share: the name up to the first dot of its last part."""
        folder, _, last = self.name.rpartition("/")
        return f"{folder}/{last.split('.')[0]}"

    def label(self, where: Path) -> str | None:
        """What a .cls or .json file says of the class; None where it says nothing."""
        with where.open("rb") as tar:
            tar.seek(self.offset)
            text = tar.read(min(self.size, LONGEST)).decode("utf-8", "replace").strip()
        return (_json_label(text) if self.name.endswith(".json") else text) or None


def _json_label(text: str) -> str | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    values = (said.get(key) for key in JSON_KEYS) if isinstance(said, dict) else (said,)
    return next((str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)), None)


def members(where: Path) -> Iterator[Member]:
    """Every file of a tar that is not compressed.

    Raises:
        OSError: it is none, or it was cut short.
    """
    try:
        with tarfile.open(where, "r:") as tar:
            for info in tar:
                if info.isreg() and not info.issparse():
                    yield Member(info.name.removeprefix("./"), info.size, info.offset_data)
                tar.members = []  # type: ignore[attr-defined]  # it keeps all of them, a kilobyte each
    except tarfile.TarError as error:
        raise OSError(f"it is not a plain tar, or it was cut short: {error}") from error
