"""The papers' figures of a run, one at a time, each with its numbers to take away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from sevis import sentences
from sevis.analysis.profile import MOST_CLASSES, common_classes
from sevis.app import scans, session, state
from sevis.app.chart import chart
from sevis.app.offers import offer
from sevis.app.words import plain, say
from sevis.figures import FIGURES
from sevis.profiles import Exhibit, csv_of
from sevis.runs import Run

__all__ = ["exhibits"]

DRAW = {entry.name: entry.draw for entry in FIGURES}
NAMES = {
    "class_profile": "Classes",
    "class_spread": "Within a class",
    "separation": "Separation by depth",
    "scale_sweep": "Object's size",
    "scale_sweep_slopes": "Size or blur",
    "scale_sweep_channels": "Size by channel",
    "scale_sweep_classes": "Size by class",
}
OF_CLASSES = ("class_profile", "class_spread")
NOTHING = "The run has neither classes nor selections, so there is nothing of the papers to draw: scan class folders."


def exhibits(key: str, run: Run, shown: str) -> None:
    """Draw the section; nothing is computed before it is opened. `shown`: the engine's name for the network on the page."""
    section = st.expander("The papers' figures on these pictures", icon=":material/bar_chart:", key="papers", on_change="rerun")
    if section.open:
        with section:
            _exhibits(key, run, shown)


def _exhibits(key: str, run: Run, shown: str) -> None:
    known = common_classes(run.statistics, run.classes)
    names = tuple(name for name in st.session_state.get("profile_classes") or () if name in known)
    try:
        made = scans.papers_figures(key, names)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    has_selections = any(len(each.site.branches) > 1 for each in run.statistics)
    if made.exhibits:
        _draw(key, _chosen(made.exhibits), known)
    elif not has_selections:
        st.caption(plain(NOTHING))
    if has_selections and made.sweep is None:
        offer("sweep", key, run, shown)


def _draw(key: str, exhibit: Exhibit, known: Sequence[str]) -> None:
    """A figure with its words and its numbers."""
    if exhibit.name in OF_CLASSES:
        st.multiselect("Classes", known, key="profile_classes", max_selections=MOST_CLASSES, placeholder="the four with the most pictures")
    chart(DRAW[exhibit.name](*exhibit.arguments, theme=state.theme()), exhibit.name)
    say(sentences.WHAT[exhibit.name], sentences.TOLD[exhibit.name](*exhibit.arguments))
    _take_away(key, exhibit)


def _chosen(made: tuple[Exhibit, ...]) -> Exhibit:
    """The exhibit that the visitor wants to see."""
    there = {each.name: each for each in made}
    session.settle_one("exhibit", list(there))
    name = st.segmented_control(
        "Figure", list(there), default=made[0].name, required=True, format_func=lambda name: NAMES.get(name, name), key="exhibit"
    )
    return there.get(str(name), made[0])


def _take_away(key: str, shown: Exhibit) -> None:
    """The figure's numbers as a table."""
    st.download_button(
        "The numbers as CSV",
        partial(csv_of, shown.rows),
        f"{key}.{shown.name}.csv",
        "text/csv",
        key="take_exhibit",
        on_click="ignore",
        icon=":material/download:",
    )
