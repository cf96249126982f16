"""The excitation as the small network that it is: squeeze, bottleneck and gates of one block, each line one product."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.excitation import Excitation
from sevis.figures.excitation_lines import Drawn, drawn, heights, lines, tints
from sevis.figures.panels import legend
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.records import GateRecord
from sevis.words import decimal

__all__ = ["excitation_network"]

ROW, HEAD, ROWS = 29, 100, 8  # px, px, rows at least
TRACK = (2.03, 2.55)  # of a gate, from its lowest value to its highest


def excitation_network(
    excitation: Excitation, record: GateRecord, channel: int, value: float | None = None, *, theme: Theme = LIGHT
) -> go.Figure:
    """Squeeze, units and gates from left to right; lines in the colour and width of weight times activation.

    Args:
        excitation: of the record's block.
        channel: whose squeeze can be moved.
        value: where it stands; None leaves it at the picture's own.
    """
    shown = drawn(excitation, record, channel, value)
    rows = max(len(shown.channels), len(shown.units), ROWS)
    return compose(
        [*lines(shown, theme), _squeezes(shown, theme), _units(shown, theme), *_gates(shown, theme)],
        (f"{record.site.name}: from the squeeze to the gates", _second(shown, theme)),
        HEAD + rows * ROW,
        theme=theme,
        margin={"l": 4, "r": 4, "t": HEAD - 8, "b": 8},
        annotations=[_heading(x, text, theme) for x, text in _headings(excitation)],
        xaxis={"visible": False, "range": [-0.5, 3.0], "fixedrange": True},
        yaxis={"visible": False, "range": [0, 1], "fixedrange": True},
    )


def _second(shown: Drawn, theme: Theme) -> str:
    """What the colours mean, and how much of the block is told apart."""
    units, channels = shown.excitation.w1.shape
    apart = [sum(each is not None for each in nodes) for nodes in (shown.channels, shown.units, shown.gates)]
    colours = legend(["adds", "takes away"], [theme.diverging[-3], theme.diverging[2]], "━")
    drawn_of = f"{apart[0]} of {channels} channels, {apart[1]} of {units} units and {apart[2]} of {channels} gates"
    return f"{colours}&nbsp;&nbsp; drawn: {drawn_of}; stroke: the gate on this picture"


def _headings(excitation: Excitation) -> list[tuple[float, str]]:
    bottleneck, gate = excitation.called
    first, second = (f" + b<sub>{n}</sub>" * bool(bias.any()) for n, bias in ((1, excitation.b1), (2, excitation.b2)))
    return [
        (-0.02, "<b>squeeze</b> z"),
        (1, f"<b>bottleneck</b> h = {bottleneck}(W<sub>1</sub>z{first})"),
        (sum(TRACK) / 2, f"<b>gates</b> s = {gate}(W<sub>2</sub>h{second})"),
    ]


def _heading(x: float, text: str, theme: Theme) -> dict[str, Any]:
    return {"x": x, "y": 1, "yanchor": "bottom", "yshift": 4, "text": text, "font": {"size": 13, "color": theme.ink}}


def _squeezes(shown: Drawn, theme: Theme) -> dict[str, Any]:
    """A circle a channel, its number and squeeze beside it; the moved one in the colour of what the reader chose."""
    values = np.array([0.0 if channel is None else shown.squeeze[channel] for channel in shown.channels])
    chosen = [channel == shown.channel for channel in shown.channels]
    rim = {"width": [3 if mine else 1 for mine in chosen], "color": [theme.accent if mine else theme.muted for mine in chosen]}
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [0] * len(values),
        "y": heights(len(values)),
        "text": [_squeeze_name(shown, channel) for channel in shown.channels],
        "textposition": "middle left",
        "textfont": {"size": 12, "color": [theme.accent if mine else theme.ink for mine in chosen]},
        "marker": {"size": 14, "color": tints(values, float(np.abs(shown.squeeze).max()), theme), "line": rim, "opacity": 1},
        "cliponaxis": False,
        "customdata": told([[_squeeze_said(shown, channel) for channel in shown.channels]]),
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _squeeze_name(shown: Drawn, channel: int | None) -> str:
    if channel is None:
        return "the others "
    name = f"channel {channel}&nbsp; {decimal(float(shown.squeeze[channel]))} "
    return f"<b>{name}</b>" if channel == shown.channel else name


def _squeeze_said(shown: Drawn, channel: int | None) -> str:
    if channel is None:
        return f"the other {len(shown.squeeze) - len(shown.channels) + 1} channels together"
    now, own = decimal(float(shown.squeeze[channel])), decimal(float(shown.own[channel]))
    return f"channel {channel}: its squeeze is {now}" + ("" if now == own else f", on this picture {own}")


def _units(shown: Drawn, theme: Theme) -> dict[str, Any]:
    """A ring a unit with its activation in it; the ring of a silent one is faint."""
    values = np.array([0.0 if unit is None else shown.now.hidden[unit] for unit in shown.units])
    strongest = float(max(np.abs(shown.before.hidden).max(), np.abs(shown.now.hidden).max()))
    rings = [theme.faint if tint == theme.background else tint for tint in tints(values, strongest, theme)]
    rim = {"width": 3, "color": [ring if value else theme.grid for ring, value in zip(rings, values, strict=True)]}
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [1] * len(values),
        "y": heights(len(values)),
        "text": ["…" if unit is None else _short(float(value)) for unit, value in zip(shown.units, values, strict=True)],
        "textfont": {"size": 11, "color": [theme.ink if value else theme.muted for value in values]},
        "marker": {"size": 26, "color": theme.background, "line": rim, "opacity": 1},
        "customdata": told([[_unit_said(shown, unit) for unit in shown.units]]),
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _short(value: float) -> str:
    """A number that fits into a ring."""
    return decimal(value, 1) if value else "0"


def _unit_said(shown: Drawn, unit: int | None) -> str:
    if unit is None:
        return f"the other {len(shown.now.hidden) - len(shown.units) + 1} units together"
    total, made = decimal(float(shown.now.sums[unit])), decimal(float(shown.now.hidden[unit]))
    return f"unit {unit}: the channels add up to {total}, of which {shown.excitation.called[0]} makes {made}"


def _gates(shown: Drawn, theme: Theme) -> list[dict[str, Any]]:
    """A track a gate, filled up to its weight, with a stroke where the picture's own lies."""
    gates, y = list(shown.gates), heights(len(shown.gates))
    now, own = shown.now.weights[gates], shown.before.weights[gates]
    low, high = min(0.0, float(np.minimum(now, own).min())), max(1.0, float(np.maximum(now, own).max()))
    at, stroke, zero = (TRACK[0] + (each - low) / (high - low) * (TRACK[1] - TRACK[0]) for each in (now, own, np.zeros(len(gates))))
    return [
        _bars(np.full(len(gates), TRACK[0]), np.full(len(gates), TRACK[1]), y, theme.grid),
        _bars(zero, at, y, theme.positive),
        _strokes(stroke, y, theme),
        _gate_names(shown, y, theme),
    ]


def _bars(start: np.ndarray, end: np.ndarray, y: np.ndarray, colour: str) -> dict[str, Any]:
    x = [place for low, high in zip(start, end, strict=True) for place in (float(low), float(high), None)]
    rows = [place for each in y for place in (float(each), float(each), None)]
    return {"type": "scatter", "mode": "lines", "x": x, "y": rows, "line": {"width": 9, "color": colour}, "hoverinfo": "skip"}


def _strokes(x: np.ndarray, y: np.ndarray, theme: Theme) -> dict[str, Any]:
    marker = {"symbol": "line-ns-open", "size": 16, "color": theme.ink, "line": {"width": 2}}
    return {"type": "scatter", "mode": "markers", "x": x, "y": y, "marker": marker, "hoverinfo": "skip"}


def _gate_names(shown: Drawn, y: np.ndarray, theme: Theme) -> dict[str, Any]:
    """The weight and the channel beside each track; what is asked is there and on the track."""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [TRACK[1]] * len(y),
        "y": y,
        "text": [_gate_name(shown, gate) for gate in shown.gates],
        "textposition": "middle right",
        "textfont": {"size": 12, "color": [theme.accent if gate == shown.channel else theme.ink for gate in shown.gates]},
        "marker": {"size": 26, "opacity": 0, "color": theme.accent},
        "cliponaxis": False,
        "customdata": told([[_gate_said(shown, gate) for gate in shown.gates]]),
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _gate_name(shown: Drawn, gate: int) -> str:
    name = f"{decimal(float(shown.now.weights[gate]))}&nbsp; channel {gate}"
    return f"<b>{name}</b>" if gate == shown.channel else name


def _gate_said(shown: Drawn, gate: int) -> str:
    now, own = (decimal(float(each.weights[gate])) for each in (shown.now, shown.before))
    moved = "" if now == own else f", on this picture {own}"
    return f"channel {gate}: the units add up to {decimal(float(shown.now.logits[gate]))}, and the gate is {now}{moved}"
