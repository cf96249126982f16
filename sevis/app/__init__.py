"""The page's frame: configuration, navigation, and the way from an expected error to one sentence."""

from __future__ import annotations

import os

import streamlit as st

from sevis.places import ASSETS

__all__ = ["main"]

ICON = ASSETS / "icon.png"  # a Material icon would be fetched from another host
# Streamlit leaves 6 rem above the page; the menu takes 3.75, and the figures need the room
TIGHTER = ".stMainBlockContainer {padding-top: 4.2rem; padding-bottom: 3rem}"
# a figure's CSV lies beside plotly's camera, and is seen when that is: under the pointer, or by keyboard
NUMBERS = """
[class*="st-key-figure_"] {position: relative}
[class*="st-key-csv_"] {position: absolute; top: 0; right: 2.5rem; width: auto; opacity: 0; z-index: 5}
[class*="st-key-csv_"] button {min-height: 0; font-size: 0.8rem}
[class*="st-key-figure_"]:hover [class*="st-key-csv_"], [class*="st-key-csv_"]:focus-within {opacity: 1}
@media (hover: none) {[class*="st-key-csv_"] {opacity: 1}}
"""


def main() -> None:
    """Draw the page that the address names."""
    # Half of the processors for torch, said before it is loaded: with all of them its waiting threads fight the page's own,
    # and an inspection took 0.2 to 1.4 s on two cores instead of 0.04 to 0.10 s.
    os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 2) // 2, 1)))
    from sevis.app import frame

    st.set_page_config(page_title="sevis", page_icon=ICON, layout="wide")
    st.html(f"<style>{TIGHTER}{NUMBERS}</style>")
    frame.run()
