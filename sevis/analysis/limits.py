"""LIMITS: the thresholds that stand beside a metric's values, by metric, and on which side of each a gate is what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["LIMITS", "Limit"]


@dataclass(frozen=True)
class Limit:
    """One threshold of a metric.

    Attributes:
        name: in sevis.analysis.thresholds.
        side: of it on which a gate is what `meaning` says; the threshold itself belongs to "above".
        meaning: as in "the gate is nearly constant".
        wrong: whether that is a reason to worry.
    """

    name: str
    side: Literal["below", "above"]
    meaning: str
    wrong: bool = True

    def holds(self, value: float, threshold: float) -> bool:
        """Whether a value lies on this side of the threshold."""
        return value >= threshold if self.side == "above" else value < threshold


LIMITS: dict[str, tuple[Limit, ...]] = {
    "M1": (Limit("M1.constant", "below", "nearly constant"), Limit("M1.alive", "above", "alive", wrong=False)),
    "M3": (Limit("M3.open", "above", "open throughout"),),
    "M3_closed": (Limit("M3.closed", "above", "mostly closed"),),
    "M4": (Limit("M4.half", "above", "stuck at half"),),
    "M5": (Limit("M5.slope", "below", "saturated"),),
    "M6": (Limit("M6.mostly", "above", "mostly dead"), Limit("M6.dead", "above", "dead")),
    "M8": (Limit("M8.rank", "below", "of low rank"),),
    "M10": (Limit("M10.alike", "above", "the same pattern for every picture"),),
    "M12": (Limit("M12.spread", "below", "without input"),),
    "B1": (Limit("B1.hard", "below", "all or nothing"), Limit("B1.uniform", "above", "without a choice")),
    "B2": (Limit("B2.usage", "below", "without one of its branches"),),
    "B2_entropy": (Limit("B2.entropy", "below", "mostly on one branch"),),
    "B3": (Limit("B3.information", "below", "blind to the picture"),),
    "B4": (Limit("B4.constant", "below", "nearly constant"), Limit("M1.alive", "above", "alive", wrong=False)),
    "B6": (Limit("B6.off", "above", "off a sum of 1"),),
}
