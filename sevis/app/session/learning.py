"""Where one visitor is in the lessons."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from sevis.app.game import Game

__all__ = ["brush", "game", "move_brush", "play"]


def brush() -> tuple[int, int] | None:
    """The cell of the picture, by row and column, that the brush of a lesson lies on; None where it is taken away."""
    held: tuple[int, int] | None = st.session_state.get("brush")
    return held


def move_brush(cell: tuple[int, int] | None) -> None:
    """Put the brush on a cell, or take it away; from a callback alone."""
    st.session_state["brush"] = cell


def game(make: Callable[[], Game]) -> Game:
    """The visitor's game of Find the fault; begun when it is first asked for."""
    if "game" not in st.session_state:
        st.session_state["game"] = make()
    held: Game = st.session_state["game"]
    return held


def play(game: Game) -> None:
    """Go on with the game as it is now."""
    st.session_state["game"] = game
