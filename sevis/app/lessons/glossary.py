"""Glossary: the words of the papers and of these pages, one sentence each."""

from __future__ import annotations

import streamlit as st

from sevis.app.lesson import lesson
from sevis.app.sidebar import Choice

TITLE = "Glossary"
ICON = ":material/menu_book:"


def render(choice: Choice) -> None:
    """The page: words alone."""
    st.subheader("Glossary", anchor=False)
    lesson("glossary", {})
