"""Explore: one picture, one network, every gate."""

from __future__ import annotations

import streamlit as st

from sevis import sentences
from sevis.analysis.rank import moved
from sevis.app import sidebar, state
from sevis.app.block import block_section
from sevis.app.chart import chart, clickable
from sevis.app.words import plain, say
from sevis.figures import cam, cam_row, network, prediction
from sevis.figures.overlay import COLORMAPS
from sevis.records import Inspection

TITLE = "Explore"
ICON = ":material/visibility:"

SCALES = {"average": "against the average picture", "absolute": "absolute"}
ORDERS = {"sorted": "sorted", "network": "in network order"}


def render() -> None:
    """The page: the choice at the left, what the network did with it at the right."""
    try:
        choice = sidebar.choose()
        with st.spinner(f"Running {choice.network} on {plain(choice.title)} ..."):
            inspection = state.inspect(choice.network, choice.picture.pixels, choice.target)
    except state.EXPECTED as error:
        st.error(plain(str(error)))
        return
    sidebar.footer(inspection.seconds)
    for note in (*choice.picture.notes, *inspection.warnings):
        st.info(plain(note))
    _summary(inspection, choice.title)
    if inspection.gates:
        depth = _block(inspection)
        _network(inspection, depth)
        block_section(inspection, depth)
    else:
        depth = None
    _cams(inspection, depth)


def _summary(inspection: Inspection, title: str) -> None:
    """The picture as seen, the prediction, and what stands out."""
    seen, predicted, told = st.columns([2, 4, 4], gap="medium")
    height, width = inspection.image.shape[:2]
    with seen:
        st.image(inspection.image, width="stretch", alt="The picture as the network saw it")
        st.caption(f"{plain(title)}, as the network saw it: {width} × {height}")
    with predicted:
        chart(prediction(inspection, theme=state.theme()), "prediction")
        say(sentences.prediction_sentence(inspection))
    with told:
        st.markdown("**What stands out**")
        for sentence in sentences.standouts(inspection):
            st.markdown(plain(sentence))


def _block(inspection: Inspection) -> int:
    """The chosen block's place, or that of the block that moved furthest; its widget stands further down, where the block is shown."""
    names = tuple(site.name for site in inspection.sites)
    chosen = state.settle_block(names)
    far = [moved(inspection, depth) or 0.0 for depth in range(len(names))]
    return names.index(chosen) if chosen in names else far.index(max(far))


def _network(inspection: Inspection, depth: int) -> None:
    """The main figure: every gate at once."""
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    with left:
        scale = st.segmented_control(
            "Weights",
            list(SCALES),
            required=True,
            default="average",
            format_func=SCALES.__getitem__,
            key="scale",
            bind="query-params",
            disabled=not inspection.averages,
        )
    with right:
        order = st.segmented_control(
            "Channels", list(ORDERS), required=True, default="sorted", format_func=ORDERS.__getitem__, key="order", bind="query-params"
        )
    channel = st.session_state.get("channel")
    chosen = (depth, channel if channel is not None and 0 <= channel < inspection.sites[depth].channels else None)
    figure = network(
        inspection,
        scale="absolute" if scale == "absolute" else "average",
        order="network" if order == "network" else "sorted",
        selected=chosen,
        theme=state.theme(),
    )
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
            chart(cam(inspection, each, opacity=opacity, colormap=known, theme=state.theme()), f"cam_{place}")
            say(sentences.WHAT["cam"] if not place else "", sentences.cam_sentence(inspection, each))
    if len(inspection.cams) > 1:
        chart(cam_row(inspection, opacity=opacity, colormap=known, theme=state.theme()), "cam_row")
        say(sentences.WHAT["cam_row"], sentences.cam_row_sentence(inspection))
