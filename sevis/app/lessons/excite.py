"""Excite: from the squeeze to the gates, with one squeeze to move and a bottleneck to narrow."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from sevis import sentences
from sevis.analysis.excitation import reach, telling
from sevis.analysis.rank import descending
from sevis.app import session, state
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.lesson import TEACHERS, gate_of, inspected, lesson
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.excitation import Excitation
from sevis.figures import excitation_narrowed, excitation_network
from sevis.records import GateRecord, Inspection
from sevis.words import decimal

TITLE = "Excite"
ICON = ":material/account_tree:"

USUAL = 2  # the third gate: small enough to be drawn whole in the networks that ship
Block = tuple[Excitation, GateRecord]


def render(choice: Choice) -> None:
    """The page: the block is chosen above its network, and the narrowing is about the same one."""
    st.subheader(TITLE, anchor=False)
    inspection, chosen = inspected(choice, "channel"), list[Block]()
    lesson("excite", {"network": lambda: _network(choice, inspection, chosen), "narrow": lambda: _narrowed(choice, chosen)})


def _network(choice: Choice, inspection: Inspection | None, chosen: list[Block]) -> None:
    """The choice of the block, and its network; the block is kept for what follows."""
    if inspection is None:
        return
    depth = gate_of(inspection, "channel", USUAL)
    with st.spinner("Taking the excitation apart ..."):
        excitation = state.excitation(choice.network, depth)
    if excitation is None:
        _elsewhere(choice.network, inspection, depth)
        return
    chosen.append((excitation, replace(inspection.gates[depth], maps=None)))  # a fragment keeps its arguments
    _moved(*chosen[0], f"{choice.network} {choice.digest[:12]}")


def _elsewhere(network: str, inspection: Inspection, depth: int) -> None:
    """Say that this block's excitation is not two layers, with the way to one that is."""
    sites = inspection.sites
    others = (site.name for site in sites if site.kind == "channel" and state.excitation(network, site.depth) is not None)
    other = next(others, None)
    way = f"choose {other}" if other else "no other block of this network has them either"
    st.info(
        f"Between the squeeze and the gates of {sites[depth].name} there are not just two layers: equation 3 does not describe it; {way}.",
        icon=":material/school:",
    )
    if other:
        st.button(f"Take {other}", key="take_block", type="primary", on_click=session.set_control, args=("lesson_block", other))
    elif (teacher := TEACHERS["channel"]) in state.networks():
        st.button(f"Learn with {plain(teacher)}", key="take_teacher", type="primary", on_click=session.take_network, args=(teacher,))


@st.fragment
def _moved(excitation: Excitation, record: GateRecord, where: str) -> None:
    """The network of one block with one squeeze to move; apart from the rest of the page, so that it answers at once."""
    squeeze = record.squeeze[0]
    first, second, third = st.columns([3, 6, 2], gap="medium", vertical_alignment="bottom")
    with first:
        channel = _channel(excitation, record, where)
    reached, key = reach(squeeze, channel), f"excite_squeeze {where} {record.site.name} {channel}"
    with second:
        value = st.slider(
            f"Its squeeze; on this picture {decimal(reached.own)}", reached.low, reached.high, reached.own, reached.step, key=key
        )
    with third:
        st.button("As it was", key="excite_back", on_click=session.set_control, args=(key, reached.own), disabled=value == reached.own)
    chart(drawn(excitation_network, excitation, record, channel, value), "excitation_network")
    st.markdown(plain(sentences.excitation_network_sentence(excitation, record, channel, value)))


def _channel(excitation: Excitation, record: GateRecord, where: str) -> int:
    """Draw the choice of a channel, the one that can move the gates most first."""
    squeeze = record.squeeze[0]
    names = {int(each): f"channel {each}, squeeze {decimal(float(squeeze[each]))}" for each in descending(telling(excitation, squeeze))}
    key = f"excite_channel {where} {record.site.name}"
    return int(st.selectbox("Channel, the most telling first", list(names), format_func=names.__getitem__, key=key))


def _narrowed(choice: Choice, chosen: list[Block]) -> None:
    if chosen:
        _narrow(*chosen[0], choice.network)


@st.fragment
def _narrow(excitation: Excitation, record: GateRecord, network: str) -> None:
    """The bottleneck with fewer units."""
    units = len(excitation.b1)
    kept = st.slider("Units that are kept", 0, units, -(-units // 4), key=f"excite_kept {network} {record.site.name}", width=420)
    chart(drawn(excitation_narrowed, excitation, record, kept), "excitation_narrowed")
    say(sentences.WHAT["excitation_narrowed"], sentences.excitation_narrowed_sentence(excitation, record, kept))
