"""Select: two kernels, two maps and the softmax that mixes them; and what zooming does to the mixture."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sevis import sentences
from sevis.analysis.rank import strongest
from sevis.analysis.zoomed import zoomed
from sevis.app import state
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.lesson import gate_of, inspected, lesson
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import channel_maps, zoomed_shares
from sevis.records import Inspection
from sevis.words import percent
from sevis.zooming import blurred, enlarged

TITLE = "Select"
ICON = ":material/alt_route:"

ZOOMS = (1.0, 1.25, 1.5, 1.75, 2.0)
SHOWN = 200  # px of a picture


def render(choice: Choice) -> None:
    """The page."""
    st.subheader(TITLE, anchor=False)
    inspection = inspected(choice, "branch")
    if inspection is None:
        lesson("select", {"mix": lambda: None, "zoom": lambda: None})
    else:
        lesson("select", {"mix": lambda: _mix(choice, inspection), "zoom": lambda: _zoom(choice)})


def _mix(choice: Choice, inspection: Inspection) -> None:
    """One channel's maps in every branch, their shares, and the mixture."""
    left, right = st.columns([2, 5], gap="medium")
    with left:
        depth = gate_of(inspection, "branch")
    with right:
        channel = _channel(inspection, depth)
    chart(drawn(channel_maps, inspection, depth, channel), "select_maps")
    st.latex(sentences.selection_formula(inspection, depth, channel), width="content")
    say(sentences.WHAT["channel_maps"], sentences.channel_maps_sentence(inspection, depth, channel))
    say(sentences.branches_sentence(inspection, depth))


def _channel(inspection: Inspection, depth: int) -> int:
    """Draw the choice of a channel: at first the one that matters most for the class."""
    usual, last = strongest(inspection, depth, "influence", 1)[0], inspection.sites[depth].channels - 1
    chosen = st.number_input("Channel", 0, last, None, 1, placeholder=str(usual), key=f"select_channel {depth} {last}", width=160)
    return usual if chosen is None else int(chosen)


@st.fragment
def _zoom(choice: Choice) -> None:
    """The picture nearer and nearer, and the shares; apart from the rest of the page, so that it answers at once."""
    zoom = float(st.select_slider("Zoom", ZOOMS, 1.5, format_func=lambda each: f"{each:g} ×", key="select_zoom", width=420))
    seen = state.inspect(choice.network, choice.digest, choice.picture.pixels, choice.target).image
    with st.spinner("Looking again ..."):
        views = {
            "as it is": _look(choice, "seen", seen),
            "the centre, enlarged": _look(choice, f"enlarged {zoom}", enlarged(seen, zoom)),
            "the whole, only as soft": _look(choice, f"blurred {zoom}", blurred(seen, zoom)),
        }
    for column, (name, view) in zip(st.columns(3, gap="small", width=3 * SHOWN + 40), views.items(), strict=True):
        column.image(view.image, f"**{name}**{_answer(view)}", width=SHOWN)
    shares = zoomed(zoom, *views.values())
    chart(drawn(zoomed_shares, shares), "zoomed_shares")
    st.markdown(plain(sentences.zoomed_shares_sentence(shares)))
    if not all("x" in name for name in shares.sites[0].branches):
        say("The branches of this network do not differ by the size of their kernel, so there is no reason for a zoom to favour one.")


def _look(choice: Choice, how: str, pixels: np.ndarray) -> Inspection:
    """What the network does with the picture that it saw, changed in some way: at its own size, as sevis.sweeps does it."""
    return state.inspect(choice.network, f"{choice.digest} {how}", pixels, None)


def _answer(view: Inspection) -> str:
    """The network's answer, for below the picture."""
    first = view.predictions[0] if view.predictions else view.target
    return f": {plain(first.label)}, {percent(first.probability)}"
