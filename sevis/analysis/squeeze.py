"""The squeeze of a block, channel by channel: which channels to look at, and which moved most between two pictures.

NumPy in, NumPy out.
"""

from __future__ import annotations

import numpy as np

from sevis.analysis.rank import descending
from sevis.records import GateRecord

__all__ = ["from_high_to_low", "holding_half", "most_moved", "pooled_maps"]


def pooled_maps(record: GateRecord, channels: tuple[int, ...]) -> np.ndarray:
    """The maps whose mean is the squeeze, (channels, H, W): of a selection, its branches added up (Li et al. 2019, eq. 1 and 2).

    Raises:
        ValueError: the feature maps were not recorded.
    """
    if record.maps is None:
        raise ValueError(f"{record.site.path}: the feature maps were not recorded; inspect with maps=True")
    return np.asarray(record.maps[0][:, list(channels)].astype(np.float32).sum(axis=0))


def from_high_to_low(squeeze: np.ndarray, count: int) -> tuple[int, ...]:
    """So many channels of a squeeze (C,) at equal steps of rank, from the highest to the lowest; all of them where there are fewer."""
    steps = np.linspace(0, len(squeeze) - 1, min(count, len(squeeze))).round().astype(int)
    return tuple(int(channel) for channel in descending(squeeze)[steps])


def most_moved(before: np.ndarray, after: np.ndarray, count: int) -> tuple[int, ...]:
    """The channels of two squeezes (C,) that lie furthest apart, the furthest first; among equals the larger ones come first."""
    order = np.lexsort((-np.abs(before), -np.abs(after - before)))
    return tuple(int(channel) for channel in order[:count])


def holding_half(before: np.ndarray, after: np.ndarray) -> int:
    """The fewest channels that hold half of all that moved between two squeezes (C,); 0 where nothing moved."""
    falling = np.sort(np.abs(after - before).astype(float))[::-1].cumsum()
    return int(np.searchsorted(falling, falling[-1] / 2) + 1) if falling[-1] > 0 else 0
