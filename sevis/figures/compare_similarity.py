"""How alike the two sides' weights are by depth: the angle between the rows, and the order of the channels."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.compare import Comparison
from sevis.figures.sides import HEIGHT, MARGIN, block_ticks
from sevis.figures.theme import LIGHT, Theme, compose
from sevis.words import decimal

__all__ = ["compare_similarity"]

# field of a pair, its name, its mark
LINES = (("cosine", "cosine", "circle"), ("rank", "rank correlation", "square"))


def compare_similarity(comparison: Comparison, *, theme: Theme = LIGHT) -> go.Figure:
    """Cosine and Spearman's rank correlation of the channels' weights, a point a pair of blocks; 1 is the same."""
    if not comparison.one_to_one:
        raise ValueError("channels pair up in the same architecture alone; show other networks with compare_blocks or compare_moved")
    inks = (theme.muted, theme.positive)
    key = "&nbsp;&nbsp; ".join(
        f"<span style='color:{ink}'>{sign}</span> {name}" for ink, sign, (_, name, _) in zip(inks, "●■", LINES, strict=True)
    )
    lowest = min((value for pair in comparison.pairs for value in (pair.cosine, pair.rank) if value is not None), default=0.0)
    return compose(
        [_line(comparison, line, ink) for line, ink in zip(LINES, inks, strict=True)],
        ("Similarity by depth", key),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        xaxis={**block_ticks(comparison), "title": {"text": "block, early to late"}},
        yaxis={
            "title": {"text": "similarity of the channels"},
            "range": [min(-0.05, lowest - 0.05), 1.06],
            "showgrid": True,
            "zeroline": True,
            "fixedrange": True,
        },
    )


def _line(comparison: Comparison, line: tuple[str, str, str], ink: str) -> dict[str, Any]:
    field, name, symbol = line
    known = [place for place, pair in enumerate(comparison.pairs) if getattr(pair, field) is not None]
    values = [getattr(comparison.pairs[place], field) for place in known]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": known,
        "y": values,
        "line": {"width": 1.5, "color": ink},
        "marker": {"symbol": symbol, "size": 8, "color": ink},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [
            [comparison.pairs[place].first, None, comparison.blocks[place], decimal(value)]
            for place, value in zip(known, values, strict=True)
        ],
        "hovertemplate": f"%{{customdata[2]}}: {name} %{{customdata[3]}}<extra></extra>",
    }
