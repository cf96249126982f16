"""The edits of the gates that one visitor made, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

__all__ = ["can_undo", "edits", "edits_made", "in_hand", "remember_edits", "take_in_hand", "undo_edits", "write_edits"]

UNDONE = 50  # steps that can be taken back


def edits(most: int) -> list[str]:
    """The edits of the gates, as their widget and the address have them; what was there before the page was left comes back."""
    if "edits" not in st.session_state and "edits" not in st.query_params and st.session_state.get("edits_kept"):
        st.session_state["edits"] = list(st.session_state["edits_kept"])
    return list(st.session_state.get("edits", st.query_params.get_all("edits")))[:most]


def remember_edits(texts: Sequence[str]) -> None:
    """Keep what is shown now, and what was shown before it, so that a step can be taken back."""
    kept = tuple(st.session_state.get("edits_kept", ()))
    if tuple(texts) != kept:
        st.session_state["edits_before"] = (*st.session_state.get("edits_before", ()), kept)[-UNDONE:]
        st.session_state["edits_kept"] = tuple(texts)


def write_edits(texts: Sequence[str]) -> None:
    """Put other edits in the place of those that are shown; from a callback alone."""
    st.session_state["edits"] = list(texts)


def undo_edits() -> None:
    """Back to the edits before the last step; from a callback alone."""
    before = list(st.session_state.get("edits_before", ()))
    if before:
        last = before.pop()
        st.session_state.update(edits_before=tuple(before), edits_kept=last, edits=list(last), edit_in_hand=None)


def can_undo() -> bool:
    """Whether there is a step to take back."""
    return bool(st.session_state.get("edits_before"))


def in_hand() -> str | None:
    """The edit that the controls are about: they rewrite it until the next one is begun."""
    held: str | None = st.session_state.get("edit_in_hand")
    return held


def take_in_hand(text: str | None) -> None:
    """Say which edit the controls are about."""
    st.session_state["edit_in_hand"] = text


def edits_made() -> tuple[str, ...]:
    """The edits that the visitor left on What if, for the pages that do not draw them."""
    return tuple(st.session_state.get("edits_kept", ()))
