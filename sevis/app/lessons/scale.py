"""Scale: gate times map, what the network answers to another weight, and why a gate of 1 everywhere is no gate."""

from __future__ import annotations

import math

import streamlit as st

from sevis import sentences
from sevis.analysis.compare import compare
from sevis.analysis.rank import strongest, weight
from sevis.app import state
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.lesson import gate_of, inspected, lesson
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import answers, channel_maps, compare_blocks, compare_predictions
from sevis.records import Inspection

TITLE = "Scale"
ICON = ":material/linear_scale:"

NAMES = ("as it is", "changed")
USUAL = 2  # the third gate: its map is still a picture, and there are gates behind it
# whose weight is set -> the edit, with the block, the channel and the weight
WHOSE = {"this channel": "{block}[{channel}]:set={weight:g}", "its block": "{block}:set={weight:g}", "all blocks": "all:set={weight:g}"}
FIRST = "At first the channel with the largest influence on the explained class."
CONSTANTS = (("each gate at its mean", "all:mean"), ("every gate at 1", "all:set=1"))


def render(choice: Choice) -> None:
    """The page."""
    st.subheader(TITLE, anchor=False)
    inspection = inspected(choice, "channel")
    if inspection is not None:
        lesson("scale", {"weight": lambda: _weight(choice), "ones": lambda: _ones(choice, inspection)})


@st.fragment
def _weight(choice: Choice) -> None:
    """Apart from the rest of the page, so that the slider is answered at once."""
    try:
        _set(choice)
    except state.EXPECTED as error:
        st.error(plain(str(error)))


def _set(choice: Choice) -> None:
    """One channel's map before and after, and what becomes of the answer with another weight."""
    before = _answer(choice)
    block, which, whose, amount = st.columns([5, 4, 11, 8], gap="small")
    with block:
        depth = gate_of(before, "channel", USUAL)
    with which:
        channel = _channel(before, depth)
    with whose:
        asked = _whose()
    with amount:
        edits = _edits(before, depth, channel, asked)
    after = _answer(choice, edits)
    chart(drawn(channel_maps, after, depth, channel), "scale_maps")
    say(sentences.WHAT["channel_maps"], sentences.channel_maps_sentence(after, depth, channel))
    _outcome(before, after)


def _answer(choice: Choice, edits: tuple[str, ...] = ()) -> Inspection:
    """What the network does with the picture after edits, with the same class explained."""
    before = state.inspect(choice.network, choice.digest, choice.picture.pixels, choice.target)
    if not edits:
        return before
    target = before.target.index if before.target.box is None else choice.target
    return state.inspect(choice.network, choice.digest, choice.picture.pixels, target, edits)


def _channel(inspection: Inspection, depth: int) -> int:
    """Draw the choice of a channel: at first the one that matters most for the class."""
    usual, last = strongest(inspection, depth, "influence", 1)[0], inspection.sites[depth].channels - 1
    chosen = st.number_input("Channel", 0, last, None, 1, placeholder=str(usual), key=f"scale_channel_{depth}_{last}", help=FIRST)
    return usual if chosen is None else int(chosen)


def _whose() -> str:
    """Draw the choice of whose weight is set."""
    return str(st.segmented_control("Set the weight of", list(WHOSE), required=True, default="this channel", key="scale_whose"))


def _edits(inspection: Inspection, depth: int, channel: int, whose: str) -> tuple[str, ...]:
    """Draw the weight; gives the edit, or none where the weight is the gate's own."""
    own = round(float(weight(inspection, depth)[channel]), 2)
    alone = whose == "this channel"
    at_first, key = (own, f"scale_{depth}_{channel}") if alone else (1.0, f"scale_{whose}")
    low, high = min(0.0, math.floor(own)), max(2.0, math.ceil(own))
    chosen = st.slider("Weight", low, high, at_first, 0.01, key=key, help=f"The gate itself answered {own:.2f} for channel {channel}.")
    if alone and chosen == own:
        return ()
    return (WHOSE[whose].format(block=inspection.sites[depth].name, channel=channel, weight=chosen),)


def _outcome(before: Inspection, after: Inspection) -> None:
    """What the network answers now, and how far the gates behind moved."""
    if before is after or not after.edits:
        st.markdown("This is the weight that the gate computed. **Move it**, and what the network answers then appears here.")
        return
    comparison = compare(before, after, NAMES)
    left, right = st.columns(2, gap="medium")
    with left:
        chart(drawn(compare_predictions, comparison), "scale_predictions")
        say(*sentences.changes(comparison))
    with right:
        chart(drawn(compare_blocks, comparison), "scale_blocks")
        say("How far the weights of each block lie from what they were; those behind the change move because another map comes in.")


def _ones(choice: Choice, before: Inspection) -> None:
    """The same picture with every gate as it is, at its mean, and at 1."""
    known = [each for each in CONSTANTS if before.averages or each[1] != "all:mean"]
    told = [("as it is", before), *((name, _answer(choice, (edit,))) for name, edit in known)]
    chart(drawn(answers, told), "answers")
    unknown = "" if before.averages else "The mean over many pictures was never measured for this network."
    say(sentences.WHAT["answers"], sentences.answers_sentence(told), unknown)
