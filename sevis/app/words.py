"""Words on the page: what comes from a visitor or a network is shown as it is, never read as Markdown."""

from __future__ import annotations

import re

import streamlit as st

__all__ = ["plain", "say"]

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=])")
UNSEEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # turn the order of what follows
BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# what is read as a link, an icon or an arrow even where every sign of it is escaped: after which a joiner, which nobody sees, goes
READ_ANYWAY = re.compile(r":(?=//)|:(?=[\w+-]+(?:/[\w+-]+)?:)|(?i:www)(?=\.)|@(?=\w)|-(?=>)|<(?=-)|(?i:mailto|xmpp):")
JOINER = "\u2060"


def plain(text: str) -> str:
    """The text in one line, with everything that Markdown, or what Streamlit adds to it, would read made literal."""
    line = BREAKS.sub(" ", UNSEEN.sub("", text)).lstrip()
    return MARKUP.sub(r"\\\1", READ_ANYWAY.sub(rf"\g<0>{JOINER}", line))


def say(*sentences: str) -> None:
    """The words beside a figure: what it shows, and what this picture's numbers say."""
    st.caption(" ".join(plain(sentence) for sentence in sentences if sentence))
