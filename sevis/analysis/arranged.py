"""What one arrangement of the SE blocks made of a picture: the numbers of the lesson on where the block sits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Arranged"]


@dataclass(frozen=True)
class Arranged:
    """One arrangement of one network's weights, and one picture.

    Attributes:
        name: "standard", "pre", "post" or "identity" (Hu et al. 2018, figure 5), or "doubled" (document 000).
        blocks: the residual units' names, in order of depth.
        spreads: the standard deviation of each unit's output, over its channels and places, (units,).
        label: the most probable class.
        probability: of it.
        kept: the units that stand as in the standard arrangement all the same, since their SE block fits nowhere else.
    """

    name: str
    blocks: tuple[str, ...]
    spreads: np.ndarray
    label: str
    probability: float
    kept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.spreads.shape != (len(self.blocks),):
            raise ValueError(f"{self.name}: spreads have shape {self.spreads.shape}, expected one of each of {len(self.blocks)} units")
