"""How every figure looks: two themes, one template, and how a figure is put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sequential

__all__ = ["DARK", "LIGHT", "SPREADS_SHOWN", "Theme", "compose", "plain", "scale", "template", "told"]

FONT = "Source Sans, sans-serif"
SPREADS_SHOWN = 3.0  # beyond three spreads the diverging colours say no more
CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Theme:
    """The colours of one page background.

    Attributes:
        name: "light" or "dark".
        background: the page; also the middle of the diverging scale, so that what did not happen recedes.
        ink: text and marks that must be read.
        muted: text that may be read.
        grid: lines that guide the eye.
        faint: areas and bars that stay behind.
        positive: spoke for the class.
        negative: spoke against it.
        accent: what the reader selected.
        sequential: low to high.
        diverging: below to above, the background in the middle.
        branches: one a branch (Okabe and Ito 2008).
    """

    name: str
    background: str
    ink: str
    muted: str
    grid: str
    faint: str
    positive: str
    negative: str
    accent: str
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]
    branches: tuple[str, ...]


LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#262730",
    muted="#6b6f7b",
    grid="#e8e9ee",
    faint="#c9ccd6",
    positive="#1f5fa8",
    negative="#d1603d",
    accent="#d6186f",
    sequential=tuple(sequential.Cividis),
    # ColorBrewer's PuOr, with white instead of its grey middle
    diverging=("#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee4c0", "#ffffff", "#dddcee", "#b2abd2", "#8073ac", "#542788", "#2d004b"),
    branches=("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"),
)
DARK = Theme(
    name="dark",
    background="#171614",  # that of Streamlit 1.67
    ink="#fafafa",
    muted="#a3a8b4",
    grid="#262a35",
    faint="#4a4f5e",
    positive="#6db1f2",
    negative="#f08e6a",
    accent="#ff5fa2",
    sequential=tuple(sequential.Cividis),
    # the same hues with the lightness turned round: further from the average is brighter
    diverging=("#ffe3b8", "#fdb863", "#e08214", "#a35a0c", "#4d2f12", "#171614", "#2a2547", "#54479a", "#8073cf", "#b2abe8", "#e6e3ff"),
    branches=("#4aa8e0", "#E69F00", "#2bbd92", "#dd96bd", "#8fd0f5", "#f0814a"),
)


def scale(colours: Sequence[str]) -> list[tuple[float, str]]:
    """A plotly colour scale with the colours at equal distances."""
    return [(place / (len(colours) - 1), colour) for place, colour in enumerate(colours)]


def _axis(theme: Theme) -> dict[str, Any]:
    return {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "ticklabelstandoff": 4,
        "gridcolor": theme.grid,
        "zerolinecolor": theme.faint,
        "linecolor": theme.faint,
        "tickcolor": theme.faint,
        "tickfont": {"size": 12, "color": theme.muted},
        "title": {"font": {"size": 13, "color": theme.ink}, "standoff": 8},
        "automargin": True,
    }


@lru_cache(maxsize=4)
def template(theme: Theme) -> go.layout.Template:
    """The plotly template of a theme; transparent paper, so that a figure takes the colour of its page."""
    layout = {
        "font": {"family": FONT, "size": 13, "color": theme.ink},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "colorway": list(theme.branches),
        "colorscale": {"sequential": scale(theme.sequential), "diverging": scale(theme.diverging)},
        "hoverlabel": {"bgcolor": theme.background, "bordercolor": theme.faint, "font": {"family": FONT, "size": 13, "color": theme.ink}},
        "hovermode": "closest",
        "showlegend": False,
        "modebar": {"bgcolor": CLEAR, "color": theme.muted, "activecolor": theme.ink},
        "xaxis": _axis(theme),
        "yaxis": _axis(theme),
        "annotationdefaults": {"showarrow": False, "font": {"size": 12, "color": theme.muted}},
        "title": {"font": {"size": 15, "color": theme.ink, "weight": 600}},
    }
    return go.layout.Template(layout=layout)


class Told(np.ndarray):
    """Rows of numbers and words: what can never change needs no copy of its own where plotly copies the rows."""

    def __deepcopy__(self, memo: dict[int, Any] | None, /) -> Told:
        return self.copy()


def told(columns: Sequence[Sequence[Any]]) -> Told:
    """Customdata of one row a mark from one sequence a column, as Python objects.

    Numbers would be written as a typed array, whose rows come back from a click as objects with the keys "0", "1", ... instead of lists;
    and lists of lists take plotly six times longer to copy.
    """
    rows = np.empty((len(columns[0]), len(columns)), dtype=object).view(Told)
    for place, column in enumerate(columns):
        rows[:, place] = column
    return rows


def plain(text: str, longest: int = 28) -> str:
    """A name as plotly text: shortened, its markup escaped, and no hover field in it."""
    short = text if len(text) <= longest else text[: longest - 1].rstrip(" ,") + "…"
    return escape(short, quote=False).replace("%{", "% {")


def compose(traces: Sequence[Mapping[str, Any]], title: tuple[str, str], height: int, *, theme: Theme, **layout: Any) -> go.Figure:
    """A figure of the traces under a title and a quieter second line, both flush with the left edge.

    The tests have plotly check every figure; here it need not, which is most of a page's time.
    """
    heading = {
        "text": f"{title[0]}<br><span style='font-size:12px;font-weight:400;color:{theme.muted}'>{title[1]}</span>",
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 20, "l": 2},
    }
    arranged = {"template": template(theme), "title": heading, "height": height, **layout}
    figure = go.Figure(data=list(traces), layout=arranged, _validate=False)
    for part in (figure, figure.layout, *figure.data):
        part._validate = True  # of what is changed later
    return figure
