"""The frame that all pages share: the menu above, the choice of picture, network and class at the left."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from sevis.app import scans, sidebar, state
from sevis.app.pages import PAGES
from sevis.app.sidebar import Choice
from sevis.app.words import plain

__all__ = ["run"]


def run() -> None:
    """Draw the frame, and in it the page that the address names.

    The frame is drawn before the page and outside of it: so its widgets keep what was chosen when the page changes.
    """
    chosen: list[Choice] = []
    menu = [
        st.Page(_drawing(page.render, chosen), title=page.TITLE, icon=page.ICON, url_path=_address(page.TITLE), default=page is PAGES[0])
        for page in PAGES
    ]
    page = st.navigation(menu, position="top")
    try:
        scans.own_runs()  # says that the visitor is here
        chosen.append(sidebar.choose())
        page.run()
    except state.EXPECTED as error:
        st.error(plain(str(error)))


def _drawing(render: Callable[[Choice], None], chosen: list[Choice]) -> Callable[[], None]:
    """The page as Streamlit calls it: without arguments, after the choice was made."""
    return lambda: render(chosen[0])


def _address(title: str) -> str:
    return title.lower().replace(" ", "-")
