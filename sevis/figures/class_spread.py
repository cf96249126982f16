"""How much the weights vary between pictures of one class, block by block (Hu et al. 2018, figure 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.profile import BANDS, ClassProfile
from sevis.figures.class_profile import profile_axes
from sevis.figures.panels import legend, panels
from sevis.figures.sides import number_named
from sevis.figures.theme import LIGHT, Theme, plain, told
from sevis.words import decimal

__all__ = ["class_spread"]


def class_spread(profiles: Sequence[ClassProfile], *, theme: Theme = LIGHT) -> go.Figure:
    """A panel a block: the mean of the first two classes, each in a band of one standard deviation to either side."""
    if not profiles:
        raise ValueError("no picture has a known class; scan a data set with class folders or a column of labels")
    first = profiles[0]
    names = [f"{plain(name)} ({count:,})" for name, count in zip(first.classes, first.counts, strict=True)][:BANDS]
    return panels(
        [[trace for place in range(len(names)) for trace in _band(each, place, theme)] for each in profiles],
        [each.site.name for each in profiles],
        (
            f"Spread of the {number_named(first.site)} within a class",
            f"{legend(names, theme.branches[: len(names)])}&nbsp;&nbsp; band: ± one standard deviation over its pictures",
        ),
        [profile_axes(each) for each in profiles],
        theme=theme,
    )


def _band(profile: ClassProfile, place: int, theme: Theme) -> list[dict[str, Any]]:
    colour, mean, spread = theme.branches[place], profile.mean[place], profile.spread[place]
    ends = {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([profile.channels, profile.channels[::-1]]),
        "y": np.concatenate([mean + spread, (mean - spread)[::-1]]),
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": colour,
        "opacity": 0.25,
        "hoverinfo": "skip",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": profile.channels,
        "y": mean,
        "line": {"width": 1.6, "color": colour},
        "customdata": told([profile.channels.tolist(), *([decimal(float(each)) for each in values] for values in (mean, spread))]),
        "hovertemplate": f"{profile.site.name}, channel %{{customdata[0]}}: {number_named(profile.site)} %{{customdata[1]}}"
        f" ± %{{customdata[2]}} over {int(profile.counts[place]):,} pictures of {plain(profile.classes[place])}<extra></extra>",
    }
    return [ends, line]
