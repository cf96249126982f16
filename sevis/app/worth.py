"""The way from statistics to proof: what each gate of a run is worth, measured here where the network and the pictures are at hand."""

from __future__ import annotations

from functools import partial

import streamlit as st

from sevis.app import scans, shelf, state
from sevis.app.ablating import PICTURES, Ablating
from sevis.app.words import plain
from sevis.runs import Run
from sevis.words import counted

__all__ = ["worth"]

EVERY = 1.0  # seconds between two looks at what runs
COMMAND = "sevis doctor RUN --pictures FOLDER"
ALONE = "Statistics alone cannot tell a learned constant from a gate that works finely; replacing its weights can."


def worth(key: str, run: Run, shown: str) -> None:
    """Draw the button that begins, the progress, or why it cannot be done here.

    Args:
        key: of the run.
        shown: the engine's name for the network on the page.
    """
    begun = scans.ablations().of(key, run)
    if begun is not None and begun.is_running:
        st.fragment(_progress, run_every=EVERY)(key, begun)
        return
    if begun is not None and begun.ablated and scans.ablated(key):
        st.rerun()
    network = _network(run, shown)
    reason = _missing(run, network)
    if reason or network is None:
        st.caption(plain(f"{ALONE} {reason} On a machine that has both:"))
        st.code(COMMAND, language="bash")
        return
    left, right = st.columns([4, 7], gap="small", vertical_alignment="center")
    left.button(
        f"Ablate every gate on {counted(min(PICTURES, run.read), 'picture')}",
        key="ablate",
        type="primary",
        icon=":material/science:",
        width="stretch",
        on_click=partial(scans.ablations().begin, key, run, network, state.arch_of(network), keep=key in scans.own_runs().folders),
    )
    right.caption(plain(begun.why if begun is not None and begun.why else ALONE))


def _network(run: Run, shown: str) -> str | None:
    """The engine's name for the network that was scanned: the one on the page, or one of the menu; None where it is neither."""
    if scans.weights_of(shown) == run.meta["weights_sha256"]:
        return shown
    return run.network if run.network in state.networks() else None


def _missing(run: Run, network: str | None) -> str:
    """Why the gates cannot be ablated here; "" where they can."""
    if run.meta["task"] != "classification":
        return "Gates are ablated in classifiers only, whose answers are probabilities."
    if run.read < 2:
        return "That takes two pictures at least."
    if network is None:
        return f"The network {run.network} is not on this server; bring it at the left."
    return "" if shelf.may_read(run) else f"The pictures that were scanned are not where this server reads pictures ({shelf.PICTURES_AT})."


def _progress(key: str, begun: Ablating) -> None:
    """How far it is, drawn once a second; it goes on without this page too."""
    if not begun.is_running:
        st.rerun()
    left, right = st.columns([9, 1], vertical_alignment="bottom")
    waiting = "Waiting for the network, or for another visitor's scan"
    left.progress(begun.done / max(begun.total, 1), f"Ablating: {begun.done:,} of {begun.total:,} batches" if begun.total else waiting)
    right.button("Stop", key="stop_ablating", on_click=begun.stop, width="stretch")
    st.caption("It goes on while you look at other pages, and shares the device with everybody's pictures, batch by batch.")
