"""What the address asks for and the page does not have: said in one note, while the choice stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from math import isinf
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from sevis.app.block import BY
from sevis.app.controls import ORDERS, SCALES
from sevis.app.second import MODES
from sevis.app.words import plain
from sevis.words import listed, start

__all__ = ["WRITTEN", "keep", "note"]

# choices whose usual the address writes otherwise than the session; of an unusual one the address says that it was taken
WRITTEN: dict[str, Callable[[Any], str]] = {
    "scale": SCALES.__getitem__,
    "order": ORDERS.__getitem__,
    "by": BY.__getitem__,
    "compare": lambda name: MODES[name].title,
    "arrangement": start,
}
ASKED, MISSED = "address_asked", "address_missed"
SHOWN, LONGEST = 5, 60  # parameters, and characters of one


def keep(page: StreamlitPage | None = None) -> None:
    """Before any widget: remember what the address of a new visitor asks for, since Streamlit takes out of it what cannot be had.

    Numbers without end are taken out here, and the page begins anew: Streamlit fails on them.
    """
    if ASKED in st.session_state:
        return
    asked = st.session_state[ASKED] = {key: st.query_params.get_all(key) for key in st.query_params}
    st.session_state[MISSED] = {}
    rest = {key: texts for key, texts in asked.items() if not any(map(_is_endless, texts))}
    if page is not None and len(rest) < len(asked):
        st.switch_page(page, query_params=rest)


def _is_endless(text: str) -> bool:
    try:
        return isinf(float(text))
    except ValueError:
        return False


def note(place: DeltaGenerator, page: str) -> None:
    """After all widgets: say what of it could not be had on this page, until that choice is made otherwise or the page is left."""
    asked, missed = st.session_state[ASKED], st.session_state[MISSED]
    for key in [key for key in asked if key in st.session_state]:
        texts = _missed(key, asked.pop(key))
        if texts:
            missed[key] = (page, st.session_state[key], texts)
    told = [
        f"{key}={_shown(text)}"
        for key, (there, value, texts) in missed.items()
        if there == page and st.session_state.get(key) == value
        for text in texts
    ]
    if told:
        many = ", ..." * (len(told) > SHOWN)
        verb = "is" if len(told) == 1 else "are"
        place.info(plain(f"The address asks for {listed(told[:SHOWN])}{many}, which {verb} not to be had here; shown is what there is."))


def _missed(key: str, texts: list[str]) -> list[str]:
    """Those of a parameter's values that neither stayed in the address nor are what is chosen now."""
    value = st.session_state[key]
    chosen = {_written(key, each).casefold() for each in (value if isinstance(value, list) else [value])}
    taken = chosen | {text.casefold() for text in st.query_params.get_all(key)}
    return [text for text in texts if text.casefold() not in taken]


def _written(key: str, value: object) -> str:
    """A choice as the address would write it."""
    return "" if value is None else WRITTEN.get(key, str)(value)


def _shown(text: str) -> str:
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return short if short.isprintable() else ascii(short)
