"""The frame's left side: which picture, which network, which class."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from sevis.app import state
from sevis.app.words import plain
from sevis.pictures import Picture

__all__ = ["Choice", "choose"]

TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


@dataclass(frozen=True)
class Choice:
    """What the visitor wants to see."""

    title: str
    picture: Picture
    digest: str  # sha256 of the file
    network: str
    target: str | None


def choose() -> Choice:
    """Draw the sidebar; gives the choice.

    Raises:
        PictureError: the picture that was handed over cannot be read.
        CheckpointError: the network cannot be loaded.
    """
    with st.sidebar:
        st.markdown("### sevis\nSee which channels a network turned up, and where it looked.")
        title, data = _picture()
        network = _network()
        return Choice(title, state.picture(data), hashlib.sha256(data).hexdigest(), network, _target(network))


def _picture() -> tuple[str, bytes]:
    """Name and bytes of the picture that was handed over last."""
    uploaded = st.file_uploader(
        "Your photograph",
        TYPES,
        key="upload",
        max_upload_size=20,
        on_change=state.remember_source,
        args=("upload",),
        help="PNG, JPEG, WebP or GIF; it stays in this server's memory for a while and is never written to disk.",
    )
    samples = {sample.title: sample for sample in state.samples()}
    title = st.selectbox(
        "or a sample", list(samples), key="picture", bind="query-params", on_change=state.remember_source, args=("sample",)
    )
    taken = None
    if st.toggle("or the camera", key="camera_on"):
        taken = st.camera_input("Camera", key="camera", label_visibility="collapsed", on_change=state.remember_source, args=("camera",))
    given = {"upload": uploaded, "camera": taken}.get(state.source())
    if given is not None:
        return given.name, given.getvalue()
    sample = samples[title if title in samples else next(iter(samples))]
    return sample.title, sample.file.read_bytes()


def _network() -> str:
    names = state.networks()
    name = st.selectbox(
        "Network",
        names,
        key="network",
        bind="query-params",
        help="Trained on twelve classes of photographs; see their cards in pretrained/.",
    )
    return name if name in names else names[0]


def _target(network: str) -> str | None:
    """The class to explain; None is the most probable."""
    known = state.classes(network)
    chosen = st.selectbox("Class to explain", known, index=None, placeholder="the most probable", key="target", bind="query-params")
    return chosen if chosen in known else None


def footer(seconds: float) -> None:
    """Where and how fast it ran."""
    with st.sidebar:
        st.caption(f"Ran on {state.device()} in {1000 * seconds:.0f} ms: one forward and one backward pass.")
        with st.expander("Credits of the samples"):
            for sample in state.samples():
                st.caption(plain(f"{sample.title}: {sample.credit}"))
