"""What the panels of a sweep have in common: which blocks they are of, and a colour for each zoom."""

from __future__ import annotations

from sevis.analysis.profile import papers_blocks
from sevis.analysis.zoom import GateSweep, Sweep
from sevis.figures.theme import Theme

__all__ = ["blocks", "zoom_colours", "zoom_places"]


def blocks(sweep: Sweep) -> tuple[GateSweep, ...]:
    """The last block of each stage: SK_2_3, SK_3_4, SK_4_6 and SK_5_3 of SKNet-50."""
    shown = [sweep.gates[depth] for depth in papers_blocks([gate.site for gate in sweep.gates])]
    return tuple({gate.site.stage: gate for gate in shown}.values())


def zoom_places(sweep: Sweep) -> range:
    """The places of the zooms among the views."""
    return range(len(sweep.zooms))


def zoom_colours(sweep: Sweep, theme: Theme) -> list[str]:
    """One a zoom."""
    return [theme.branches[place % len(theme.branches)] for place in zoom_places(sweep)]
