"""The pictures that one visitor brought together, and what a network said of them."""

from __future__ import annotations

import streamlit as st

from sevis.app.asking import Answers
from sevis.app.gathering import Gathering

__all__ = ["batch", "batch_answers", "batch_round", "begin_batch", "is_batch_stopped", "stop_batch"]


def batch() -> Gathering:
    """The visitor's batch."""
    held: Gathering = st.session_state.get("batch", Gathering())
    return held


def begin_batch(gathered: Gathering) -> None:
    """Take a new batch in, and let the old one go with its answers and its uploads."""
    st.session_state["batch"] = gathered
    st.session_state["batch_round"] = batch_round() + 1
    st.session_state.pop("batch_answers", None)


def batch_round() -> int:
    """How many batches this visitor has brought: part of the upload's key, so that what was taken in leaves the widget."""
    return int(st.session_state.get("batch_round", 0))


def batch_answers(network: str) -> Answers:
    """What the network said of the batch so far; what another one said is let go."""
    held: Answers | None = st.session_state.get("batch_answers")
    if held is None or held.network != network:
        held = st.session_state["batch_answers"] = Answers(network)
        stop_batch(stopped=False)
    return held


def stop_batch(*, stopped: bool) -> None:
    """Whether the batch is left as it is for now, or goes on."""
    st.session_state["batch_stopped"] = stopped


def is_batch_stopped() -> bool:
    """Whether the visitor stopped the batch."""
    return bool(st.session_state.get("batch_stopped", False))
