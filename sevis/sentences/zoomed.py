"""What enlarging one picture does to the selections of a network, beside what blurring alone does."""

from __future__ import annotations

import numpy as np

from sevis.analysis.zoomed import Zoomed
from sevis.words import counted, decimal, listed, percent

__all__ = ["zoomed_shares_sentence"]

LEAST = 0.001  # of a share: less is called none


def zoomed_shares_sentence(zoomed: Zoomed) -> str:
    """In how many blocks the large kernel gains or loses by the zoom, where most, and in how many blur alone goes the same way."""
    large, count = zoomed.sites[0].branches[-1], len(zoomed.sites)
    if zoomed.zoom == 1:
        shares = [f"{percent(float(share))} in {site.name}" for share, site in zip(zoomed.own, zoomed.sites, strict=True)][
            :: max(count - 1, 1)
        ]
        return f"As it is, the picture gives {large} {listed(shares)}; zoom to see the shares move."
    by_zoom, by_blur = zoomed.enlarged - zoomed.own, zoomed.blurred - zoomed.own
    most = int(np.abs(by_zoom).argmax())
    gains = counted(int((by_zoom > LEAST).sum()), "block", count)
    said = f"At zoom {zoomed.zoom:g}, {large} gains in {gains} and loses in {int((by_zoom < -LEAST).sum()) or 'none'}"
    zoom, blur = _points(float(by_zoom[most])), _points(float(by_blur[most]))
    largest = f"most in {zoomed.sites[most].name}, by {zoom} percentage points (blur alone: {blur})"
    same = int(((np.sign(by_zoom) == np.sign(by_blur)) & (np.abs(by_zoom) > LEAST)).sum())
    return f"{said}; it moves {largest}. Blur alone goes the same way in {same} of the {int((np.abs(by_zoom) > LEAST).sum())} that move."


def _points(change: float) -> str:
    """A change of a share in percentage points, with its sign."""
    points = 100 * change
    return f"{'+' if points >= 0.05 else ''}{decimal(points, 1)}"
