"""A row of the table: what was timed, against what, and the figure to reach."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.rounds import Rounds

__all__ = ["FULL", "LEAST", "MOST", "TINY", "Row", "Sizes", "compared"]

MOST, LEAST = "at most", "at least"


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        value: the ratio, or seconds where `unit` is "s".
        bound: MOST or LEAST.
        reach: the figure to reach.
        seconds: medians of what was compared, by name.
        half: between which ratios the middle half of the rounds is; None where there is no ratio.
    """

    what: str
    against: str
    value: float
    bound: str
    reach: float
    seconds: dict[str, float]
    unit: str = "x"
    half: tuple[float, float] | None = None

    @property
    def holds(self) -> bool:
        return self.value <= self.reach if self.bound == MOST else self.value >= self.reach


def compared(what: str, against: str, rounds: Rounds, of: str, to: str, bound: str, reach: float) -> Row:
    """The row of how many times as long `of` takes as `to`."""
    low, middle, high = rounds.quartiles(of, to)
    return Row(what, against, middle, bound, reach, rounds.seconds, half=(low, high))


@dataclass(frozen=True)
class Sizes:
    """How large and how often: the full table, or a small one that shows that it runs.

    Attributes:
        side: of the picture, in pixels.
        networks: of NETWORKS.
        rounds: of the passes.
        slow_rounds: of what takes seconds.
        pictures: of the scan.
        photographs: a folder, .tar or .csv for the scan; "" makes pictures.
    """

    side: int = 224
    networks: tuple[str, ...] = ("SE-ResNet-50", "SKNet-50")
    rounds: int = 9
    slow_rounds: int = 7
    pictures: int = 256
    photographs: str = ""


FULL, TINY = Sizes(), Sizes(32, ("small",), 1, 1, 8)
