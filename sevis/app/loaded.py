"""The run that the pages Scan, Doctor and Monitor are about: chosen on any of them, kept on all."""

from __future__ import annotations

import streamlit as st

from sevis.app import scans, session, shelf
from sevis.app.words import plain
from sevis.runs import Run, RunError

__all__ = ["ELSEWHERE", "choose_run", "loaded"]

SCAN = "scan"  # the page's address
ELSEWHERE = (
    "Runs of the command line, `sevis scan NETWORK PICTURES --gates -o runs/NAME`, are offered too when they lie in this server's folder"
    f" `runs`, or in the one that its environment variable {shelf.RUNS} names."
)


def loaded() -> Run | None:
    """The run that was chosen, if there is one and it is still here."""
    key = session.loaded_run()
    try:
        return None if key is None else scans.run(key)
    except RunError:
        return None


def choose_run() -> Run | None:
    """Draw the choice of a run, or the way to make one; gives the run, with what is wrong with it said."""
    keys = list(scans.runs())
    if not keys:
        _none()
        return None
    session.settle_run(keys)
    key = st.selectbox("Run", keys, index=None, placeholder="choose a run", key="run", bind="query-params", on_change=session.take_run)
    if key is None:
        if session.is_run_lost(keys):
            st.rerun()
        return None
    session.remember_run(key)
    try:
        return scans.run(key)
    except RunError as error:
        st.error(plain(str(error)))
        return None


def _none() -> None:
    """How to come by a run: on the Scan page, or from the command line."""
    with st.container(key="no_run"):
        st.markdown("There is no run yet. Scan 30 pictures or more, which takes a minute or so; then this page offers the run.")
        # of a page that is a function Streamlit knows the address alone
        st.page_link(st.Page(lambda: None, title="Scan", url_path=SCAN), label="Scan pictures", icon=":material/document_scanner:")
        st.caption(ELSEWHERE)
