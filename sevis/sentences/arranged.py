"""What the same weights do where the SE block stands elsewhere, in words."""

from __future__ import annotations

from collections.abc import Sequence

from sevis.analysis.arranged import Arranged
from sevis.analysis.gate_statistics import GateStatistics
from sevis.words import amount, listed, percent

__all__ = ["activations_sentence", "placements_sentence", "spread_by_block_sentence"]


def placements_sentence(arranged: Sequence[Arranged], chosen: int = 0) -> str:
    """What the standard arrangement answers, what the chosen one does, and which units could not be rearranged."""
    usual, other = arranged[0], arranged[chosen]
    said = f"Standing as they were trained, these weights say {usual.label} ({percent(usual.probability)})"
    if chosen:
        same = "say the same" if other.label == usual.label else f"say {other.label}"
        said += f"; as {other.name} they {same} ({percent(other.probability)})"
    kept = f" {listed(other.kept)} stay standard there: their SE block weighs more channels than come in." if other.kept else ""
    return f"{said}.{kept}"


def activations_sentence(arranged: Sequence[Arranged], chosen: int = 0) -> str:
    """How much more or less the chosen arrangement's maps spread behind the last unit, and where they lie furthest apart."""
    usual, other = arranged[0], arranged[chosen]
    last = f"Behind the last unit, {usual.blocks[-1]}, the standard arrangement's maps spread by {amount(float(usual.spreads[-1]))}"
    if not chosen:
        return f"{last}."
    ratios = [float(b) / float(a) if a else 1.0 for a, b in zip(usual.spreads, other.spreads, strict=True)]
    far = max(range(len(ratios)), key=lambda n: max(ratios[n], 1 / ratios[n]) if ratios[n] else float("inf"))
    return (
        f"{last} and those of {other.name} by {amount(float(other.spreads[-1]))};"
        f" they lie furthest apart behind {usual.blocks[far]}, where {other.name} has {amount(ratios[far])} times the spread."
    )


def spread_by_block_sentence(statistics: Sequence[GateStatistics]) -> str:
    """Which block's weights vary most between pictures, and which least."""
    spreads = [float(each.overall.spread.mean()) for each in statistics]
    names = [f"{each.site.name} ({amount(spread)})" for each, spread in zip(statistics, spreads, strict=True)]
    most, least = (names[spreads.index(end)] for end in (max(spreads), min(spreads)))
    return f"The weights of {most} differ most." if most == least else f"The weights of {most} differ most, those of {least} least."
