"""Words on the page: what comes from a visitor or a network is shown as it is, never read as Markdown."""

from __future__ import annotations

import re

import streamlit as st

__all__ = ["plain", "say"]

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def plain(text: str) -> str:
    """The text with every character that Markdown would read made literal."""
    return MARKUP.sub(r"\\\1", text)


def say(*sentences: str) -> None:
    """The words beside a figure: what it shows, and what this picture's numbers say."""
    st.caption(" ".join(plain(sentence) for sentence in sentences if sentence))
