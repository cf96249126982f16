"""What the selections of one picture become when its centre is enlarged, and when the picture is only as soft as that makes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevis.records import GateSite, Inspection

__all__ = ["Zoomed", "large_shares", "zoomed"]


@dataclass(frozen=True)
class Zoomed:
    """The mean share of the last branch in every block that selects, over its channels.

    Attributes:
        zoom: how many times the centre was enlarged.
        sites: the blocks that select, B of them.
        own: of the picture as it is, (B,).
        enlarged: of its centre, enlarged, (B,).
        blurred: of the whole picture, as soft as that, (B,).
    """

    zoom: float
    sites: tuple[GateSite, ...]
    own: np.ndarray
    enlarged: np.ndarray
    blurred: np.ndarray


def zoomed(zoom: float, own: Inspection, enlarged: Inspection, blurred: Inspection) -> Zoomed:
    """The shares of three inspections by one network."""
    sites = tuple(site for site in own.sites if site.kind == "branch")
    return Zoomed(zoom, sites, *(large_shares(each) for each in (own, enlarged, blurred)))


def large_shares(inspection: Inspection) -> np.ndarray:
    """The mean share of the last branch in each block that selects, (B,)."""
    return np.array([record.weights[0, -1].mean() for record in inspection.gates if record.site.kind == "branch"])
