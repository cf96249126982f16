"""What the doctor says of every gate of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.doctor import Diagnosis
from sevis.analysis.findings import VERDICTS, Verdict
from sevis.figures.separation import block_axis
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import counted

__all__ = ["verdicts"]

HEAD, ROW, FOOT = 62, 34, 64  # px
ALARM, FINE = "✕", "●"
# beside the row that a mark stands in: what is well, what can be left out, what is not known, and what is wrong
SYMBOLS: dict[Verdict, str] = {"dynamic": "circle", "identity": "square-open", "static": "diamond-open", "inconclusive": "circle-open"}


def verdicts(diagnoses: Sequence[Diagnosis], selected: int | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """A column a gate, early to late, and a row a verdict; a cross where something is wrong, a ring round the selected gate."""
    if not diagnoses:
        raise ValueError("there is no gate to judge; scan pictures that can be read")
    rows = [verdict for verdict in VERDICTS if any(each.verdict == verdict for each in diagnoses)]
    ill = sum(bool(each.alarms) for each in diagnoses)
    return compose(
        [*([] if selected is None else [_ring(diagnoses[selected], rows, selected, theme)]), _marks(diagnoses, rows, theme)],
        (
            f"Verdict by depth: {counted(ill, 'gate', len(diagnoses))} {'needs' if ill == 1 else 'need'} attention",
            f"<span style='color:{theme.negative}'>{ALARM}</span> needs attention&nbsp;&nbsp; "
            f"<span style='color:{theme.positive}'>{FINE}</span> working&nbsp;&nbsp; open marks: can be left out, or not known;"
            " click a mark for its evidence",
        ),
        HEAD + ROW * max(len(rows), 2) + FOOT,
        theme=theme,
        margin={"l": 8, "r": 8, "t": HEAD, "b": 8},
        xaxis=block_axis([each.site.name for each in diagnoses]),
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": rows,
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": True,
            "fixedrange": True,
            "tickfont": {"size": 13, "color": theme.ink},
        },
    )


def _marks(diagnoses: Sequence[Diagnosis], rows: Sequence[Verdict], theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(range(len(diagnoses))),
        "y": [rows.index(each.verdict) for each in diagnoses],
        "marker": {
            "size": 15,
            "symbol": ["x" if each.alarms else SYMBOLS.get(each.verdict, "circle-open") for each in diagnoses],
            "color": [_colour(each, theme) for each in diagnoses],
            "line": {"width": [0 if each.alarms or each.verdict == "dynamic" else 2.5 for each in diagnoses]},
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "cliponaxis": False,
        "customdata": told([list(range(len(diagnoses))), [None] * len(diagnoses), [_said(each) for each in diagnoses]]),
        "hovertemplate": "%{customdata[2]}<extra></extra>",
    }


def _colour(diagnosis: Diagnosis, theme: Theme) -> str:
    if diagnosis.alarms:
        return theme.negative
    return theme.positive if diagnosis.verdict == "dynamic" else theme.muted


def _said(diagnosis: Diagnosis) -> str:
    others = len(diagnosis.findings) - 1
    more = f"; {counted(others, 'other finding')}" if others else ""
    return f"{diagnosis.site.name} is {diagnosis.verdict} by rule {diagnosis.findings[0].rule}{more}"


def _ring(diagnosis: Diagnosis, rows: Sequence[Verdict], place: int, theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [place],
        "y": [rows.index(diagnosis.verdict)],
        "marker": {"symbol": "circle-open", "size": 27, "color": theme.accent, "line": {"width": 2.5}},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
