"""The mean weight of some channels by class, block by block, next to that over all pictures (Hu et al. 2018, figure 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.profile import ClassProfile
from sevis.figures.panels import legend, panels
from sevis.figures.sides import number_named
from sevis.figures.theme import LIGHT, Theme, plain, told
from sevis.words import decimal

__all__ = ["class_profile", "profile_axes"]


def class_profile(profiles: Sequence[ClassProfile], *, theme: Theme = LIGHT) -> go.Figure:
    """A panel a block, a line a class; dashed, the mean over all pictures."""
    if not profiles:
        raise ValueError("no picture has a known class; scan a data set with class folders or a column of labels")
    first = profiles[0]
    names = [f"{plain(name)} ({count:,})" for name, count in zip(first.classes, first.counts, strict=True)]
    key = f"{legend(names, theme.branches[: len(names)])}&nbsp;&nbsp; ┄ all pictures ({first.pictures:,})"
    return panels(
        [[*(_line(each, place, theme) for place in range(len(each.classes))), _overall(each, theme)] for each in profiles],
        [each.site.name for each in profiles],
        (f"Mean {number_named(first.site)} by class", key),
        [profile_axes(each) for each in profiles],
        theme=theme,
    )


def profile_axes(profile: ClassProfile) -> tuple[dict[str, Any], dict[str, Any]]:
    """The axes of a panel of channels."""
    shown, channels = len(profile.channels), profile.site.channels
    what = "channel" if shown == channels else f"channel ({shown} of {channels})"
    return {"title": {"text": what}, "fixedrange": True}, {"title": {"text": number_named(profile.site)}}


def _line(profile: ClassProfile, place: int, theme: Theme) -> dict[str, Any]:
    said = [[decimal(float(each)) for each in values] for values in (profile.mean[place], profile.overall)]
    name = f"{int(profile.counts[place]):,} pictures of {plain(profile.classes[place])}"
    return {
        "type": "scatter",
        "mode": "lines",
        "x": profile.channels,
        "y": profile.mean[place],
        "line": {"width": 1.6, "color": theme.branches[place]},
        "customdata": told([profile.channels.tolist(), *said]),
        "hovertemplate": f"{profile.site.name}, channel %{{customdata[0]}}: mean {number_named(profile.site)} %{{customdata[1]}}"
        f" over {name}, %{{customdata[2]}} over all<extra></extra>",
    }


def _overall(profile: ClassProfile, theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": profile.channels,
        "y": profile.overall,
        "line": {"width": 1.6, "color": theme.ink, "dash": "dot"},
        "customdata": told([profile.channels.tolist(), [decimal(float(each)) for each in profile.overall]]),
        "hovertemplate": f"{profile.site.name}, channel %{{customdata[0]}}: mean {number_named(profile.site)} %{{customdata[1]}}"
        f" over all {profile.pictures:,} pictures<extra></extra>",
    }
