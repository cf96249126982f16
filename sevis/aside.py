"""How every file is written that must never be read half: beside its name, and then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["aside"]


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A place to write a file that takes the other's name once it is whole, on the disk, and not before.

    A process that is killed inside the block leaves the old file as it was; what it wrote is overwritten by the next one.
    """
    fresh = path.with_name(f"{path.name}.aside")
    yield fresh
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
