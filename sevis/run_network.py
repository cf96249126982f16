"""The network of a run, loaded again: what needs more than the run holds starts here."""

from __future__ import annotations

from sevis.inspector import Inspector
from sevis.loading import load
from sevis.provenance import weights_sha256
from sevis.runs import Run

__all__ = ["network_of"]


def network_of(run: Run, model: str | None = None, arch: str | None = None, device: str = "auto") -> Inspector:
    """The network that was scanned.

    Args:
        model: where it is, if not where the scan found it.
        arch: the network that a checkpoint file is of.

    Raises:
        CheckpointError: there is no such network.
        ValueError: its weights are not those that were scanned.
    """
    inspector = load(model or run.network, device, arch=arch)
    if weights_sha256(inspector.module) != run.meta["weights_sha256"]:
        raise ValueError(f"{inspector.name} has other weights than the network of {run.folder}; scan again, or name the network by --model")
    return inspector
