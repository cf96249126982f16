"""All channels of one block under the pointer: what the page gets of them, and what it gives back."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from sevis import sentences
from sevis.analysis.channel import thumbnails
from sevis.analysis.rank import channel_influence
from sevis.app import session
from sevis.app.drawn import made
from sevis.figures.overlay import data_uri, shrunk, table
from sevis.records import Inspection

__all__ = ["channels", "payload"]

KEY = "channels"
LONGEST = 256  # px of the picture under the maps
COLORMAP = "cividis"


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_mount = st.components.v2.component("sevis_channels", html=_text("channels.html"), css=_text("channels.css"), js=_text("channels.js"))


def channels(inspection: Inspection, depth: int, channel: int | None) -> None:
    """Draw the block's channels; one that is clicked becomes the choice.

    Mounted twice: the maps are sent once a block, because Streamlit sends no message again that the browser still has, and what
    is chosen goes beside them in a few bytes.
    """
    with st.container(gap=None):
        _mount(key=KEY, data=made(payload, inspection, depth), on_chosen_change=_chosen)
        _mount(key=f"{KEY}_chosen", data={"depth": depth, "channel": channel})
    session.listen(KEY, lambda value: _take(value, inspection))


def _chosen() -> None:
    """Hand over what the page gave back last; Streamlit holds this callback for as long as the visitor stays."""
    take = session.listener(KEY)
    if take is not None:
        take((st.session_state.get(KEY) or {}).get("chosen"))


def _take(value: Any, inspection: Inspection) -> None:
    """Take a block and a channel, or none; what a client sends is checked against what there is."""
    match value:
        case [int(depth), None] if 0 <= depth < len(inspection.sites):
            session.choose(inspection.sites[depth], None)
        case [int(depth), int(channel)] if 0 <= depth < len(inspection.sites) and 0 <= channel < inspection.sites[depth].channels:
            session.choose(inspection.sites[depth], channel)


def payload(inspection: Inspection, depth: int) -> bytes:
    """One block as the page needs it, compressed: names, sentences and picture as JSON, then numbers and thumbnails; see channels.js."""
    record, small = inspection.gates[depth], thumbnails(inspection.gates[depth])
    branches, count, height, width = small.cells.shape
    header = {
        "depth": depth,
        "name": record.site.name,
        "branches": list(record.site.branches) if record.site.kind == "branch" else [],
        "shape": [branches, count, height, width],
        "blocks": len(inspection.sites),
        "sentences": sentences.channel_sentences(inspection, depth),
        "picture": data_uri(shrunk(inspection.image, LONGEST), 85),
    }
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 4)  # the numbers that follow must begin at a multiple of their size
    numbers = (small.low, small.high, record.weights[0], channel_influence(inspection, depth))
    parts = [np.asarray(each, "<f4").tobytes() for each in numbers] + [table(COLORMAP).tobytes(), small.cells.tobytes()]
    return gzip.compress(b"".join([struct.pack("<I", len(written)), written, *parts]), 6, mtime=0)
