"""What is kept of many pictures that one network saw: a thumbnail, the prediction, and the weights of every gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sevis.records import GateAverage, GateSite, Inspection, Prediction

__all__ = ["Batch", "Scale", "Seen"]

Scale = Literal["average", "absolute"]


@dataclass(frozen=True)
class Seen:
    """One picture of a batch.

    Attributes:
        thumbnail: the picture as the network saw it, small, (h, w, 3) uint8.
        predictions: the most probable classes, or the boxes that were found, best first; a detector may find none.
        target: the first of them, or a detector's best guess.
        weights: one array a gate, (M, C).
    """

    thumbnail: np.ndarray
    predictions: tuple[Prediction, ...]
    target: Prediction
    weights: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, inspection: Inspection, thumbnail: np.ndarray) -> Seen:
        """What is kept of an inspection; its maps are let go."""
        return cls(thumbnail, inspection.predictions, inspection.target, tuple(gate.weights[0].copy() for gate in inspection.gates))


@dataclass(frozen=True)
class Batch:
    """N pictures that one network saw.

    Attributes:
        model: name of the network.
        sites: its gates, in order of depth.
        averages: one average a gate, or empty where none were measured.
        titles: what the pictures are called, one each.
        pictures: what is kept of each.
    """

    model: str
    sites: tuple[GateSite, ...]
    averages: tuple[GateAverage, ...]
    titles: tuple[str, ...]
    pictures: tuple[Seen, ...]

    def __post_init__(self) -> None:
        if len(self.titles) != len(self.pictures):
            raise ValueError(f"{self.model}: {len(self.titles)} titles for {len(self.pictures)} pictures")
        if any(len(seen.weights) != len(self.sites) for seen in self.pictures):
            raise ValueError(f"{self.model}: not every picture has the weights of {len(self.sites)} gates")

    def weight(self, depth: int) -> np.ndarray:
        """The number that stands for each channel, (N, C): its weight, or the share of the last branch."""
        return np.stack([seen.weights[depth][-1] for seen in self.pictures])

    def deviation(self, depth: int) -> np.ndarray | None:
        """How many spreads that number lies above the average picture, (N, C); None without averages."""
        if not self.averages:
            return None
        return self.averages[depth].deviation(np.stack([seen.weights[depth] for seen in self.pictures]))[:, -1]

    def shown(self, depth: int, scale: Scale) -> np.ndarray:
        """The numbers as they are drawn and compared, (N, C): against the average picture where that is asked for and known."""
        spreads = self.deviation(depth) if scale == "average" else None
        return self.weight(depth) if spreads is None else spreads

    @property
    def most_varied(self) -> int:
        """The depth of the gate that told these pictures apart the most; 0 where there is none."""
        varied = [float(self.shown(depth, "average").std(axis=0).mean()) for depth in range(len(self.sites))]
        return varied.index(max(varied)) if varied else 0
