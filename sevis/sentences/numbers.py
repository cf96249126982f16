"""What the numbers of a gate are called, and how many lie far from their average."""

from __future__ import annotations

import numpy as np

from sevis.records import GateSite, Inspection

__all__ = ["FAR", "depths", "far", "number_of"]

FAR = 2.0  # spreads


def number_of(site: GateSite) -> str:
    """What the number of a channel is: its weight, or the share of the last branch."""
    return f"share of {site.branches[-1]}" if site.kind == "branch" else "weight"


def far(spreads: np.ndarray) -> tuple[int, int]:
    """How many lie more than FAR spreads above and below."""
    return int((spreads > FAR).sum()), int((spreads < -FAR).sum())


def depths(inspection: Inspection) -> range:
    """The places of the gates."""
    return range(len(inspection.gates))
