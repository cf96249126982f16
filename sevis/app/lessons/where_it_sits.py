"""Where it sits: the same SE blocks in five places, and what that does to the activations and to the answer."""

from __future__ import annotations

import streamlit as st

from sevis import sentences
from sevis.app import state
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.lesson import lesson
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import activations, placements
from sevis.rearranged import NAMES, TEACHER
from sevis.words import start

TITLE = "Where it sits"
ICON = ":material/account_tree:"


def render(choice: Choice) -> None:
    """The page: the five arrangements as diagrams, and measured on this picture."""
    st.subheader("Where it sits", anchor=False)
    lesson("where_it_sits", {"arrangements": lambda: _arrangements(choice)})


def _arrangements(choice: Choice) -> None:
    """The diagrams and the measured spreads, or why there are none."""
    if TEACHER not in state.networks():
        st.info(plain(f"The measured part needs {TEACHER}, which is not on this server."), icon=":material/school:")
        return
    _measured(choice)


@st.fragment
def _measured(choice: Choice) -> None:
    """Both figures, with one of the arrangements chosen."""
    names = list(NAMES)
    name = st.segmented_control(
        "Arrangement", names, default=names[0], required=True, format_func=start, key="arrangement", bind="query-params"
    )
    try:
        with st.spinner("Rearranging the units ..."):
            arranged = [state.arranged(each, choice.digest, choice.picture.pixels) for each in NAMES.values()]
    except state.EXPECTED as error:
        say(str(error))
        return
    chosen = names.index(name) if name in names else 0
    for draw in (placements, activations):
        chart(drawn(draw, arranged, chosen), draw.__name__)
        say(sentences.WHAT[draw.__name__], sentences.TOLD[draw.__name__](arranged, chosen))
