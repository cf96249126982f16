"""What the squeeze says, and what covering a part of the picture does to it, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sevis.analysis.compare import Comparison
from sevis.analysis.covering import Grid, Part
from sevis.analysis.squeeze import from_high_to_low, holding_half
from sevis.records import Inspection
from sevis.words import counted, decimal, listed, percent, start

__all__ = ["brush_sentence", "squeeze_maps_sentence", "squeeze_moved_sentence"]

STILL = 0.005  # a smaller change of a squeeze is none
SMALL = 0.05  # of a smaller squeeze no percentage is told


def brush_sentence(grid: Grid, part: Part | None) -> str:
    """How much of the picture is covered."""
    cells = grid.rows * grid.columns
    if part is None:
        return "Nothing is covered."
    return f"The brush covers {counted(part.area, 'cell', cells)}, {percent(part.area / cells)} of what the network sees."


def squeeze_maps_sentence(inspection: Inspection, depth: int, channels: Sequence[int] | None = None) -> str:
    """The highest and the lowest mean of the block, and how many numbers became how many."""
    record = inspection.gates[depth]
    squeeze, count = record.squeeze[0], record.site.channels
    first, *_, last = from_high_to_low(squeeze, 2) if count > 1 else (0, 0)
    places = "" if record.maps is None else f", each of {record.maps.shape[3] * record.maps.shape[4]:,} numbers"
    ends = f"the highest is {decimal(float(squeeze[first]))} (channel {first}), the lowest {decimal(float(squeeze[last]))} (channel {last})"
    return f"{record.site.name} has {counted(count, 'channel')}{places}; of each the gate is told one, its mean: {ends}."


def squeeze_moved_sentence(comparison: Comparison, place: int) -> str:
    """Which channel fell most and which rose most, and in how few channels half of all change lies."""
    pair, name = comparison.pairs[place], comparison.blocks[place]
    before, after = (side.gates[depth].squeeze[0] for side, depth in zip(comparison.sides, (pair.first, pair.second), strict=True))
    moves = after - before
    falls, rises = int(moves.argmin()), int(moves.argmax())
    said = [_move(falls, "falls", before, after)] * bool(moves[falls] < -STILL)
    said += [_move(rises, "rises", before, after)] * bool(moves[rises] > STILL)
    if not said:
        return f"The squeeze of {name} stays as it is in all channels."
    half = counted(holding_half(before, after), "channel", len(moves))
    return f"{start(listed(said))}; half of all change in {name} lies in {half}."


def _move(channel: int, verb: str, before: np.ndarray, after: np.ndarray) -> str:
    was, now = float(before[channel]), float(after[channel])
    part = f"by {percent(abs(now / was - 1))}, " if was > SMALL and now >= 0 else ""
    return f"channel {channel} {verb} most, {part}from {decimal(was)} to {decimal(now)}"
