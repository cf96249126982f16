"""The contact sheet: a tile a picture with its prediction; the whole tile is a button."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from sevis.app.words import plain
from sevis.batch import Batch, Seen
from sevis.words import counted, percent

__all__ = ["contact_sheet"]

COLUMNS = 8

# Streamlit has no picture that can be clicked: so each tile's button lies unseen over its picture, where pointer and keyboard find it.
TILES = """<style>
[class*="st-key-tile_"] {position: relative; gap: 0.25rem}
[class*="st-key-tile_"] img {aspect-ratio: 1; object-fit: cover; border-radius: 0.4rem}
[class*="st-key-tile_"] p {font-size: 0.8rem; line-height: 1.3; overflow-wrap: anywhere}
[class*="st-key-tile_"] strong {display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden}
[class*="st-key-tile_"] [class*="st-key-open_"] {position: absolute; inset: 0; z-index: 1}
[class*="st-key-tile_"] [class*="st-key-open_"] div {height: 100%; width: 100%}
[class*="st-key-tile_"] button {height: 100%; width: 100%; opacity: 0}
[class*="st-key-tile_"]:has(button:hover) img, [class*="st-key-tile_"]:has(button:focus-visible) img
    {outline: 3px solid var(--st-primary-color); outline-offset: 2px}
</style>"""


def contact_sheet(batch: Batch, opens: Sequence[Callable[[], None]]) -> None:
    """Draw the tiles; `opens` says what a press on each does."""
    st.html(TILES)
    grid = st.grid(COLUMNS, min_column_width=84, gap="small", key="contact_sheet")
    for place, open_ in enumerate(opens):
        with grid.cell(), st.container(key=f"tile_{place}"):
            title, seen = plain(batch.titles[place]), batch.pictures[place]
            st.image(seen.thumbnail, width="stretch", alt=batch.titles[place])
            st.caption(f"**{title}** {plain(_prediction(seen))}")
            st.button(f"Open {title} in Explore", key=f"open_{place}", on_click=open_)


def _prediction(seen: Seen) -> str:
    """The most probable class; of a detector, how much it found and what the surest is."""
    best = f"{seen.target.label} {percent(seen.target.probability)}"
    if seen.target.box is None:
        return best
    found = len(seen.predictions)
    return f"{counted(found, 'thing')}, {best}" if found else "nothing found"
