"""The numbers behind every figure of the table: all marks, bars and cells, and the sentences of their hovers."""

from __future__ import annotations

import csv
import io

import numpy as np
import plotly.graph_objects as go
import pytest

from sevis.figures import FIGURES, Entry, numbers
from sevis.figures.numbers import _words
from sevis.profiles import csv_of
from tests.made_up import CASES
from tests.test_figures import arguments, spoken


@pytest.mark.parametrize("entry", FIGURES, ids=lambda entry: entry.name)
def test_every_figure_tells_its_numbers(entry: Entry) -> None:
    case = next(name for name in CASES if arguments(entry, CASES[name]))
    figure = entry.draw(*arguments(entry, CASES[case])[0])
    rows = numbers(figure)
    told = [row["says"] for row in rows]
    assert all({"series", "says"} <= row.keys() and len(row) >= 3 for row in rows)
    for trace in figure.data:
        if trace.type != "heatmap" and trace.hoverinfo not in ("skip", "none"):
            said = [_words(spoken(trace, place)) for place in range(len(trace.y)) if np.asarray(trace.y)[place] is not None]
            assert set(said) <= set(told)
        elif trace.type == "heatmap" and trace.hoverinfo != "none":
            values = sorted(row["value"] for row in rows if "value" in row)
            assert set(np.asarray(trace.z).ravel()[:50].tolist()) <= set(values)
    read = list(csv.DictReader(io.StringIO(csv_of(rows))))
    assert [row["says"] for row in read] == told


def test_a_row_a_mark_with_the_names_of_the_axes() -> None:
    figure = go.Figure(
        [
            {"type": "bar", "name": "a <b>bar</b>", "x": [0, 1, 2], "y": [0.5, None, 1.5], "customdata": [[7], [8], [9]],
             "hovertemplate": ["%{customdata[0]:.1f} &lt; %{y:.0%}<extra></extra>"] * 3},
            {"type": "scatter", "x": [0], "y": [1], "hoverinfo": "none"},
            {"type": "heatmap", "z": [[1.0, 2.0]], "x0": 3, "dx": 2, "y": ["row"], "hovertemplate": "%{x} in %{y} is %{z:.2~f}"},
        ],
        {"xaxis": {"title": {"text": "cat<br>egory"}, "tickvals": [0, 1], "ticktext": ["zero", "one"]}},
    )  # fmt: skip
    bars, cells = numbers(figure)[:2], numbers(figure)[2:]
    assert bars[0] == {"series": "a bar", "cat egory": "zero", "y": 0.5, "says": "7.0 < 50%"}
    assert bars[1] == {"series": "a bar", "cat egory": 2, "y": 1.5, "says": "9.0 < 150%"}
    assert cells[1] == {"series": "", "cat egory": 5, "y": "row", "value": 2.0, "says": "5 in row is 2.00"}


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1"])
def test_a_name_is_no_formula(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(csv_of(({"name": text, "number": -2.5},)), newline=""))
    assert row == {"name": f"'{text}", "number": "-2.5"}
