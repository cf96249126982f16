"""What an inspection is made with, asked of the inspector that makes it."""

from __future__ import annotations

import re
from importlib.metadata import version
from platform import python_version

from sevis import __version__
from sevis.inspector import Inspector
from sevis.records import Provenance
from sevis.scanner import weights_sha256

__all__ = ["provenance_of"]

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of an object in memory: another one in every process


def provenance_of(inspector: Inspector) -> Provenance:
    """The network's weights, its preprocessing, and the versions of what runs it."""
    ran = ("torch", "numpy", "pillow")
    versions = (("sevis", __version__), ("python", python_version()), *((name, version(name)) for name in ran))
    return Provenance(weights_sha256(inspector.module), ADDRESS.sub("", repr(inspector.preprocessing)), versions)
