"""One gate over many pictures: a row a picture, a column a channel, alike ones side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.similarity import Tree, order, tree
from sevis.batch import Batch, Scale
from sevis.figures.overlay import data_uri, shrunk
from sevis.figures.strips import CROWDED, column, worded_bar
from sevis.figures.theme import CLEAR, LIGHT, SPREADS_SHOWN, Theme, compose, plain, scale, told
from sevis.records import Kind
from sevis.words import decimal, percent

__all__ = ["picture_channels"]

PITCHES = ((12, 44), (24, 32), (64, 22))  # up to so many rows, so many px a row
HEAD, FOOT, LEFT, RIGHT = 84, 46, 208, 6  # px around the rows
THUMBS, CELLS, TREE = (0.0, 0.055), (0.065, 0.905), (0.91, 1.0)  # of the width
ENDING = re.compile(r"\.(png|jpe?g|webp|gif|bmp|tiff?)$", re.IGNORECASE)  # of a file's name, where there is little room
GAP = 2  # px between the thumbnails
# A pointer cannot tell more columns apart; where there are more channels, every second or third answers for its neighbours.
ANSWERING = 256


@dataclass(frozen=True)
class _Colours:
    """How numbers become colours: the scale from low to high, its ends, and what it means in words at some places."""

    scale: tuple[str, ...]
    span: tuple[float, float]
    ticks: dict[float, str]


AVERAGE = {-SPREADS_SHOWN: f"{SPREADS_SHOWN:.0f} spreads below", 0.0: "average", SPREADS_SHOWN: f"{SPREADS_SHOWN:.0f} spreads above"}


def picture_channels(batch: Batch, depth: int, *, scale: Scale = "average", theme: Theme = LIGHT) -> go.Figure:
    """The gate's numbers, pictures by channels; customdata of every mark starts with the picture's place in the batch."""
    colours = _colours(batch, depth, scale, theme)
    values = batch.shown(depth, scale)
    rows, channels = tree(values), order(values.T)
    pitch = next((px for most, px in PITCHES if len(batch.pictures) <= most), PITCHES[-1][1])
    height = HEAD + pitch * max(len(batch.pictures), 2) + FOOT
    return compose(
        [_cells(values, rows, channels), _touch(batch, depth, rows, channels, theme), _faces(batch, rows), _branches(rows, theme)],
        _title(batch, depth, scale),
        height,
        theme=theme,
        margin={"l": LEFT, "r": RIGHT, "t": HEAD, "b": FOOT},
        hovermode="closest",
        hoverdistance=_reach(len(channels), pitch),
        dragmode=False,
        images=_thumbnails(batch, rows, pitch),
        coloraxis=_axis(colours, 4 / height, theme),
        **_axes(batch, depth, rows, pitch, theme),
    )


def _title(batch: Batch, depth: int, scaling: Scale) -> tuple[str, str]:
    site = batch.sites[depth]
    against = scaling == "average" and batch.averages
    what = f"share of {plain(site.branches[-1], 12)}" if site.kind == "branch" else "weights"
    size = f"{len(batch.pictures)} × {site.channels}"
    how = "against the average picture" if against else "absolute"
    return f"{site.name}: pictures × channels", f"{size}, {what} {how}; alike ones side by side"


def _shares(batch: Batch, depth: int, theme: Theme) -> _Colours:
    names = batch.sites[depth].branches
    even, last = 1 / len(names), plain(names[-1], 12)
    return _Colours(theme.diverging, (0.0, 2 * even), {0.0: f"no {last}", even: "even", 2 * even: f"{percent(2 * even)} {last}"})


def _weights(batch: Batch, depth: int, theme: Theme) -> _Colours:
    weights = batch.weight(depth)
    high = max(1.0, float(np.abs(weights).max()))
    # a gate that turns signs round (tanh) is read from its zero
    low, colours = (-high, theme.diverging) if weights.min() < 0 else (0.0, theme.sequential)
    middle = (low + high) / 2
    return _Colours(colours, (low, high), {low: decimal(low, 1), middle: f"weight {decimal(middle, 1)}", high: decimal(high, 1)})


ABSOLUTE: dict[Kind, Callable[[Batch, int, Theme], _Colours]] = {"branch": _shares, "channel": _weights}


def _colours(batch: Batch, depth: int, scaling: Scale, theme: Theme) -> _Colours:
    if scaling == "average" and batch.averages:
        return _Colours(theme.diverging, (-SPREADS_SHOWN, SPREADS_SHOWN), AVERAGE)
    return ABSOLUTE[batch.sites[depth].kind](batch, depth, theme)


def _cells(values: np.ndarray, rows: Tree, channels: np.ndarray) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": values[np.ix_(rows.order, channels)].astype(np.float32),
        "coloraxis": "coloraxis",
        "ygap": 1,
        "hoverinfo": "skip",
    }


def _touch(batch: Batch, depth: int, rows: Tree, channels: np.ndarray, theme: Theme) -> dict[str, Any]:
    """Unseen marks in the middle of the cells: they speak, and they can be clicked, which a heatmap cannot in Streamlit."""
    site, spreads = batch.sites[depth], batch.deviation(depth)
    step = -(-len(channels) // ANSWERING)
    columns = np.arange(step // 2, len(channels), step)
    across, down = np.meshgrid(columns, np.arange(len(rows.order)))
    picture, channel = rows.order[down.ravel()], channels[across.ravel()]
    numbers = [batch.weight(depth)] + ([] if spreads is None else [np.abs(spreads)])
    said = [np.round(values[picture, channel].astype(float), 3).tolist() for values in numbers]
    titles = [plain(title) for title in batch.titles]
    subject = f"weight of {plain(site.branches[-1])}" if site.kind == "branch" else "weight"
    ending = ", %{customdata[4]:.1f} spreads %{text} the average picture" if spreads is not None else ""
    mark = {
        "type": "scatter",
        "mode": "markers",
        "x": across.ravel().astype(np.float32),
        "y": down.ravel().astype(np.float32),
        "customdata": told([picture.tolist(), channel.tolist(), [titles[place] for place in picture], *said]),
        "hovertemplate": f"%{{customdata[2]}}: channel %{{customdata[1]}} has {subject} %{{customdata[3]:.2f}}{ending}<extra></extra>",
        "marker": {"size": 4, "opacity": 0, "color": theme.accent, "maxdisplayed": int(across.size > CROWDED)},
        "selected": {"marker": {"opacity": 0}},
        "unselected": {"marker": {"opacity": 0}},
    }
    return mark if spreads is None else {**mark, "text": np.where(spreads[picture, channel] < 0, "below", "above")}


def _faces(batch: Batch, rows: Tree) -> dict[str, Any]:
    """Unseen marks over the thumbnails: a click on one is a click on its row."""
    said = [f"{plain(batch.titles[place])}: {_prediction(batch, place, 28)}" for place in rows.order]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [0.5] * len(said),
        "y": list(range(len(said))),
        "xaxis": "x2",
        "marker": {"size": 8, "color": CLEAR},
        "customdata": told([rows.order.tolist(), [None] * len(said), said]),
        "hovertemplate": "%{customdata[2]}; click to open it in Explore<extra></extra>",
    }


def _branches(rows: Tree, theme: Theme) -> dict[str, Any]:
    """The tree beside the rows: the further right two of them meet, the less alike they are."""
    feet = [None if value is None else float(value) for join in rows.heights for value in (*join, None)]
    places = [None if value is None else float(value) for join in rows.places for value in (*join, None)]
    line = {"color": theme.muted, "width": 1.2}
    return {"type": "scatter", "mode": "lines", "x": feet, "y": places, "xaxis": "x3", "line": line, "hoverinfo": "skip"}


def _thumbnails(batch: Batch, rows: Tree, pitch: int) -> list[dict[str, Any]]:
    middle, width = sum(THUMBS) / 2, THUMBS[1] - THUMBS[0]
    place = {"xref": "paper", "x": middle, "xanchor": "center", "yref": "y", "yanchor": "middle", "sizing": "contain"}
    size = {"sizex": width, "sizey": 1 - GAP / pitch}
    return [
        {**place, **size, "y": row, "source": data_uri(shrunk(batch.pictures[picture].thumbnail, 2 * pitch))}
        for row, picture in enumerate(rows.order)
    ]


def _prediction(batch: Batch, picture: int, longest: int) -> str:
    best = batch.pictures[picture].target
    return f"{plain(best.label, longest)} {percent(best.probability)}"


def _label(batch: Batch, picture: int, pitch: int, theme: Theme) -> str:
    """Title and prediction, below each other where there is room, else beside."""
    small = f"<span style='font-size:11px;color:{theme.muted}'>{_prediction(batch, picture, 12)}</span>"
    if pitch >= PITCHES[1][1]:
        return f"{plain(batch.titles[picture], 28)}<br>{small}"
    return f"{plain(ENDING.sub('', batch.titles[picture]), 18)} {small}"


def _axes(batch: Batch, depth: int, rows: Tree, pitch: int, theme: Theme) -> dict[str, Any]:
    count, channels = len(rows.order), batch.sites[depth].channels
    pictures = {
        "range": [count - 0.5, -0.5],
        "tickvals": list(range(count)),
        "ticktext": [_label(batch, picture, pitch, theme) for picture in rows.order],
        "tickfont": {"size": 13 if pitch > PITCHES[-1][1] else 12, "color": theme.ink},
        "anchor": "x2",
        "automargin": False,
        "fixedrange": True,
    }
    far = float(rows.heights.max()) if rows.heights.size else 0.0
    return {
        "xaxis": column("channels, alike ones side by side", CELLS, [-0.5, channels - 0.5], theme),
        "xaxis2": column("", THUMBS, [0, 1], theme, visible=False),
        "xaxis3": column("unlike →", TREE, [0, far * 1.05 or 1], theme),
        "yaxis": pictures,
    }


def _reach(channels: int, pitch: int) -> int:
    """How far from its mark a cell answers, in px: to the corner of the widest one on a wide screen."""
    return int(np.ceil(np.hypot(1200 / channels / 2, pitch / 2)))


def _axis(colours: _Colours, foot: float, theme: Theme) -> dict[str, Any]:
    """The colours, with a thin bar whose ticks say in words what they mean."""
    place = {"x": CELLS[0], "xanchor": "left", "len": CELLS[1] - CELLS[0], "y": foot, "yref": "container", "yanchor": "bottom"}
    bar = worded_bar(colours.ticks, theme) | place
    return {"colorscale": scale(colours.scale), "cmin": colours.span[0], "cmax": colours.span[1], "colorbar": bar}
