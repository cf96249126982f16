"""What one visitor looks at: picture, network, class, block and channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from sevis.app.gathering import Brought
from sevis.records import GateSite

__all__ = [
    "begin_listening",
    "choose",
    "choose_box",
    "control",
    "end_listening",
    "hand_over",
    "handed",
    "image_format",
    "is_opening",
    "listen",
    "listener",
    "origin",
    "remember_origin",
    "remember_second",
    "remember_source",
    "second_source",
    "set_control",
    "settle_block",
    "settle_box",
    "settle_channel",
    "settle_one",
    "settle_pair",
    "source",
    "source_before",
    "take_back",
    "take_network",
]


def choose(site: GateSite, channel: int | None) -> None:
    """Put a block and a channel into the session, where their widgets and the address take them from."""
    st.session_state["block"] = site.name
    st.session_state["channel"] = channel


def settle_block(names: Sequence[str]) -> None:
    """After a change of network: the same stage and block of the new one, or none."""
    held = st.session_state.get("block")
    if held is not None and held not in names:
        st.session_state["block"] = next((name for name in names if name[2:] == str(held)[2:]), None)


def settle_channel(count: int) -> None:
    """Forget a channel that the block does not have."""
    held = st.session_state.get("channel")
    if held is not None and not 0 <= held < count:
        st.session_state["channel"] = None


def listen(key: str, take: Callable[[Any], None]) -> None:
    """What takes the clicks on a figure as it is drawn now."""
    st.session_state.setdefault("listeners", {})[key] = take
    st.session_state.setdefault("heard", set()).add(key)


def begin_listening() -> None:
    """The page is drawn anew; until it is done, what was there before may still be clicked."""
    st.session_state["heard"] = set()


def end_listening() -> None:
    """Forget who took clicks on figures that are no longer there: each holds the inspection that was drawn."""
    held: dict[str, Callable[[Any], None]] = st.session_state.get("listeners", {})
    for key in held.keys() - st.session_state.get("heard", set()):
        del held[key]  # out of the very dictionary: Streamlit keeps what was there before until the next run


def listener(key: str) -> Callable[[Any], None] | None:
    """What takes the clicks on a figure; None where it was never drawn."""
    found: Callable[[Any], None] | None = st.session_state.get("listeners", {}).get(key)
    return found


def choose_box(place: int) -> None:
    """Put a box into the session, where its widget and the address take it from."""
    st.session_state["box"] = place + 1


def settle_box(count: int) -> None:
    """Forget a box that this picture does not have."""
    held = st.session_state.get("box")
    if held is not None and not 1 <= held <= count:
        st.session_state["box"] = None


def remember_origin(origin: str) -> None:
    """The last thing that gave a network is the one that is shown: "own" or "menu"."""
    st.session_state["origin"] = origin


def origin() -> str:
    """What gave the network last."""
    return str(st.session_state.get("origin", "menu"))


def take_network(name: str) -> None:
    """Choose a network of the menu; from a callback alone."""
    st.session_state["network"] = name
    remember_origin("menu")


def remember_source(source: str) -> None:
    """The last thing that gave a picture is the one that is shown: "upload", "camera" or "sample"."""
    st.session_state["source"] = source


def source() -> str:
    """What gave the picture last."""
    return str(st.session_state.get("source", "sample"))


def hand_over(picture: Brought) -> None:
    """Show a picture of the batch as the page's picture; what was shown before can be had back."""
    if source() != "batch":
        st.session_state["source_before"] = source()
    st.session_state["handed"] = picture
    st.session_state["opening"] = True
    remember_source("batch")


def handed() -> Brought | None:
    """The picture that the batch handed over last."""
    held: Brought | None = st.session_state.get("handed")
    return held


def source_before() -> str:
    """What gave the picture before the batch did."""
    return str(st.session_state.get("source_before", "sample"))


def take_back() -> None:
    """Let the batch's picture go, for the one that was shown before it."""
    remember_source(source_before())
    st.session_state.pop("handed", None)


def is_opening() -> bool:
    """Whether a picture was just handed over that its visitor wants to see; asked once."""
    return bool(st.session_state.pop("opening", False))


def remember_second(source: str) -> None:
    """The last thing that gave a comparison's second picture is the one that is shown: "upload" or "sample"."""
    st.session_state["second_source"] = source


def second_source() -> str:
    """What gave a comparison's second picture last."""
    return str(st.session_state.get("second_source", "sample"))


def settle_pair(names: Sequence[str]) -> None:
    """Forget a pair of blocks that the comparison does not have."""
    if st.session_state.get("pair") not in names:
        st.session_state["pair"] = None


def set_control(key: str, value: object) -> None:
    """Move a control of the page from a callback."""
    st.session_state[key] = value


def control(key: str) -> Any:
    """What a control of the page says, inside a callback."""
    return st.session_state.get(key)


def settle_one(key: str, names: Sequence[str]) -> None:
    """Forget what a choice among names held if it is not among them any more."""
    if st.session_state.get(key) not in (None, *names):
        st.session_state[key] = None


def image_format() -> str:
    """As what a figure is saved: "svg" or "png"."""
    return str(st.session_state.get("image_format") or "SVG").lower()
