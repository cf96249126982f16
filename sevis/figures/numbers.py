"""The numbers that a figure draws, as rows of a table, each with the sentence that its hover says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.profile import Row

__all__ = ["numbers"]

TAG = re.compile(r"<extra>.*?</extra>|<[^>]+>")
FIELD = re.compile(r"%\{(\w+)(?:\[(\d+)\])?(?::([^}]*))?\}")
AXES = ("x", "y")


def numbers(figure: go.Figure) -> tuple[Row, ...]:
    """A row a mark, bar or cell of a figure: its series, where it stands, its value, and what its hover says.

    The columns are called as the axes are. What is there only to be clicked is left out.
    """
    layout = figure.layout.to_plotly_json()
    return tuple(row for trace in figure.data for row in _rows(trace.to_plotly_json(), layout))


def _rows(trace: Mapping[str, Any], layout: Mapping[str, Any]) -> Iterator[Row]:
    if trace.get("hoverinfo") == "none" and "hovertemplate" not in trace:
        return
    titles = [_title(layout, trace, axis) for axis in AXES]
    for place, point in _points(trace):
        where = {title: _named(layout, trace, axis, point[axis]) for title, axis in zip(titles, AXES, strict=True) if axis in point}
        value = {"value": _plain(point["z"])} if "z" in point else {}
        yield {"series": _words(str(trace.get("name") or "")), **where, **value, "says": _said(trace, point, place)}


def _points(trace: Mapping[str, Any]) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """Every point of a trace that is there, by its place."""
    if "z" in trace:
        cells = np.asarray(trace["z"])
        for row, column in np.ndindex(cells.shape[:2]):
            yield (row, column), {"x": _along(trace, "x", column), "y": _along(trace, "y", row), "z": cells[row, column]}
        return
    held = {axis: list(trace[axis]) for axis in AXES if trace.get(axis) is not None}
    for place in range(max(map(len, held.values()), default=0)):
        point = {axis: values[place] for axis, values in held.items()}
        if all(value is not None and value == value for value in point.values()):
            yield (place,), point


def _along(trace: Mapping[str, Any], axis: str, place: int) -> Any:
    """Where a row or column of cells stands."""
    given = trace.get(axis)
    return given[place] if given is not None else trace.get(f"{axis}0", 0) + place * trace.get(f"d{axis}", 1)


def _axis(layout: Mapping[str, Any], trace: Mapping[str, Any], axis: str) -> Mapping[str, Any]:
    number = str(trace.get(f"{axis}axis") or axis).removeprefix(axis)
    found: Mapping[str, Any] = layout.get(f"{axis}axis{number}", {})
    return found


def _title(layout: Mapping[str, Any], trace: Mapping[str, Any], axis: str) -> str:
    return _words(str(_axis(layout, trace, axis).get("title", {}).get("text") or "")) or axis


def _named(layout: Mapping[str, Any], trace: Mapping[str, Any], axis: str, value: Any) -> Any:
    """A place on an axis by the name that stands there, if one does."""
    there = _axis(layout, trace, axis)
    values, names = there.get("tickvals"), there.get("ticktext")
    if values is None or names is None or len(values) != len(names):
        return _plain(value)
    return next((_words(str(name)) for at, name in zip(values, names, strict=True) if at == value), _plain(value))


def _said(trace: Mapping[str, Any], point: Mapping[str, Any], place: tuple[int, ...]) -> str:
    """The hover's template with its fields filled in."""
    template = _at(trace.get("hovertemplate"), place) or _at(trace.get("hovertext"), place) or _at(trace.get("text"), place) or ""

    def filled(found: re.Match[str]) -> str:
        name, index, form = found.groups()
        value = point.get(name, _at(trace.get(name), place))
        return _formed(value if index is None or value is None else value[int(index)], form)

    return _words(FIELD.sub(filled, str(template)))


def _at(values: Any, place: tuple[int, ...]) -> Any:
    """What is said once for all, or the one for that place."""
    if values is None or isinstance(values, str):
        return values
    for index in place[: max(np.ndim(values), 1)]:
        values = values[index]
    return values


def _formed(value: Any, form: str | None) -> str:
    """A value as d3 would write it: its formats are Python's, but for "~", which cuts zeros off."""
    try:
        return format(value, (form or "").replace("~", ""))
    except (ValueError, TypeError):
        return str(value)


def _words(text: str) -> str:
    """Without markup, on one line."""
    return " ".join(unescape(TAG.sub(" ", text)).split())


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's."""
    return value.item() if isinstance(value, np.generic) else value
