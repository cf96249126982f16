"""What a gate is worth: what becomes of the answers without it, in four ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.ablation import ABLATIONS, Ablated, Ablation, Effect
from sevis.analysis.thresholds import load_thresholds
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import amount, counted, decimal, signed

__all__ = ["ablation_bars"]

HEIGHT = 290
MARGIN = {"l": 8, "r": 12, "t": 62, "b": 8}
NAMES = {"open": "weights at 1", "mean": "mean weights", "images": "another picture's", "channels": "shuffled channels"}
FLOOR = 1e-6  # nats: less than that stands here
SPANS = ([0.0, 0.4], [0.46, 0.7], [0.76, 1.0])  # of the width: answers, loss, accuracy
Number = Callable[[Ablation], Effect]


def ablation_bars(name: str, ablated: Ablated, *, theme: Theme = LIGHT) -> go.Figure:
    """Three panels with a bar an ablation: how far the answers move, dotted the threshold; the change of loss and of accuracy.

    Args:
        name: of the gate.

    Raises:
        ValueError: the gate was not ablated.
    """
    if not ablated.effects:
        raise ValueError(f"{name} was not ablated: it cannot be edited")
    limit = load_thresholds()["A1.harmless"]
    harms = [_harm(each) for each in _effects(ablated)]
    right = "accuracy" if ablated.labelled else "agreement"
    return compose(
        [
            _bars(name, ablated, "x", [max(harm, FLOOR) for harm in harms], [_moved(harm) for harm in harms], theme),
            _changes(name, ablated, "x2", lambda effects: effects.loss, "the loss changes by {} nats", 1, theme),
            _changes(name, ablated, "x3", lambda effects: effects.accuracy, f"the {right} changes by {{}} points", 100, theme),
        ],
        (
            f"{name}: what becomes of the answers without its own weights",
            f"on {counted(ablated.pictures, 'picture')}; left of the dotted line the answers stay as they are",
        ),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        bargap=0.35,
        shapes=[
            {
                "type": "line",
                "x0": limit,
                "x1": limit,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": theme.ink, "width": 1.5, "dash": "dot"},
            }
        ],
        xaxis={
            **_axis("answers move, KL + 2 errors (nats)", 0),
            "type": "log",
            "range": _decades(harms, limit),
            "dtick": 1,
            "tickformat": "~g",
        },
        xaxis2={**_axis("loss (nats)", 1), "zeroline": True},
        xaxis3={**_axis(f"{right} (points)", 2), "zeroline": True},
        yaxis={"title": {"text": "with"}, "type": "category", "autorange": "reversed", "fixedrange": True, "tickfont": {"size": 13}},
    )


def _effects(ablated: Ablated) -> list[Ablation]:
    return [ablated.effects[each] for each in ABLATIONS if each in ablated.effects]


def _names(ablated: Ablated) -> list[str]:
    return [NAMES[each] for each in ABLATIONS if each in ablated.effects]


def _harm(effects: Ablation) -> float:
    """What the doctor compares: the divergence with twice its standard error."""
    return effects.divergence.mean + 2 * effects.divergence.error


def _axis(title: str, place: int) -> dict[str, Any]:
    return {"title": {"text": title}, "domain": SPANS[place], "showgrid": True, "fixedrange": True, "nticks": 4}


def _decades(harms: list[float], limit: float) -> list[float]:
    """From a decade below the least to above the greatest, in powers of ten."""
    known = [max(harm, FLOOR) for harm in (*harms, limit)]
    return [float(f"{min(known):e}".split("e")[1]) - 0.5, float(f"{max(known):e}".split("e")[1]) + 1.2]


def _moved(harm: float) -> str:
    return f"the answers move by {amount(harm) if harm >= FLOOR else 'less than 0.000001'} nats at most"


def _changes(name: str, ablated: Ablated, axis: str, number: Number, words: str, times: float, theme: Theme) -> dict[str, Any]:
    effects = [number(each) for each in _effects(ablated)]
    said = [words.format(f"{signed(times * each.mean)} ± {decimal(times * each.error, 3)}") for each in effects]
    bars = _bars(name, ablated, axis, [times * each.mean for each in effects], said, theme)
    return {**bars, "error_x": {"type": "data", "array": [times * each.error for each in effects], "width": 0, "thickness": 1.2}}


def _bars(name: str, ablated: Ablated, axis: str, values: list[float], said: list[str], theme: Theme) -> dict[str, Any]:
    names = _names(ablated)
    return {
        "type": "bar",
        "orientation": "h",
        "xaxis": axis,
        "x": values,
        "y": names,
        "marker": {"color": theme.positive if axis == "x" else theme.muted},
        "customdata": told([[f"with {each}" for each in names], said]),
        "hovertemplate": f"{name} %{{customdata[0]}}: %{{customdata[1]}}<extra></extra>",
    }
