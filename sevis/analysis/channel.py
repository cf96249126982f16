"""One channel of a block up close: its place among the others, its share of the block's Grad-CAM, and its map as a thumbnail.

NumPy in, NumPy out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevis.analysis.rank import channel_influence, descending, weight
from sevis.records import GateRecord, Inspection

__all__ = ["Thumbnails", "before_and_after", "class_means", "percentiles", "places", "shares", "thumbnails"]

SIDE = 32  # cells of a thumbnail's longer side
CELLS = 1 << 18  # of all thumbnails of a block together: 256 KiB before compression


def places(values: np.ndarray) -> np.ndarray:
    """The place of each value (C,) from the highest, which is 1; equal values keep their order."""
    order = descending(values)
    found = np.empty(len(values), dtype=int)
    found[order] = np.arange(1, len(values) + 1)
    return found


def shares(inspection: Inspection, depth: int) -> np.ndarray:
    """The share of each channel in what the block's Grad-CAM says for the class, or against it, (C,) in [0, 1].

    A Grad-CAM is a sum over channels of alpha_c x A_c, cut off below 0 (Selvaraju et al. 2017, eq. 1 and 2), where A_c is the map
    after the gate and alpha_c the mean slope of the score by it. The mean slope is not recorded; the influence is: it sums
    slope x A_c over all places, which is what the channel puts into a map whose slopes stay where they are (HiResCAM,
    Draelos and Carin 2020), and equals places x alpha_c x mean A_c where the slope is the same everywhere. So the share is
    that of the influence, among the channels of the same sign: those that spoke for the class, or against it.
    """
    influence = channel_influence(inspection, depth).astype(float)
    totals = np.where(influence > 0, influence[influence > 0].sum(), influence[influence < 0].sum())
    return np.asarray(np.divide(influence, totals, out=np.zeros_like(influence), where=influence != 0))


def percentiles(inspection: Inspection, depth: int) -> np.ndarray | None:
    """On how many percent of the pictures of the average the weight of each channel is lower, (C,); None where that is unknown."""
    if not inspection.averages or inspection.averages[depth].quantiles is None:
        return None
    average, last = inspection.averages[depth], len(inspection.sites[depth].branches) - 1
    return np.array([average.percentile(last, channel, float(value)) for channel, value in enumerate(weight(inspection, depth))])


def class_means(inspection: Inspection, depth: int, channel: int) -> np.ndarray | None:
    """The channel's mean weight over the pictures of each class, (K,) in the order of the classes; None where that is unknown."""
    known = inspection.averages[depth].by_class if inspection.averages else None
    return None if known is None else known[:, -1, channel]


def before_and_after(record: GateRecord, channel: int) -> np.ndarray:
    """The channel's map of each branch before the gate, and last the map after it, (M + 1, H, W).

    Raises:
        ValueError: the feature maps were not recorded.
    """
    if record.maps is None:
        raise ValueError(f"{record.site.path}: the feature maps were not recorded; inspect with maps=True")
    before = record.maps[0, :, channel].astype(np.float32)
    return np.concatenate([before, np.einsum("m,mhw->hw", record.weights[0, :, channel], before)[None]])


@dataclass(frozen=True)
class Thumbnails:
    """The maps of all channels of a block, small enough to be sent to a page.

    Attributes:
        low, high: the lowest and highest value of each channel's maps, (C,) float32.
        cells: the maps between them, (M, C, h, w) uint8.
    """

    low: np.ndarray
    high: np.ndarray
    cells: np.ndarray


def thumbnails(record: GateRecord) -> Thumbnails:
    """The maps before the gate, averaged down to SIDE cells a side or less: CELLS for the whole block.

    Raises:
        ValueError: the feature maps were not recorded.
    """
    if record.maps is None:
        raise ValueError(f"{record.site.path}: the feature maps were not recorded; inspect with maps=True")
    maps = _smaller(record.maps[0].astype(np.float32))
    low, high = maps.min(axis=(0, 2, 3)), maps.max(axis=(0, 2, 3))
    extent = np.where(high > low, high - low, 1)[:, None, None]
    cells = np.rint((maps - low[:, None, None]) / extent * 255).astype(np.uint8)
    return Thumbnails(low, high, cells)


def _smaller(maps: np.ndarray) -> np.ndarray:
    """The maps (M, C, H, W) averaged by area until they keep to SIDE and CELLS; a map keeps at least one cell a side."""
    height, width = maps.shape[2:]
    scale = min(1.0, SIDE / max(height, width), (CELLS / maps.size) ** 0.5)
    rows, columns = (_averaging(side, max(1, int(side * scale))) for side in (height, width))
    return np.asarray(rows @ maps @ columns.T)


def _averaging(cells: int, fewer: int) -> np.ndarray:
    """How much each cell adds to the mean of each of the fewer cells that it lies in, (fewer, cells) float32."""
    edges = np.arange(cells + 1) * fewer / cells
    place = np.arange(fewer)[:, None]
    inside = np.minimum(edges[1:], place + 1) - np.maximum(edges[:-1], place)
    return inside.clip(0).astype(np.float32)
