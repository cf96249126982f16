"""The frame that all pages share: the menu above, the choice of picture, network and class at the left."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from types import ModuleType

import streamlit as st

from sevis.app import addresses, scans, session, sidebar, state
from sevis.app.lessons import LESSONS
from sevis.app.pages import PAGES
from sevis.app.sidebar import Choice
from sevis.app.words import plain

__all__ = ["run"]


def run() -> None:
    """Draw the frame, and in it the page that the address names.

    The frame is drawn before the page and outside of it: so its widgets keep what was chosen when the page changes.
    """
    chosen: list[Choice] = []
    menu = {
        "": [_page(each, _drawing(each.render, chosen)) for each in PAGES],
        "Learn": [_page(each, _lesson(each, following, chosen)) for each, following in zip_longest(LESSONS, LESSONS[1:])],
    }
    page = st.navigation(menu, position="top")
    addresses.keep(page)
    above = st.empty()
    session.begin_listening()
    try:
        scans.own_runs()  # says that the visitor is here
        chosen.append(sidebar.choose())
        page.run()
    except state.EXPECTED as error:
        st.error(plain(str(error)))
    addresses.note(above, page.url_path)
    session.end_listening()


def _page(page: ModuleType, draw: Callable[[], None]) -> st.Page:
    return st.Page(draw, title=page.TITLE, icon=page.ICON, url_path=_address(page), default=page is PAGES[0])


def _drawing(render: Callable[[Choice], None], chosen: list[Choice]) -> Callable[[], None]:
    """The page as Streamlit calls it: without arguments, after the choice was made."""
    return lambda: render(chosen[0])


def _lesson(page: ModuleType, following: ModuleType | None, chosen: list[Choice]) -> Callable[[], None]:
    """A lesson with the way to the next one below it."""

    def draw() -> None:
        page.render(chosen[0])
        if following is not None:
            # of a page that is a function Streamlit knows the address alone
            there = st.Page(lambda: None, title=following.TITLE, url_path=_address(following))
            st.page_link(there, label=f"Next: {following.TITLE}", icon=":material/arrow_forward:")

    return draw


def _address(page: ModuleType) -> str:
    """As its file is called."""
    return page.__name__.rpartition(".")[2].replace("_", "-")
