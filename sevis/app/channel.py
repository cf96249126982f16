"""One channel up close: its numbers, its map over the picture, its weight on other pictures and on each class."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from sevis import sentences
from sevis.analysis.channel import class_means, percentiles, places, shares
from sevis.analysis.rank import channel_influence, weight
from sevis.app import state
from sevis.app.against import Against, against_scan, on_scan
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.words import plain, say
from sevis.figures import channel_classes, channel_maps, channel_samples
from sevis.records import Inspection
from sevis.sentences.numbers import number_of
from sevis.words import MINUS, decimal, ordinal, percent, signed, start

__all__ = ["channel_section"]

USUAL = "the pictures that the network was measured on"
SHARE = (
    "The channel's part of what the block's Grad-CAM says for the class, or (with a minus) against it: its influence among those of"
    " the same sign. Grad-CAM itself averages the slope of the score over the map first; the two agree where the slope is even."
)


def channel_section(inspection: Inspection, depth: int, channel: int, network: str) -> None:
    """All about the chosen channel; the network is the engine's name for it."""
    against = against_scan(inspection, depth, network)
    compared = inspection if against is None else against.inspection
    st.markdown(f"##### Channel {channel} up close")
    _numbers(compared, depth, channel, USUAL if against is None else f"the {against.pictures:,} pictures of {against.name}")
    say(sentences.share_sentence(compared, depth, channel), "" if against is None else f"The others are those of {against.name}.")
    chart(drawn(channel_maps, inspection, depth, channel), "channel_maps")
    say(sentences.WHAT["channel_maps"], sentences.channel_maps_sentence(inspection, depth, channel))
    if against is not None:
        on_scan(replace(against, inspection=_light(against.inspection)), depth, channel)
    _elsewhere(inspection, against, depth, channel, network)


def _numbers(inspection: Inspection, depth: int, channel: int, others: str) -> None:
    """The channel's numbers in a row; `others` are the pictures that its percentile is of."""
    site, values, how = inspection.sites[depth], weight(inspection, depth), percentiles(inspection, depth)
    influence, share = float(channel_influence(inspection, depth)[channel]), float(shares(inspection, depth)[channel])
    told = {
        start(number_of(site)): (decimal(float(values[channel])), "What the gate answered."),
        f"Rank of {site.channels}": (ordinal(int(places(values)[channel])), "Its place among the block's channels, from the highest."),
        "Percentile": (
            "–" if how is None else ordinal(round(how[channel])),
            f"On how many percent of {plain(others)} the weight of this channel is lower; a dash where that was not measured.",
        ),
        "Squeeze": (decimal(float(inspection.gates[depth].squeeze[0, channel])), "The mean of its feature map: what the gate is told."),
        "Influence": (_short(influence), "Its weight times the slope of the score by it: about what it added to the score."),
        "Part of Grad-CAM": (_part(share, influence), SHARE),
    }
    for column, (name, (value, meaning)) in zip(st.columns(len(told), gap="small"), told.items(), strict=True):
        column.metric(plain(name), value, help=meaning)


def _short(influence: float) -> str:
    """An influence that fits over its column; the sentence beside the maps has it in full."""
    if abs(influence) >= 0.01 or not influence:
        return signed(influence)
    return f"{'+' * (influence > 0)}{decimal(influence, 3)}" if abs(influence) >= 0.001 else "≈ 0"


def _part(share: float, influence: float) -> str:
    """A share with the sign of its influence."""
    if not influence:
        return "0"
    return f"{MINUS if influence < 0 else ''}{percent(share)}" if share >= 0.005 else "< 1%"


def _elsewhere(inspection: Inspection, against: Against | None, depth: int, channel: int, network: str) -> None:
    """The same channel on the samples, and on the pictures of each class where those were measured."""
    compared = inspection if against is None else against.inspection
    known = class_means(compared, depth, channel) is not None
    columns = iter(st.columns(2, gap="medium") if known else [st.container()])
    if known:
        with next(columns):
            _by_class(inspection, against, depth, channel, network)
    with next(columns):
        _on_samples(_light(compared), depth, channel, network)


def _by_class(inspection: Inspection, against: Against | None, depth: int, channel: int, network: str) -> None:
    """The mean of each class: of the scan's, or of the network's own as they were measured once."""
    if against is None:
        names = state.classes(network)
        figure = drawn(channel_classes, inspection, depth, channel, names)
        told = sentences.channel_classes_sentence(inspection, depth, channel, names)
    else:
        figure = drawn(channel_classes, against.by_class, depth, channel, against.classes)
        told = sentences.scan_classes_sentence(against.inspection, depth, channel, against.classes, against.own)
    chart(figure, "channel_classes")
    say(sentences.WHAT["channel_classes"], told)


def _light(inspection: Inspection) -> Inspection:
    """Without the maps a thousandth: a fragment keeps its arguments as long as the visitor stays."""
    return replace(inspection, gates=tuple(replace(each, maps=None) for each in inspection.gates))


@st.fragment(parallel=True)
def _on_samples(inspection: Inspection, depth: int, channel: int, network: str) -> None:
    """The same channel on the samples; apart from the rest of the page, because a large network takes seconds for them once."""
    try:
        with st.spinner("Looking at the samples ..."):
            samples = [(title, weights[depth]) for title, weights in state.sample_weights(network)]
    except state.EXPECTED as error:
        say(f"The samples could not be looked at: {error}")
        return
    chart(drawn(channel_samples, inspection, depth, channel, samples), "channel_samples")
    say(sentences.WHAT["channel_samples"], sentences.channel_samples_sentence(inspection, depth, channel, samples))
