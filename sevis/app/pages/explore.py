"""Explore: one picture, one network, every gate."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sevis import sentences
from sevis.app import controls, sidebar, state
from sevis.app.block import block_section
from sevis.app.chart import chart, clickable, clickable_boxes
from sevis.app.drawn import drawn
from sevis.app.sidebar import Choice
from sevis.app.taking import take_away
from sevis.app.words import plain, say
from sevis.figures import boxes, cam, cam_row, network, prediction
from sevis.figures.overlay import COLORMAPS
from sevis.records import Inspection

TITLE = "Explore"
ICON = ":material/visibility:"


def render(choice: Choice) -> None:
    """The page: the picture and its prediction, the whole network, one block of it, and where it looked."""
    with st.spinner(f"Running {plain(choice.network)} on {plain(choice.title)} ..."):
        inspection = state.inspect(choice.network, choice.digest, choice.picture.pixels, choice.target)
    sidebar.footer(inspection.seconds)
    for note in (*choice.picture.notes, *inspection.warnings):
        st.info(plain(note))
    beside = _summary(inspection, choice.title)
    if not inspection.gates:
        with beside:
            take_away(choice, inspection, None)
        _cams(inspection, None)
        return
    view = controls.choose(inspection)
    with beside:
        take_away(choice, inspection, view.depth)
    _network(inspection, view)
    block_section(inspection, view.depth, view.channel, choice.network)
    _cams(inspection, view.depth)


def _summary(inspection: Inspection, title: str) -> DeltaGenerator:
    """The picture as seen, the prediction, and what stands out; gives the column of the words."""
    seen, predicted, told = st.columns([2, 4, 4] if inspection.target.box is None else [4, 3, 3], gap="medium")
    height, width = inspection.image.shape[:2]
    with seen:
        if inspection.target.box is None:
            st.image(inspection.image, width="stretch", alt="The picture as the network saw it")
        else:
            clickable_boxes(drawn(boxes, inspection), "boxes", inspection)
        st.caption(f"{plain(title)}, as the network saw it: {width} × {height}")
    with predicted:
        chart(drawn(prediction, inspection), "prediction")
        say(sentences.prediction_sentence(inspection))
    with told:
        st.markdown("\n\n".join(["**What stands out**", *map(plain, sentences.standouts(inspection))]))
    return told


def _network(inspection: Inspection, view: controls.View) -> None:
    """The main figure: every gate at once."""
    figure = drawn(network, inspection, scale=view.scale, order=view.order, selected=(view.depth, view.channel))
    clickable(figure, "network_figure", inspection)
    say(sentences.WHAT["network"], sentences.network_sentence(inspection), "Click a cell to see its block and channel below.")


def _cams(inspection: Inspection, depth: int | None) -> None:
    """Grad-CAM at the block and at the last map, and all of them in a row."""
    st.subheader("Where it looked", anchor="grad-cam")
    left, right = st.columns(2, gap="medium")
    with left:
        opacity = st.slider("Opacity of the map", 0.0, 1.0, 0.5, 0.05, key="opacity")
    with right:
        colormap = st.selectbox("Colours of the map", list(COLORMAPS), key="colormap")
    known = colormap if colormap in COLORMAPS else "cividis"
    shown = [each for each in (None if depth is None else inspection.cams[depth], inspection.last_cam) if each is not None]
    for place, (column, each) in enumerate(zip((left, right), shown, strict=False)):
        with column:
            chart(drawn(cam, inspection, each, opacity=opacity, colormap=known), f"cam_{place}")
            say(sentences.WHAT["cam"] if not place else "", sentences.cam_sentence(inspection, each))
    if len(inspection.cams) > 1:
        chart(drawn(cam_row, inspection, opacity=opacity, colormap=known), "cam_row")
        say(sentences.WHAT["cam_row"], sentences.cam_row_sentence(inspection))
