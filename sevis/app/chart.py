"""How every figure comes onto the page, and how a click on one becomes a choice."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from sevis.app import state
from sevis.records import Inspection

__all__ = ["chart", "clickable"]

CONFIG = {"displayModeBar": False, "scrollZoom": False}


def chart(figure: go.Figure, key: str) -> None:
    """A figure that speaks under the pointer."""
    st.plotly_chart(figure, key=key, theme=None, config=CONFIG, alt=_alt(figure))


def clickable(figure: go.Figure, key: str, inspection: Inspection) -> None:
    """A figure whose points choose their block and channel: their customdata begins with (depth, channel)."""
    st.plotly_chart(
        figure,
        key=key,
        theme=None,
        config=CONFIG,
        alt=_alt(figure),
        selection_mode="points",
        on_select=lambda: _choose(st.session_state.get(key), inspection),
    )


def _choose(event: Any, inspection: Inspection) -> None:
    """Take the block and channel of the clicked point; what a client sends is checked against what there is."""
    points = event["selection"]["points"] if event else []
    if not points:
        return
    depth, channel = _place(points[0].get("customdata"))
    if depth is not None and depth < len(inspection.sites):
        site = inspection.sites[depth]
        state.choose(site, channel if channel is not None and channel < site.channels else None)


def _place(customdata: Any) -> tuple[int | None, int | None]:
    """Depth and channel of a point; plotly hands them over as a list or as a mapping of places."""
    values = list(customdata.values()) if isinstance(customdata, dict) else list(customdata or [])
    whole = [value if isinstance(value, int) and value >= 0 else None for value in (*values, None, None)[:2]]
    return whole[0], whole[1]


def _alt(figure: go.Figure) -> str:
    """The title, for who hears the page."""
    return str(figure.layout.title.text or "figure").split("<br>")[0]
