"""What if: change the gates, and see the prediction, the later gates and the Grad-CAM answer."""

from __future__ import annotations

import streamlit as st

from sevis import sentences
from sevis.analysis.compare import Comparison, compare
from sevis.app import editing, sidebar, state
from sevis.app.chart import chart, selectable
from sevis.app.drawn import drawn
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import cam, cam_difference, compare_predictions, compare_strips, effects, sorted_weights
from sevis.records import Cam, GateSite, Inspection

TITLE = "What if"
ICON = ":material/tune:"

CAM = 340  # px high: three stand side by side
NAMES = ("as it is", "edited")


def render(choice: Choice) -> None:
    """The page: what to change, what came of it, and which block matters."""
    before = state.inspect(choice.network, choice.digest, choice.picture.pixels, choice.target)
    if not before.gates:
        sidebar.footer(before.seconds)
        st.info("This network has no gates that could be changed; choose another one at the left.")
        return
    block = editing.controls(before)
    texts, refused = editing.meant(editing.chips(), before)
    for sentence in refused:
        st.warning(plain(f"Left out: {sentence}."))
    after = _edited(choice, before, texts)
    sidebar.footer(after.seconds)
    comparison = compare(before, after, NAMES)
    _outcome(comparison)
    if block is not None:
        _channels(after, block)
    _gates(comparison)
    _effects(choice, before)


def _edited(choice: Choice, before: Inspection, texts: tuple[str, ...]) -> Inspection:
    """The same picture after the edits, with the same class explained."""
    if not texts:
        return before
    with st.spinner("Running the edited network ..."):
        target = before.target.index if before.target.box is None else choice.target
        return state.inspect(choice.network, choice.digest, choice.picture.pixels, target, texts)


def _outcome(comparison: Comparison) -> None:
    """Both predictions, the three maps, and what changed in words."""
    before, after = comparison.sides
    predicted, told = st.columns([6, 5], gap="medium")
    with predicted:
        chart(drawn(compare_predictions, comparison), "what_if_predictions")
    with told:
        st.markdown("**What came of it**")
        if not after.edits:
            st.markdown(
                "Nothing is changed yet. Every gate multiplies a feature map by the weights that it computed from this very picture:"
                " put other weights in their place, and watch."
            )
        for sentence in sentences.changes(comparison) if after.edits else ():
            st.markdown(plain(sentence))
    _cams(before, after)


def _cams(before: Inspection, after: Inspection) -> None:
    """Grad-CAM at the last map, or at the last gate, before and after, and the difference."""
    pair = _maps(before, after)
    for column, name, side, each in zip(st.columns(3, gap="medium"), (*NAMES, ""), (before, after, None), (*pair, None), strict=True):
        with column:
            if side is not None and each is not None:
                chart(drawn(cam, side, each, height=CAM), f"what_if_cam_{name}")
                st.caption(name)
            else:
                chart(drawn(cam_difference, before.image, *pair, height=CAM), "what_if_cam_difference")
                st.caption("the difference")


def _maps(before: Inspection, after: Inspection) -> tuple[Cam, Cam]:
    if before.last_cam is not None and after.last_cam is not None:
        return before.last_cam, after.last_cam
    return before.cams[-1], after.cams[-1]


def _channels(after: Inspection, block: GateSite) -> None:
    """The edited block's weights, whose channels can be picked."""
    figure = drawn(sorted_weights, after, block.depth)
    selectable(figure, "what_if_channels", lambda values: _pick(values, block))
    st.caption(
        f"The weights of {plain(block.name)} after the edits. Click channels to choose them for the edit in hand; click again to let go."
    )


def _pick(values: list[object], block: GateSite) -> None:
    channel = values[1] if len(values) > 1 else None
    if isinstance(channel, int) and 0 <= channel < block.channels:
        editing.choose_channel(block, channel)


def _gates(comparison: Comparison) -> None:
    """What became of every gate."""
    chart(drawn(compare_strips, comparison), "what_if_strips")
    say(sentences.WHAT["compare_strips"])


def _effects(choice: Choice, before: Inspection) -> None:
    """Which block matters."""
    st.subheader("Which block matters?", anchor="effects")
    if not st.toggle("Change each block in turn", key="effects", bind="query-params"):
        st.caption("One click runs this picture once for each block, with that block's weights at 1 or one branch alone.")
        return
    target = before.target.index if before.target.box is None else choice.target
    with st.spinner("Changing each block in turn ..."):
        outcomes = state.effects(choice.network, choice.digest, choice.picture.pixels, target)
    selectable(drawn(effects, outcomes), "effects_figure", _take)
    say(sentences.WHAT["effects"], sentences.effects_sentence(outcomes), "Click a bar to make its edit above.")


def _take(values: list[object]) -> None:
    """The edit of the clicked bar."""
    if values and isinstance(values[0], str):
        editing.append(values[0])
