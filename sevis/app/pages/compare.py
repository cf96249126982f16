"""Compare: two pictures, two networks, or a picture and its changed self, gate by gate."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from sevis import figures, sentences
from sevis.analysis.compare import Comparison, Scale, compare
from sevis.app import session, sidebar, state
from sevis.app.chart import chart, clickable
from sevis.app.controls import SCALES
from sevis.app.drawn import drawn
from sevis.app.second import MODES, Second
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import FIGURES
from sevis.records import Cam, Inspection

TITLE = "Compare"
ICON = ":material/compare:"

MARKS = (":blue[●]", ":orange[◆]")  # those of the figures
# columns of the summary: both pictures, both predictions, the words
PICTURES_ONLY, WITH_BOXES = ([3, 3, 6, 5],), ([1, 1], [1, 1])
CLICK = "Click one to see its block below."
SEEN_FROM = ("last feature map", "chosen block")
BY_DEPTH = tuple(entry for entry in FIGURES if entry.name in ("compare_blocks", "compare_similarity", "compare_moved"))


@dataclass(frozen=True)
class View:
    """What is shown of a comparison that has gates."""

    scale: Scale
    place: int
    channel: int | None


def render(choice: Choice) -> None:
    """The page: what to compare, both sides and where they part, all gates, one block of them, and where each side looked."""
    second = _second(choice)
    comparison = _compared(choice, second)
    sidebar.footer(comparison.sides[0].seconds)
    _notes(choice, second, comparison)
    _summary(comparison)
    if not comparison.pairs:
        _cams(comparison, None)
        return
    view = _view(comparison)
    chart(drawn(figures.compare_strips, comparison, scale=view.scale, selected=view.place), "compare_strips")
    say(sentences.WHAT["compare_strips"], sentences.compare_strips_sentence(comparison))
    _by_depth(comparison)
    _block(comparison, view)
    _cams(comparison, view.place)


def _second(choice: Choice) -> Second:
    """Draw the choice of what to compare; gives the second side."""
    names = list(MODES)
    left, right = st.columns([12, 9], gap="medium", vertical_alignment="bottom")
    with left:
        chosen = st.segmented_control(
            "Compare",
            names,
            required=True,
            default=names[0],
            format_func=lambda name: MODES[name].title,
            key="compare",
            bind="query-params",
        )
    mode = MODES[chosen if chosen in MODES else names[0]]
    with st.container() if mode.is_wide else right:
        return mode.choose(choice)


def _compared(choice: Choice, second: Second) -> Comparison:
    """Both sides inspected, with the same class explained where the second network knows it."""
    with st.spinner(f"Running {plain(second.names[0])} and {plain(second.names[1])} ..."):
        first = state.inspect(choice.network, choice.digest, choice.picture.pixels, choice.target)
        label = first.target.label
        target = label if label in state.classes(second.network) else None
        other = state.inspect(second.network, second.digest, second.picture.pixels, target, second.edits)
    return compare(first, other, second.names)


def _notes(choice: Choice, second: Second, comparison: Comparison) -> None:
    """What the visitor should know of either side, each said once."""
    if second.note:
        st.caption(plain(second.note))
    told = [*choice.picture.notes, *second.picture.notes]
    told += [f"{name}: {note}" for name, side in zip(comparison.names, comparison.sides, strict=True) for note in side.warnings]
    for note in dict.fromkeys(told):
        st.info(plain(note))


def _summary(comparison: Comparison) -> None:
    """Both pictures as seen, both predictions, and where the sides part."""
    has_boxes = any(side.target.box is not None for side in comparison.sides)
    rows = [st.columns(each, gap="medium") for each in (WITH_BOXES if has_boxes else PICTURES_ONLY)]
    *pictures, predicted, told = [column for row in rows for column in row]
    for place, (column, side) in enumerate(zip(pictures, comparison.sides, strict=True)):
        with column:
            _seen(place, comparison.names[place], side)
    with predicted:
        chart(drawn(figures.compare_predictions, comparison), "compare_predictions")
    with told:
        st.markdown("**Where they part**")
        for sentence in sentences.differing(comparison):
            st.markdown(plain(sentence))


def _seen(place: int, name: str, side: Inspection) -> None:
    """One side's picture, with the boxes of a detector."""
    height, width = side.image.shape[:2]
    if side.target.box is None:
        st.image(side.image, width="stretch", alt=f"The {('first', 'second')[place]} side's picture as its network saw it")
    else:
        chart(drawn(figures.boxes, side), f"compare_boxes_{place}")
    st.caption(f"{MARKS[place]} {plain(name)}, seen at {width} × {height}")


def _view(comparison: Comparison) -> View:
    """The row of choices: how weights are shown, and which block and channel are looked at closely."""
    weights, block, channel = st.columns([11, 10, 6], gap="small", vertical_alignment="bottom")
    with weights:
        names = list(SCALES)
        scale = st.segmented_control(
            "Weights",
            names,
            required=True,
            default=names[0],
            format_func=SCALES.__getitem__,
            key="scale",
            bind="query-params",
            disabled=not comparison.has_averages,
        )
    with block:
        place = _place(comparison)
    with channel:
        number = _channel(comparison, place)
    return View("absolute" if scale == "absolute" else "average", place, number)


def _place(comparison: Comparison) -> int:
    """The chosen pair of blocks, or the one that differs most."""
    key, settle = ("block", session.settle_block) if comparison.one_to_one else ("pair", session.settle_pair)
    settle(comparison.blocks)
    distances = [pair.distance or 0.0 for pair in comparison.pairs]
    usual = distances.index(max(distances))
    chosen = st.selectbox("Block", comparison.blocks, index=None, placeholder=comparison.blocks[usual], key=key, bind="query-params")
    return comparison.blocks.index(chosen) if chosen in comparison.blocks else usual


def _channel(comparison: Comparison, place: int) -> int | None:
    """The chosen channel, where both sides have the same ones."""
    if not comparison.one_to_one:
        return None
    count = comparison.sides[0].sites[comparison.pairs[place].first].channels
    session.settle_channel(count)
    number = st.number_input("Channel", 0, count - 1, None, 1, placeholder="none", key="channel", bind="query-params")
    return number if number is not None and 0 <= number < count else None


def _by_depth(comparison: Comparison) -> None:
    """What can be said of every block: the first two figures that these sides allow."""
    entries = [entry for entry in BY_DEPTH if getattr(comparison, entry.needs)][: len(MARKS)]
    for entry, column in zip(entries, st.columns(max(len(entries), 1), gap="medium"), strict=False):
        with column:
            _draw(drawn(entry.draw, comparison), entry.name, comparison)
            say(sentences.WHAT[entry.name], sentences.TOLD[entry.name](comparison), CLICK if comparison.one_to_one else "")


def _block(comparison: Comparison, view: View) -> None:
    """One pair of blocks: channel against channel, and both falling curves."""
    st.subheader(f"Block {plain(comparison.blocks[view.place])}", anchor="block")
    shown = {"compare_sorted": drawn(figures.compare_sorted, comparison, view.place, scale=view.scale)}
    if comparison.one_to_one:
        shown = {"compare_channels": drawn(figures.compare_channels, comparison, view.place, view.channel), **shown}
    for (name, figure), column in zip(shown.items(), st.columns(len(shown), gap="medium"), strict=True):
        with column:
            _draw(figure, name, comparison)
            say(sentences.WHAT[name], sentences.TOLD[name](comparison, view.place))


def _draw(figure: go.Figure, name: str, comparison: Comparison) -> None:
    """A figure whose points choose block and channel, where both sides have the same ones."""
    if comparison.one_to_one and name != "compare_sorted":
        clickable(figure, name, comparison.sides[0])
    else:
        chart(figure, name)


def _cams(comparison: Comparison, place: int | None) -> None:
    """Both sides' Grad-CAM, at the last feature map or at the chosen block."""
    st.subheader("Where each side looked", anchor="grad-cam")
    maps = _maps(comparison, place)
    for side, (column, each) in enumerate(zip(st.columns(2, gap="medium"), maps, strict=True)):
        with column:
            st.markdown(f"{MARKS[side]} {plain(comparison.names[side])}")
            if each is None:
                st.caption("This network has no feature map that a Grad-CAM could be laid over.")
            else:
                chart(drawn(figures.cam, comparison.sides[side], each), f"compare_cam_{side}")
    known = [each for each in maps if each is not None]
    say(sentences.WHAT["cam"], sentences.compare_cams_sentence(comparison, (known[0], known[1])) if len(known) == 2 else "")


def _maps(comparison: Comparison, place: int | None) -> list[Cam | None]:
    """The map of each side that is shown."""
    last = [side.last_cam for side in comparison.sides]
    if place is None:
        return last
    pair = comparison.pairs[place]
    seen = st.segmented_control("Seen from", SEEN_FROM, required=True, default=SEEN_FROM[0], key="seen_from", bind="query-params")
    at = [side.cams[depth] for side, depth in zip(comparison.sides, (pair.first, pair.second), strict=True)]
    return [*at] if seen == SEEN_FROM[1] else last
