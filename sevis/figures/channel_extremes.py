"""The pictures of a scan that open one channel most and least: two contact strips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.scanned import Extremes, Ranked
from sevis.figures.block import named
from sevis.figures.overlay import data_uri
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.records import Inspection
from sevis.words import decimal, percent

__all__ = ["channel_extremes"]

HEAD, PICTURE, WORDS = 24, 132, 62  # px: the strip's name, its pictures, and what is said under them
STRIP = HEAD + PICTURE + WORDS
SHARE = 0.94  # of a cell's width is picture
LONGEST = 20  # letters under a picture


def channel_extremes(inspection: Inspection, depth: int, channel: int, found: Extremes, *, theme: Theme = LIGHT) -> go.Figure:
    """A strip of the pictures with the highest weights over one of those with the lowest; a picture out of reach is its name.

    Args:
        found: the scan's pictures, by what they made of the channel.
    """
    site = inspection.sites[depth]
    strips = [("opened most", found.most), ("opened least", found.least)]
    strips = [(name, pictures) for name, pictures in strips if pictures]
    columns = max((len(pictures) for _, pictures in strips), default=1)
    cells = [(row, column, each) for row, (_, pictures) in enumerate(strips) for column, each in enumerate(pictures)]
    return compose(
        [_touch(cells, named(site), theme)],
        (
            f"{site.name}, channel {channel}: the pictures of the scan that open it most and least",
            f"{named(site)}, class and prediction of each, out of {len(found.weights):,} pictures",
        ),
        58 + STRIP * max(len(strips), 1),
        theme=theme,
        margin={"l": 2, "r": 2, "t": 50, "b": 8},
        images=[_image(*cell) for cell in cells if cell[2].thumbnail is not None],
        shapes=[_frame(*cell, theme) for cell in cells if cell[2].thumbnail is None],
        annotations=[*_headings([name for name, _ in strips], theme), *(said for cell in cells for said in _words(*cell, theme))],
        xaxis={"visible": False, "range": [0, columns], "fixedrange": True},
        yaxis={"visible": False, "range": [STRIP * max(len(strips), 1), 0], "fixedrange": True},
    )


def _image(row: int, column: int, each: Ranked) -> dict[str, Any]:
    place = {"x": column + SHARE / 2, "y": STRIP * row + HEAD, "sizex": SHARE, "sizey": PICTURE, "xref": "x", "yref": "y"}
    source = "" if each.thumbnail is None else data_uri(each.thumbnail, 85)
    return {"source": source, **place, "xanchor": "center", "yanchor": "top", "sizing": "contain", "layer": "below"}


def _frame(row: int, column: int, each: Ranked, theme: Theme) -> dict[str, Any]:
    """The place of a picture that is out of reach, with its name."""
    top = STRIP * row + HEAD
    name = plain(each.name.rpartition("/")[2], LONGEST)
    edges = {"x0": column, "x1": column + SHARE, "y0": top, "y1": top + PICTURE}
    label = {"text": name, "font": {"size": 12, "color": theme.muted}, "textposition": "middle center"}
    return {"type": "rect", **edges, "layer": "below", "fillcolor": theme.grid, "line": {"width": 0}, "label": label}


def _headings(names: Sequence[str], theme: Theme) -> Iterator[dict[str, Any]]:
    for row, name in enumerate(names):
        font = {"size": 13, "color": theme.ink, "weight": 600}
        yield {"text": name, "x": 0, "y": STRIP * row + 2, "xanchor": "left", "yanchor": "top", "font": font}


def _words(row: int, column: int, each: Ranked, theme: Theme) -> Iterator[dict[str, Any]]:
    """Under a picture: its weight, its class, and what it was taken for."""
    middle, top = column + SHARE / 2, STRIP * row + HEAD + PICTURE
    lines = [f"<b>{decimal(each.weight)}</b>", plain(each.label or "", LONGEST), _outcome(each, theme)]
    text = "<br>".join(line for line in lines if line)
    yield {"text": text, "x": middle, "y": top + 4, "xanchor": "center", "yanchor": "top", "font": {"size": 12, "color": theme.ink}}


def _outcome(each: Ranked, theme: Theme) -> str:
    """Whether the network knew it, or what it took it for."""
    if each.predicted is None:
        return ""
    if each.predicted == each.label:
        return f"<span style='color:{theme.muted}'>recognised, {percent(each.probability)}</span>"
    return f"<span style='color:{theme.negative if each.label else theme.muted}'>→ {plain(each.predicted, LONGEST)}</span>"


def _touch(cells: Sequence[tuple[int, int, Ranked]], name: str, theme: Theme) -> dict[str, Any]:
    """Marks over the pictures that speak and are not seen."""
    said = [[plain(each.name, 60), decimal(each.weight, 3), _label(each), _taken(each)] for _, _, each in cells]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [column + SHARE / 2 for _, column, _ in cells],
        "y": [STRIP * row + HEAD + PICTURE / 2 for row, _, _ in cells],
        "marker": {"size": PICTURE, "symbol": "square", "opacity": 0, "color": theme.accent},
        "customdata": told(list(zip(*said, strict=True))) if said else [],
        "hovertemplate": f"%{{customdata[0]}}: {name} %{{customdata[1]}}%{{customdata[2]}}%{{customdata[3]}}<extra></extra>",
    }


def _label(each: Ranked) -> str:
    return "" if each.label is None else f",<br>a picture of {plain(each.label, 40)}"


def _taken(each: Ranked) -> str:
    if each.predicted is None:
        return ",<br>in which nothing was found"
    return f",<br>taken for {plain(each.predicted, 40)}, {percent(each.probability)}"
