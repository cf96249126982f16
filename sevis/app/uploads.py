"""Checkpoints that visitors brought: a byte budget, the longest unused out first; they live in memory alone."""

from __future__ import annotations

import hashlib
import sys
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

from sevis.loading import valid_names

__all__ = ["OWN", "Upload", "Uploads"]

OWN = "own/"  # how the names of uploads begin


@dataclass(frozen=True)
class Upload:
    """A safetensors file, the network that it belongs to, and the names of its classes."""

    data: bytes
    arch: str
    classes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The same for the same file, network and names; nobody can guess it who does not have the file."""
        whole = hashlib.sha256(self.data)
        whole.update("\n".join((self.arch, *self.classes)).encode())
        return f"{OWN}{whole.hexdigest()[:20]}"

    @cached_property
    def size(self) -> int:
        """Bytes that it takes in memory: the names of classes may be more than the file."""
        return len(self.data) + sum(sys.getsizeof(each) for each in (self.arch, *self.classes))


class Uploads:
    """What was brought, by name; threads may share it.

    Args:
        budget: bytes that all files and their names together may take.
    """

    def __init__(self, budget: int) -> None:
        self._budget, self._lock = budget, Lock()
        self._kept: OrderedDict[str, Upload] = OrderedDict()  # longest unused first

    def keep(self, upload: Upload) -> str:
        """Take a file in, and let the longest unused go until it fits; gives its name.

        Raises:
            CheckpointError: a name of a class is empty, overlong or there twice.
        """
        valid_names(upload.classes, len(upload.classes))  # how many there should be, only the file tells, when it is read
        name = upload.name
        with self._lock:
            self._kept[name] = upload
            self._kept.move_to_end(name)
            while sum(each.size for each in self._kept.values()) > self._budget and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return name

    def get(self, name: str) -> Upload | None:
        """The file of that name, if it is still here."""
        with self._lock:
            return self._kept.get(name)
