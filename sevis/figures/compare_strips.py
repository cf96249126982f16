"""Both sides' strips on one colour scale, and channel by channel what the second has more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.compare import Comparison, Scale, difference
from sevis.analysis.rank import weight
from sevis.figures.sides import number_named, side_names
from sevis.figures.strips import Row, color_axes, rows, strip
from sevis.figures.theme import LIGHT, SPREADS_SHOWN, Theme, compose, told
from sevis.figures.theme import scale as colour_scale
from sevis.records import Inspection
from sevis.words import MINUS, decimal

__all__ = ["compare_strips"]

HEAD, FOOT, LEFT, EDGE, RIGHT = 84, 46, 64, 8, 64  # px around the rows
TALLEST, LOWEST, MOST = 34, 15, 640  # px: a row's height, and that of all rows where they are many
ALIGNED = ((0.0, 0.315), (0.335, 0.65), (0.685, 1.0))  # of the width: first, second, difference
APART = ((0.0, 0.485), (0.515, 1.0))
ROOM = 0.06  # of the width, for the last words under the first bar
GAP = 0.11  # of a row, above and below its strip
FAINTEST = 0.05  # differences in weight below this never fill the scale: rounding noise must not look like a finding


def compare_strips(comparison: Comparison, *, scale: Scale = "average", selected: int | None = None, theme: Theme = LIGHT) -> go.Figure:
    """A row a block and a cell a channel on both sides, early blocks first; without averages on either side the weights as they are.

    In the same architecture a third column holds the differences, and all columns have the first side's order of channels.
    """
    scale = scale if comparison.has_averages else "absolute"
    first, second = _rows(comparison, scale)
    most = max(len(first), len(second), 1)
    height = HEAD + round(most * min(TALLEST, max(LOWEST, MOST / most))) + FOOT
    columns = ALIGNED if comparison.one_to_one else APART
    traces = [_strip(comparison, 0, each, len(first)) for each in first] + [_strip(comparison, 1, each, len(second)) for each in second]
    if comparison.one_to_one:
        traces += [_difference(comparison, place, each, scale) for place, each in enumerate(first)]
    return compose(
        traces,
        (_title(comparison, scale), _order(comparison)),
        height,
        theme=theme,
        margin={"l": LEFT, "r": EDGE if comparison.one_to_one else RIGHT, "t": HEAD, "b": FOOT},
        shapes=[] if selected is None else _frames(comparison, selected, theme),
        **_axes(comparison, columns, theme),
        **_colours(comparison, (*first, *second), scale, columns, 4 / height, theme),
    )


def _rows(comparison: Comparison, scale: Scale) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows of both sides; where channels pair up, the second side's in the order of the first's."""
    first, second = comparison.sides
    if not comparison.one_to_one:
        return rows(first, scale, "sorted"), rows(second, scale, "sorted")
    order = rows(first, scale, "sorted")
    theirs = rows(second, scale, "network")
    return order, tuple(
        replace(each, channels=mine.channels, values=each.values[mine.channels]) for mine, each in zip(order, theirs, strict=True)
    )


def _title(comparison: Comparison, scale: Scale) -> str:
    return "Weights against the average picture, side by side" if scale == "average" else "Weights of every block, side by side"


def _order(comparison: Comparison) -> str:
    if not comparison.one_to_one:
        return "early blocks at the top; each side's channels from the highest to the lowest"
    return f"early blocks at the top; channels in the order of {side_names(comparison)[0]}, highest first, in all columns"


def _strip(comparison: Comparison, side: int, row: Row, count: int) -> dict[str, Any]:
    """One gate's channels, where its share of the depth is."""
    words, columns = _hover(comparison, side, row)
    axes = {"xaxis": ("x", "x2")[side], "yaxis": ("y", "y2")[side]}
    return {**strip(row), **axes, **_spot(row.depth, count), "customdata": columns, "hovertemplate": words, "hoverinfo": None}


def _spot(depth: int, count: int) -> dict[str, Any]:
    return {"y": [(depth + GAP) / count, (depth + 1 - GAP) / count]}


def _hover(comparison: Comparison, side: int, row: Row) -> tuple[str, np.ndarray]:
    """What a cell says: its weight, and where the channels pair up that of the other side."""
    if comparison.one_to_one:
        return _both(comparison, row)
    inspection = comparison.sides[side]
    site = inspection.sites[row.depth]
    numbers = _rounded(weight(inspection, row.depth)[row.channels])
    where = f"{side_names(comparison)[side]}: {site.name}, channel %{{customdata[0]}}"
    return f"{where}: {number_named(site)} %{{customdata[1]:.2f}}<extra></extra>", told([row.channels.tolist(), numbers])[None]


def _both(comparison: Comparison, row: Row) -> tuple[str, np.ndarray]:
    first, second = comparison.sides
    site, names = first.sites[row.depth], side_names(comparison)
    said = f"{number_named(site)} %{{customdata[1]:.2f}} on {names[0]}, %{{customdata[2]:.2f}} on {names[1]}"
    numbers = [_rounded(weight(side, row.depth)[row.channels]) for side in (first, second)]
    return f"{site.name}, channel %{{customdata[0]}}: {said}<extra></extra>", told([row.channels.tolist(), *numbers])[None]


def _rounded(values: np.ndarray) -> list[float]:
    rounded: list[float] = np.round(values.astype(float), 3).tolist()
    return rounded


def _difference(comparison: Comparison, place: int, row: Row, scale: Scale) -> dict[str, Any]:
    """What every channel has more on the second side."""
    values = difference(comparison, place, scale)
    assert values is not None  # drawn where channels pair up alone
    drawn = replace(row, values=values[row.channels], axis="coloraxis4")
    words, columns = _both(comparison, row)
    return {
        **strip(drawn),
        "xaxis": "x3",
        "yaxis": "y",
        **_spot(place, len(comparison.pairs)),
        "customdata": columns,
        "hovertemplate": words,
        "hoverinfo": None,
    }


def _axes(comparison: Comparison, columns: tuple[tuple[float, float], ...], theme: Theme) -> dict[str, Any]:
    names = [*side_names(comparison, 28), "difference: second less first"]
    inks = [*theme.branches[:2], theme.muted]
    axes = {f"xaxis{place + 1}": _column(names[place], span, inks[place]) for place, span in enumerate(columns)}
    return axes | {"yaxis": _blocks(comparison.sides[0], theme), "yaxis2": _second_blocks(comparison, theme)}


def _column(name: str, span: tuple[float, float], ink: str) -> dict[str, Any]:
    return {
        "domain": span,
        "range": [0, 1],
        "side": "top",
        "title": {"text": f"<b>{name}</b>", "font": {"size": 13, "color": ink}, "standoff": 4},
        "showticklabels": False,
        "fixedrange": True,
        "automargin": False,
    }


def _blocks(inspection: Inspection, theme: Theme) -> dict[str, Any]:
    count = len(inspection.sites)
    return {
        "range": [1, 0],
        "tickvals": [(depth + 0.5) / count for depth in range(count)],
        "ticktext": [f"<b>{site.name}</b>" for site in inspection.sites],
        "tickfont": {"size": 12 if count < 30 else 10, "color": theme.ink},
        "automargin": False,
        "fixedrange": True,
    }


def _second_blocks(comparison: Comparison, theme: Theme) -> dict[str, Any]:
    """The second side's names at the right; none where they are the same as those at the left."""
    axis = {**_blocks(comparison.sides[1], theme), "anchor": "x2", "side": "right"}
    return axis | ({"showticklabels": False} if comparison.one_to_one else {})


def _colours(
    comparison: Comparison, drawn: tuple[Row, ...], scale: Scale, columns: tuple[tuple[float, float], ...], foot: float, theme: Theme
) -> dict[str, Any]:
    """One colour axis for both sides, and one for the differences."""
    if not comparison.one_to_one:
        return color_axes(_together(comparison), drawn, columns[1][1], foot, theme) if drawn else {}
    axes = color_axes(_together(comparison), drawn, columns[1][1] - ROOM, foot, theme)
    bar = next(iter(axes.values()))["colorbar"]
    most = SPREADS_SHOWN if scale == "average" else _largest(comparison)
    part = 2 / 3 * most  # not at the ends: there the words would run into those of the other bar
    shown = f"{part:.0f} spreads" if scale == "average" else decimal(part)
    low, high = columns[2]
    ticks = {"tickvals": [-part, 0, part], "ticktext": [f"{MINUS}{shown}", "equal", f"+{shown}"]}
    axes["coloraxis4"] = {
        "colorscale": colour_scale(theme.diverging),
        "cmin": -most,
        "cmax": most,
        "colorbar": {**bar, **ticks, "x": low, "len": high - low},
    }
    return axes


def _together(comparison: Comparison) -> Inspection:
    """The gates of both sides in one record, so that one scale is made for all of them."""
    first, second = comparison.sides
    return replace(
        first,
        gates=first.gates + second.gates,
        influence=first.influence + second.influence,
        cams=first.cams + second.cams,
        averages=(),
    )


def _largest(comparison: Comparison) -> float:
    found = [difference(comparison, place) for place in range(len(comparison.pairs))]
    return max(FAINTEST, *(float(np.abs(each).max()) for each in found if each is not None))


def _frames(comparison: Comparison, selected: int, theme: Theme) -> list[dict[str, Any]]:
    """A frame round the chosen pair on each side."""
    pair = comparison.pairs[selected]
    chosen = zip(("", "2"), comparison.sides, (pair.first, pair.second), strict=True)
    frames = [_frame(f"x{end}", f"y{end}", depth, len(side.gates), theme) for end, side, depth in chosen]
    return frames + ([_frame("x3", "y", pair.first, len(comparison.pairs), theme)] if comparison.one_to_one else [])


def _frame(x: str, y: str, depth: int, count: int, theme: Theme) -> dict[str, Any]:
    edge = GAP / 2
    return {
        "type": "rect",
        "xref": x,
        "yref": y,
        "x0": 0,
        "x1": 1,
        "y0": (depth + edge) / count,
        "y1": (depth + 1 - edge) / count,
        "line": {"color": theme.accent, "width": 1.5},
    }
