"""The row of choices above the network: how its weights are shown, and which block and channel are looked at closely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from sevis.analysis.rank import moved
from sevis.app import session
from sevis.records import Inspection

__all__ = ["View", "choose"]

SCALES = {"average": "against average", "absolute": "absolute"}
ORDERS = {"sorted": "sorted", "network": "in place"}


@dataclass(frozen=True)
class View:
    """What is shown of an inspection that has gates."""

    scale: Literal["average", "absolute"]
    order: Literal["sorted", "network"]
    depth: int
    channel: int | None


def choose(inspection: Inspection) -> View:
    """Draw the row; gives the view."""
    weights, channels, block, channel = st.columns([11, 9, 8, 6], gap="small", vertical_alignment="bottom")
    with weights:
        scale = _either("Weights", SCALES, "scale", disabled=not inspection.averages)
    with channels:
        order = _either("Channels", ORDERS, "order")
    with block:
        depth = _block(inspection)
    with channel:
        number = _channel(inspection.sites[depth].channels)
    return View("absolute" if scale == "absolute" else "average", "network" if order == "network" else "sorted", depth, number)


def _either(label: str, options: dict[str, str], key: str, *, disabled: bool = False) -> str | None:
    first = next(iter(options))
    return st.segmented_control(
        label, list(options), required=True, default=first, format_func=options.__getitem__, key=key, bind="query-params", disabled=disabled
    )


def _block(inspection: Inspection) -> int:
    """The chosen block's place, or that of the block that moved furthest from the average picture."""
    names = [site.name for site in inspection.sites]
    session.settle_block(names)
    far = [moved(inspection, depth) or 0.0 for depth in range(len(names))]
    usual = far.index(max(far))
    chosen = st.selectbox("Block", names, index=None, placeholder=names[usual], key="block", bind="query-params")
    return names.index(chosen) if chosen in names else usual


def _channel(count: int) -> int | None:
    """The chosen channel, if the block has it."""
    session.settle_channel(count)
    number = st.number_input("Channel", 0, count - 1, None, 1, placeholder="none", key="channel", bind="query-params")
    return number if number is not None and 0 <= number < count else None
