"""How an inspection shows itself in a notebook: a figure by its name, and all of it at a glance without a script."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from sevis import sentences
from sevis.figures import DARK, FIGURES, LIGHT
from sevis.figures.overlay import data_uri, overlay, shrunk
from sevis.figures.strips import AXES, Row, rows
from sevis.records import Cam, Inspection
from sevis.report_parts import outstanding

__all__ = ["DRAWN", "figure", "glance"]

THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
PICTURE = 176  # px, the longer side
STRIP = "width:100%;height:14px;image-rendering:pixelated;display:block"
PAGE = "background:#fff;color:#262730;font:14px/1.5 sans-serif;max-width:860px;padding:10px 14px;border-radius:6px"

# what an entry draws -> what it is called with, from an inspection and the name of a block, if one was given
DRAWN: dict[str, Callable[[Inspection, str | None], tuple[Any, ...]]] = {
    "picture": lambda inspection, block: (inspection,),
    "boxes": lambda inspection, block: (inspection,),
    "block": lambda inspection, block: (inspection, _depth(inspection, block)),
    "cam": lambda inspection, block: (inspection, _cam(inspection, block)),
}
ENTRIES = {entry.name: entry for entry in FIGURES if entry.of in DRAWN}


def figure(inspection: Inspection, name: str = "network", block: str | None = None, *, theme: str = "light", **options: Any) -> Any:
    """A plotly figure of the inspection.

    Args:
        name: of a figure of one picture or of one of its blocks: network, prediction, sorted_weights, cam ...
        block: for a figure of one block, its name, as in "SE_3_1"; None takes the one that stands out, as the page does, and for a
            Grad-CAM the last map.
        theme: "light" or "dark".
        options: what the figure's own function takes besides, as in order="network" or channel=7.

    Raises:
        ValueError: there is no such figure, block or theme, or the block's kind of gate cannot be drawn so.
    """
    entry = ENTRIES[_known("figure", name, ENTRIES)]
    colours = THEMES[_known("theme", theme, THEMES)]
    return entry.draw(*DRAWN[entry.of](inspection, block), theme=colours, **options)


def _depth(inspection: Inspection, block: str | None) -> int:
    """The place of a block by its name; without a name, of the one that stands out."""
    names = [site.name for site in inspection.sites]
    if not names:
        raise ValueError(f"{inspection.model} has no gates, so there is no block to draw; ask for 'prediction' or 'cam'")
    return outstanding(inspection) if block is None else names.index(_known("block", block, names))


def _cam(inspection: Inspection, block: str | None) -> Cam:
    """The Grad-CAM at a block, or at the last map."""
    last = inspection.last_cam if block is None else None
    return inspection.cams[_depth(inspection, block)] if last is None else last


def _known(what: str, name: str, names: Collection[str]) -> str:
    """The name, if it is one of them."""
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; choose from {', '.join(names)}")
    return name


def glance(inspection: Inspection) -> str:
    """The picture, what the network makes of it, and a strip of colours a block, as HTML of a few kilobytes."""
    return (
        f"<div style='{PAGE}'><div style='display:flex;gap:18px;align-items:flex-start'>"
        f"{_picture(inspection)}<div>{_told(inspection)}</div></div>{_network(inspection)}</div>"
    )


def _picture(inspection: Inspection) -> str:
    """The picture, under the last Grad-CAM where there is one."""
    picture, last = shrunk(inspection.image, PICTURE), inspection.last_cam
    shown = picture if last is None else overlay(picture, last.values[0], 0.4)
    return f"<img alt='The picture under its Grad-CAM' style='flex:none' src='{data_uri(shown)}'>"


def _told(inspection: Inspection) -> str:
    said = (sentences.prediction_sentence(inspection), *sentences.standouts(inspection), *inspection.warnings)
    edits = f"<p style='margin:0 0 6px'>Edited: {escape(', '.join(inspection.edits))}</p>" if inspection.edits else ""
    paragraphs = "".join(f"<p style='margin:0 0 6px'>{escape(each)}</p>" for each in said)
    return f"<p style='margin:0 0 6px'><b>{escape(inspection.model)}</b></p>{edits}{paragraphs}"


def _network(inspection: Inspection) -> str:
    """Each block's channels as a strip, highest first, in the colours of the network figure."""
    if not inspection.gates:
        return ""
    strips = "".join(
        f"<tr><td style='padding:0 12px 0 0;text-align:left;white-space:nowrap'>{escape(inspection.sites[row.depth].name)}</td>"
        f"<td style='padding:1px 0;width:100%'><img alt='' style='{STRIP}' src='{_strip(inspection, row)}'></td></tr>"
        for row in rows(inspection, "average", "sorted")
    )
    drawn = "Weights against the average picture, channels sorted" if inspection.averages else "Weights, channels sorted"
    more = f'{drawn}; <code>inspection.figure("network")</code> can be asked with the pointer.'
    table = f"<table style='width:100%;border-collapse:collapse;margin-top:10px'>{strips}</table>"
    return f"{table}<p style='margin:6px 0 0;color:#6b6f7b'>{more}</p>"


def _strip(inspection: Inspection, row: Row) -> str:
    """The row's colours, one pixel a channel."""
    axis = AXES[row.axis](inspection, LIGHT)
    stops = np.array([place for place, _ in axis["colorscale"]])
    colours = np.array([ImageColor.getrgb(colour) for _, colour in axis["colorscale"]], dtype=float)  # (stops, 3)
    places = (row.values - axis["cmin"]) / (axis["cmax"] - axis["cmin"])
    pixels = np.stack([np.interp(places, stops, colours[:, part]) for part in range(3)], axis=-1)
    file = BytesIO()
    Image.fromarray(pixels[None].round().astype(np.uint8)).save(file, "PNG")  # a JPEG would mix neighbouring channels
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode('ascii')}"
