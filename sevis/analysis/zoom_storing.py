"""A sweep as one file of a run's folder, so that it is opened again without the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from sevis.analysis.moments import Moments
from sevis.analysis.zoom import GateSweep, Sweep
from sevis.aside import aside
from sevis.records import GateSite

__all__ = ["FILE", "read_sweep", "write_sweep"]

FILE = "sweep.npz"  # of a run folder
FORMAT = 1
SUMS = ("channels", "classes", "slopes")
PARTS = tuple(part.name for part in fields(Moments))


def write_sweep(folder: Path, sweep: Sweep) -> None:
    """Keep the sweep in a run's folder; one that is there already is replaced as a whole."""
    meta = {
        "format": FORMAT,
        "network": sweep.network,
        "weights_sha256": sweep.weights_sha256,
        "classes": sweep.classes,
        "zooms": sweep.zooms,
        "unread": sweep.unread,
        "named": sweep.named,
        "sites": [asdict(gate.site) for gate in sweep.gates],
    }
    sums = {
        f"{place}.{name}.{part}": getattr(getattr(gate, name), part)
        for place, gate in enumerate(sweep.gates)
        for name in SUMS
        for part in PARTS
    }
    with aside(folder / FILE) as path, path.open("wb") as file:
        np.savez(file, meta=np.array(json.dumps(meta)), right=sweep.right, **sums)


def read_sweep(folder: Path) -> Sweep | None:
    """The sweep that a run's folder keeps; None where it keeps none.

    Raises:
        ValueError: the file is not one of ours, or of another version.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            return _sweep({name: held[name] for name in held.files})
    except (KeyError, TypeError, ValueError, EOFError, OSError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}); delete it, and sweep anew") from error


def _sweep(arrays: Mapping[str, np.ndarray]) -> Sweep:
    meta = json.loads(str(arrays["meta"]))
    if meta["format"] != FORMAT:
        raise ValueError(f"format {meta['format']!r}, expected {FORMAT}")
    gates = tuple(
        GateSweep(GateSite(**{**site, "branches": tuple(site["branches"])}), *(_moments(arrays, f"{place}.{name}") for name in SUMS))
        for place, site in enumerate(meta["sites"])
    )
    return Sweep(
        meta["network"],
        meta["weights_sha256"],
        tuple(meta["classes"]),
        tuple(meta["zooms"]),
        meta["unread"],
        meta["named"],
        arrays["right"],
        gates,
    )


def _moments(arrays: Mapping[str, np.ndarray], name: str) -> Moments:
    return Moments(*(arrays[f"{name}.{part}"] for part in PARTS))
