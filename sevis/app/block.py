"""One block in detail: what its gate made of the picture, channel by channel."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from sevis import sentences
from sevis.analysis.rank import RANKINGS, By, channel_influence, deviation, strongest, weight
from sevis.app.channel import channel_section
from sevis.app.chart import chart, clickable
from sevis.app.components import channels
from sevis.app.drawn import drawn
from sevis.app.words import plain, say
from sevis.figures import branches, feature_maps, histogram, influence, sorted_weights, squeeze_weight
from sevis.records import Inspection

__all__ = ["block_section"]

BY = {"weight": "weight", "influence": "influence", "deviation": "distance from the average picture"}
SHOWN = 6  # channels whose feature maps are drawn


def block_section(inspection: Inspection, depth: int, channel: int | None, network: str) -> None:
    """The chosen block: its words, its figures, its strongest channels' maps."""
    st.subheader(f"Block {plain(inspection.sites[depth].name)}", anchor="block")
    channels(inspection, depth, channel)
    if channel is not None:
        channel_section(inspection, depth, channel, network)
    _figures(inspection, depth, channel)
    _maps(inspection, depth, channel)
    if st.toggle("Show the numbers as a table", key="table"):
        _table(inspection, depth)


def _figures(inspection: Inspection, depth: int, channel: int | None) -> None:
    """Four figures of any gate, and the branches of a selection."""
    left, right = st.columns(2, gap="medium")
    with left:
        clickable(drawn(squeeze_weight, inspection, depth, channel), "squeeze_weight", inspection)
        say(sentences.WHAT["squeeze_weight"], sentences.squeeze_sentence(inspection, depth))
        chart(drawn(influence, inspection, depth, channel), "influence")
        say(sentences.WHAT["influence"], sentences.influence_sentence(inspection, depth))
    with right:
        chart(drawn(sorted_weights, inspection, depth, channel), "sorted_weights")
        say(sentences.WHAT["sorted_weights"], sentences.block_sentence(inspection, depth))
        chart(drawn(histogram, inspection, depth), "histogram")
        say(sentences.WHAT["histogram"], sentences.histogram_sentence(inspection, depth))
    if inspection.sites[depth].kind == "branch":
        chart(drawn(branches, inspection, depth, channel), "branches")
        say(sentences.WHAT["branches"], sentences.branches_sentence(inspection, depth))


def _maps(inspection: Inspection, depth: int, channel: int | None) -> None:
    """The feature maps of the strongest channels, the chosen one first."""
    rankings = [name for name in RANKINGS if name != "deviation" or inspection.averages]
    by = st.segmented_control(
        "Strongest channels by", rankings, required=True, default="weight", format_func=BY.__getitem__, key="by", bind="query-params"
    )
    first = strongest(inspection, depth, cast(By, by if by in rankings else "weight"), SHOWN)
    chosen = first if channel is None else (channel, *(each for each in first if each != channel))[:SHOWN]
    chart(drawn(feature_maps, inspection, depth, chosen), "feature_maps")
    say(sentences.WHAT["feature_maps"], sentences.maps_sentence(inspection, depth, chosen))


def _table(inspection: Inspection, depth: int) -> None:
    """The block's numbers for a screen reader, or for copying."""
    record, spreads = inspection.gates[depth], deviation(inspection, depth)
    columns = {"channel": range(record.site.channels), "squeeze": record.squeeze[0], "weight": weight(inspection, depth)}
    columns |= {} if spreads is None else {"spreads above average": spreads}
    st.dataframe(pd.DataFrame({**columns, "influence": channel_influence(inspection, depth)}), hide_index=True, height=260)
