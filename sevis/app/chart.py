"""How every figure comes onto the page, and how a click on one becomes a choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from sevis.app import session
from sevis.app.drawn import Drawn
from sevis.profiles import csv_of
from sevis.records import Inspection

__all__ = ["chart", "clickable", "clickable_boxes", "clickable_pictures"]

CONFIG = {"displaylogo": False, "modeBarButtons": [["toImage"]], "scrollZoom": False}


def chart(figure: go.Figure, key: str) -> None:
    """A figure that speaks under the pointer."""
    with _beside_its_numbers(figure, key) as shown:
        st.plotly_chart(shown, key=key, theme=None, config=_config(key), alt=shown.alt)


def clickable(figure: go.Figure, key: str, inspection: Inspection) -> None:
    """A figure whose points choose their block and channel: their customdata begins with (depth, channel)."""
    selectable(figure, key, lambda values: _choose(values, inspection))


def clickable_boxes(figure: go.Figure, key: str, inspection: Inspection) -> None:
    """A figure whose points choose their box: their customdata begins with its place."""
    selectable(figure, key, lambda values: _choose_box(values, inspection))


def clickable_pictures(figure: go.Figure, key: str, count: int, choose: Callable[[int, int | None], None]) -> None:
    """A figure whose points choose one of so many pictures, and a channel: their customdata begins with (place, channel)."""
    selectable(figure, key, lambda values: _choose_picture(values, count, choose))


def selectable(figure: go.Figure, key: str, choose: Callable[[list[Any]], None]) -> None:
    """A figure that hands over the customdata of the point that is clicked."""
    with _beside_its_numbers(figure, key) as shown:
        st.plotly_chart(
            shown,
            key=key,
            theme=None,
            config=_config(key),
            alt=shown.alt,
            selection_mode="points",
            on_select=partial(_clicked, key),
        )
    session.listen(key, choose)


@contextmanager
def _beside_its_numbers(figure: go.Figure, key: str) -> Iterator[Drawn]:
    """Where a figure is drawn; under the pointer a button beside the camera gives what it draws as CSV."""
    shown = figure if isinstance(figure, Drawn) else Drawn(figure)
    with st.container(key=f"figure_{key}"):
        yield shown
        st.download_button(
            "CSV", lambda: csv_of(shown.numbers()), f"{key}.csv", "text/csv", key=f"csv_{key}", on_click="ignore", type="tertiary"
        )


def _clicked(key: str) -> None:
    """Hand over the click on a figure.

    Streamlit holds this callback for as long as the visitor stays, one for each figure that was ever drawn: so it holds a name only.
    """
    take = session.listener(key)
    if take is not None:
        _hand_over(st.session_state.get(key), take)


def _hand_over(event: Any, take: Callable[[list[Any]], None]) -> None:
    """The first point's customdata; plotly gives it as a list or as a mapping of places."""
    points = event["selection"]["points"] if event else []
    if points:
        customdata = points[0].get("customdata")
        take(list(customdata.values()) if isinstance(customdata, dict) else list(customdata or []))


def _choose(values: list[Any], inspection: Inspection) -> None:
    """Take the block and channel of the clicked point; what a client sends is checked against what there is."""
    depth, channel = _whole(values)
    if depth is not None and depth < len(inspection.sites):
        site = inspection.sites[depth]
        session.choose(site, channel if channel is not None and channel < site.channels else None)


def _choose_box(values: list[Any], inspection: Inspection) -> None:
    """Take the clicked box, if the picture has it."""
    place, _ = _whole(values)
    if place is not None and place < len(inspection.predictions):
        session.choose_box(place)


def _choose_picture(values: list[Any], count: int, choose: Callable[[int, int | None], None]) -> None:
    """Hand over the clicked picture and channel, if there is such a picture."""
    place, channel = _whole(values)
    if place is not None and place < count:
        choose(place, channel)


def _whole(values: list[Any]) -> tuple[int | None, int | None]:
    """The first two values, where they can be places."""
    whole = [value if isinstance(value, int) and value >= 0 else None for value in (*values, None, None)[:2]]
    return whole[0], whole[1]


def _config(key: str) -> dict[str, Any]:
    """The camera alone, seen under the pointer: it saves the figure as the visitor asked."""
    return CONFIG | {"toImageButtonOptions": {"format": session.image_format(), "filename": key, "scale": 2}}
