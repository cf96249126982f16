"""The columns right of the network's strips: how far each block moved, what it added to the score, and its Grad-CAM."""

from __future__ import annotations

from typing import Any

import numpy as np

from sevis.analysis.rank import channel_influence, moved, strongest, weight
from sevis.figures.overlay import data_uri, glow, shrunk
from sevis.figures.strips import STRIP_HEIGHT
from sevis.figures.theme import CLEAR, Theme, plain, told
from sevis.records import Inspection
from sevis.words import amount, signed

__all__ = ["STRONGEST", "influence_sizes", "influences", "maps", "movements", "thumbnails"]

STRONGEST = 12
THUMBNAIL = 80  # px, twice what is shown, for sharp screens
# the mean absolute value of a standard normal number is 0.80
MOVED = "%{customdata[2]} lies %{x:.2f} spreads from the average picture, taken over all its channels; about 0.8 is ordinary<extra></extra>"
DIFFER = "the weights of %{customdata[2]} differ by %{x:.2f} from their mean (standard deviation over its channels)<extra></extra>"


def movements(inspection: Inspection, theme: Theme) -> dict[str, Any]:
    """A bar a block: its mean absolute spread, or without averages how much its weights differ from one another."""
    depths = range(len(inspection.gates))
    far = [moved(inspection, depth) for depth in depths]
    lengths = [each if each is not None else float(weight(inspection, depth).std()) for depth, each in enumerate(far)]
    return {
        "type": "bar",
        "orientation": "h",
        "x": lengths,
        "y": list(depths),
        "xaxis": "x2",
        "width": 0.28,
        "marker": {"color": theme.faint},
        "text": [f"{each:.1f}" if inspection.averages else f"{each:.2f}" for each in lengths],
        "textposition": "outside",
        "textfont": {"size": 12, "color": theme.muted},
        "cliponaxis": False,
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [[depth, None, site.name] for depth, site in enumerate(inspection.sites)],
        "hovertemplate": MOVED if inspection.averages else DIFFER,
    }


def _peaks(inspection: Inspection) -> list[float]:
    return [float(np.abs(channel_influence(inspection, depth)).max()) for depth in range(len(inspection.gates))]


def influences(inspection: Inspection, theme: Theme) -> dict[str, Any]:
    """The strongest influences of every block as signed bars on the row's middle line; every row has its own scale."""
    x, base, length, said = [], [], [], []
    for depth, peak in enumerate(_peaks(inspection)):
        influence = channel_influence(inspection, depth)
        chosen = sorted(strongest(inspection, depth, "influence", STRONGEST), key=lambda channel: -influence[channel])
        x += list(range(len(chosen)))
        base += [depth] * len(chosen)
        length += [-float(influence[channel]) / (peak or 1.0) * STRIP_HEIGHT / 2 for channel in chosen]
        said += [(depth, channel, inspection.sites[depth].name, signed(float(influence[channel]))) for channel in chosen]
    added = f"about %{{customdata[3]}} on the score of {plain(inspection.target.label)}"
    return {
        "type": "bar",
        "x": np.array(x),
        "y": np.array(length),
        "base": base,
        "xaxis": "x3",
        "width": 0.72,
        # the axis of the blocks points downwards
        "marker": {"color": [theme.positive if each <= 0 else theme.negative for each in length]},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": told(list(zip(*said, strict=True))),
        "hovertemplate": f"%{{customdata[2]}}, channel %{{customdata[1]}}: {added}<extra></extra>",
    }


def influence_sizes(inspection: Inspection, right: float) -> list[dict[str, Any]]:
    """The size of each row's longest bar, written beside the row, because the rows do not share a scale."""
    place = {"xref": "paper", "x": right, "xanchor": "left", "xshift": 2, "yref": "y", "yanchor": "middle", "font": {"size": 11}}
    return [{**place, "y": depth, "text": amount(peak)} for depth, peak in enumerate(_peaks(inspection))]


def maps(inspection: Inspection) -> dict[str, Any]:
    """Unseen marks over the thumbnails: a click on a map is a click on its block."""
    depths = range(len(inspection.cams))
    said = [[depth, None, plain(cam.name), amount(float(cam.peak[0]))] for depth, cam in enumerate(inspection.cams)]
    method = f"{plain(inspection.cams[0].method) if inspection.cams else ''} for {plain(inspection.target.label)}"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [0.5] * len(depths),
        "y": list(depths),
        "xaxis": "x4",
        "marker": {"size": 6, "color": CLEAR},
        "customdata": said,
        "hovertemplate": f"%{{customdata[2]}}: {method}, its peak is %{{customdata[3]}}<extra></extra>",
    }


def thumbnails(inspection: Inspection, span: tuple[float, float]) -> list[dict[str, Any]]:
    """The picture in each row, lit where the block's map is high."""
    picture = shrunk(inspection.image, THUMBNAIL)
    place = {"xref": "paper", "x": sum(span) / 2, "xanchor": "center", "yref": "y", "yanchor": "middle", "sizing": "contain"}
    return [
        {**place, "source": data_uri(glow(picture, cam.values[0])), "y": depth, "sizex": span[1] - span[0], "sizey": 0.94}
        for depth, cam in enumerate(inspection.cams)
    ]
