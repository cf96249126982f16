"""What can be found out about a run where its network and its pictures are at hand: the button that begins it, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from sevis.app import ablating, scans, shelf, state, sweeping
from sevis.app.errand import Errands, OnRun
from sevis.app.words import plain
from sevis.runs import Run
from sevis.words import counted

__all__ = ["OFFERS", "Offer", "offer"]

EVERY = 1.0  # seconds between two looks at what runs
LABELS_ONLY = "Gates are ablated in classifiers only, whose answers are probabilities."


@dataclass(frozen=True)
class Offer:
    """One thing that can be found out.

    Attributes:
        errands: of this visitor.
        title: of the button, with {pictures}.
        pictures: how many it takes, at most.
        going: of the progress, as in "Ablating: 3 of 7 batches".
        steps: what is counted.
        about: why one would want it.
        command: that does the same elsewhere.
        refused: why it cannot be done with a run of that kind; "" where it can.
    """

    errands: Callable[[], Errands]
    title: str
    icon: str
    pictures: int
    going: str
    steps: str
    about: str
    command: str
    refused: Callable[[Run], str] = lambda run: ""


OFFERS: dict[str, Offer] = {
    "ablate": Offer(
        scans.ablations,
        "Ablate every gate on {pictures}",
        ":material/science:",
        ablating.PICTURES,
        "Ablating",
        "batches",
        "Statistics alone cannot tell a learned constant from a gate that works finely; replacing its weights can.",
        "sevis doctor RUN --pictures FOLDER",
        lambda run: "" if run.meta["task"] == "classification" else LABELS_ONLY,
    ),
    "sweep": Offer(
        scans.sweeps,
        "Enlarge {pictures}",
        ":material/zoom_in:",
        sweeping.PICTURES,
        "Enlarging",
        "pictures",
        "Shown larger, an object should draw its selections to the larger kernel; shown blurred, it should not.",
        "sevis profile RUN --sweep",
    ),
}


def offer(name: str, key: str, run: Run, shown: str) -> None:
    """Draw the button that begins, the progress, or why it cannot be done here.

    Args:
        name: of OFFERS.
        key: of the run.
        shown: the engine's name for the network on the page.
    """
    made = OFFERS[name]
    begun = made.errands().of(key, run)
    if begun is not None and begun.is_running:
        st.fragment(_progress, run_every=EVERY)(name, begun)
        return
    if begun is not None and begun.result:  # it ended since the page began to be drawn
        st.rerun()
    network = _network(run, shown)
    reason = _missing(made, run, network)
    if reason or network is None:
        st.caption(plain(f"{made.about} {reason} On a machine that has both:"))
        st.code(made.command, language="bash")
        return
    left, right = st.columns([4, 7], gap="small", vertical_alignment="center")
    left.button(
        made.title.format(pictures=counted(min(made.pictures, run.read), "picture")),
        key=name,
        type="primary",
        icon=made.icon,
        width="stretch",
        on_click=partial(made.errands().begin, key, run, network, state.arch_of(network), keep=key in scans.own_runs().folders),
    )
    right.caption(plain(begun.why if begun is not None and begun.why else made.about))


def _network(run: Run, shown: str) -> str | None:
    """The engine's name for the network that was scanned: the one on the page, or one of the menu; None where it is neither."""
    if scans.weights_of(shown) == run.meta["weights_sha256"]:
        return shown
    return run.network if run.network in state.networks() else None


def _missing(made: Offer, run: Run, network: str | None) -> str:
    """Why it cannot be done here; "" where it can."""
    if refused := made.refused(run):
        return refused
    if run.read < 2:
        return "That takes two pictures at least."
    if network is None:
        return f"The network {run.network} is not on this server; bring it at the left."
    return "" if shelf.may_read(run) else f"The pictures that were scanned are not where this server reads pictures ({shelf.PICTURES_AT})."


def _progress(name: str, begun: OnRun) -> None:
    """How far it is, drawn once a second; it goes on without this page too."""
    if not begun.is_running:
        st.rerun()
    made = OFFERS[name]
    left, right = st.columns([9, 1], vertical_alignment="bottom")
    waiting = "Waiting for the network, or for another visitor's scan"
    left.progress(
        begun.done / max(begun.total, 1), f"{made.going}: {begun.done:,} of {begun.total:,} {made.steps}" if begun.total else waiting
    )
    right.button("Stop", key=f"stop_{name}", on_click=begun.stop, width="stretch")
    st.caption("It goes on while you look at other pages, and shares the device with everybody's pictures, batch by batch.")
