"""In how many directions the logits of a gate vary from picture to picture."""

from __future__ import annotations

import plotly.graph_objects as go

from sevis.analysis.bottleneck import effective_rank, width
from sevis.analysis.gate_statistics import GateStatistics
from sevis.figures.gate_histogram import EVIDENCE_HEIGHT, EVIDENCE_MARGIN
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import decimal, ordinal

__all__ = ["gate_spectrum"]


def gate_spectrum(statistics: GateStatistics, *, theme: Theme = LIGHT) -> go.Figure:
    """A bar a direction up to the width of the bottleneck: its share of all singular values; dotted, the effective rank.

    Raises:
        ValueError: the logits do not vary.
    """
    rank, most = effective_rank(statistics), width(statistics)
    if rank is None:
        raise ValueError(f"the logits of {statistics.site.name} do not vary from picture to picture, so they have no rank")
    values = statistics.logits.singular_values[:most]
    shares, name = values / values.sum(), statistics.site.name
    line = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": rank * most, "x1": rank * most}
    return compose(
        [
            {
                "type": "bar",
                "x": list(range(1, len(shares) + 1)),
                "y": shares,
                "marker": {"color": theme.positive},
                "customdata": told([[f"the {ordinal(n)} direction holds {share:.1%}" for n, share in enumerate(shares, 1)]]),
                "hovertemplate": f"{name}: %{{customdata[0]}} of the singular values<extra></extra>",
            }
        ],
        (
            f"{name}: directions of the logits",
            f"effective rank {decimal(rank * most, 1)} of the {most} there is room for ({decimal(rank)}, M8)",
        ),
        EVIDENCE_HEIGHT,
        theme=theme,
        margin=EVIDENCE_MARGIN,
        bargap=0.25,
        shapes=[{**line, "line": {"color": theme.ink, "width": 1.5, "dash": "dot"}}],
        xaxis={"title": {"text": "direction, largest first"}, "fixedrange": True, "range": [0.3, most + 0.7]},
        yaxis={
            "title": {"text": "of all singular values"},
            "tickformat": "~%",
            "showgrid": True,
            "rangemode": "tozero",
            "fixedrange": True,
        },
    )
