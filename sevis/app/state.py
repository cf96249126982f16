"""Every cache and every session key of the page, and nothing else."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from sevis import pictures
from sevis.app.uploads import OWN, Upload, Uploads
from sevis.engine import Busy, Engine, NoRoom, OutOfMemory, Stopped
from sevis.figures import DARK, LIGHT, Theme
from sevis.inspector import CheckpointError, Inspector, available, choose_device, load, load_uploaded
from sevis.menu import Entry, menu
from sevis.pictures import Picture, PictureError
from sevis.records import GateSite, Inspection

__all__ = ["EXPECTED", "NETWORK_BUDGET", "Sample", "classes", "device", "engine", "inspect", "networks", "picture", "samples", "theme"]

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
LARGEST = 2_000_000  # pixels of a picture that the page keeps
NETWORK_BUDGET = 2 << 30  # bytes of weights in memory at a time
UPLOAD_BUDGET = 600 << 20  # bytes of visitors' checkpoints in memory at a time
# what a visitor is told in one sentence; anything else is a bug, for the log
EXPECTED = (PictureError, CheckpointError, Busy, Stopped, NoRoom, OutOfMemory)


@dataclass(frozen=True)
class Sample:
    """A picture that ships with sevis."""

    title: str
    file: Path
    credit: str


@st.cache_resource(show_spinner=False, on_release=lambda held: held.close())
def engine() -> Engine[Inspector]:
    """The one engine of this server: all visitors' pictures go through it."""
    return Engine(_load, budget=NETWORK_BUDGET)


def _load(name: str) -> Inspector:
    """A network for the engine, with everything that came with it kept out of later collections: they take 0.17 s otherwise.

    Collections between loads are Python's own, of what is younger than the last load.
    """
    inspector = _own(name) if name.startswith(OWN) else load(name)
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return inspector


@st.cache_resource(show_spinner=False)
def uploads() -> Uploads:
    """The checkpoints that visitors brought to this server."""
    return Uploads(UPLOAD_BUDGET)


def _own(name: str) -> Inspector:
    """A visitor's checkpoint in the network that it was said to belong to."""
    upload = uploads().get(name)
    if upload is None:
        raise CheckpointError("This checkpoint is no longer on the server; bring it again.")
    return load_uploaded(upload.data, upload.arch, upload.classes)


def bring(data: bytes, arch: str, classes: tuple[str, ...]) -> str:
    """Keep a visitor's checkpoint; gives the name that the engine knows it by."""
    return uploads().keep(Upload(data, arch, classes))


def networks() -> tuple[str, ...]:
    """The networks of the menu, those that ship first; there is at least one of them.

    Raises:
        CheckpointError: there is none.
    """
    found = available()
    if not found:
        raise CheckpointError("No network is in the folder pretrained/; fetch it anew.")
    order = list(known())
    first = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    return (*first, *(name for name in order if name not in found))


@st.cache_data(show_spinner=False)
def known() -> dict[str, Entry]:
    """What is known of the networks of the menu before they are loaded."""
    return {entry.name: entry for entry in menu()}


@st.cache_data(show_spinner=False, max_entries=64)
def classes(network: str) -> tuple[str, ...]:
    """The classes that a network knows."""
    with engine().borrow(network, check=_leave) as inspector:
        return inspector.classes


@st.cache_data(show_spinner=False, max_entries=64)
def is_detector(network: str) -> bool:
    """Whether a network finds boxes."""
    with engine().borrow(network, check=_leave) as inspector:
        return inspector.task == "detection"


@st.cache_data(show_spinner=False)
def samples() -> tuple[Sample, ...]:
    """The pictures that ship with sevis, in display order."""
    entries = json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))
    return tuple(Sample(entry["title"], SAMPLES / entry["file"], entry["credit"]) for entry in entries)


@st.cache_data(show_spinner=False, max_entries=16, ttl=600)
def picture(data: bytes) -> Picture:
    """A picture file's bytes as at most LARGEST pixels: what is held for visitors and waits in the queue stays bounded.

    Raises:
        PictureError: it is not a picture that can be shown; the sentence says why.
    """
    whole = pictures.read(data)
    height, width = whole.pixels.shape[:2]
    if height * width <= LARGEST:
        return whole
    scale = (LARGEST / (height * width)) ** 0.5
    smaller = Image.fromarray(whole.pixels).resize((max(int(width * scale), 1), max(int(height * scale), 1)), Image.Resampling.BOX)
    note = f"The picture was brought from {width} x {height} to {smaller.width} x {smaller.height} pixels."
    return Picture(np.array(smaller), (*whole.notes, note))


@st.cache_data(show_spinner=False, max_entries=48, ttl=3600)
def inspect(network: str, digest: str, _pixels: np.ndarray, target: int | str | None) -> Inspection:
    """What a network did with a picture; the same question is computed once, and each visitor gets a copy of the answer.

    The digest of the file stands for the pixels: of an array this size Streamlit would hash a sample only.
    """
    return engine().ask(network, _pixels, target).result(check=_leave)


def _leave() -> None:
    """Let Streamlit end this run if its visitor left or moved on: reading the session state is where it may."""
    st.session_state.get("network")


def device() -> str:
    """Where the networks run."""
    return str(choose_device())


def theme() -> Theme:
    """The colours that fit the visitor's page."""
    return DARK if st.context.theme.type == "dark" else LIGHT


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


def remember_source(source: str) -> None:
    """The last thing that gave a picture is the one that is shown: "upload", "camera" or "sample"."""
    st.session_state["source"] = source


def source() -> str:
    """What gave the picture last."""
    return str(st.session_state.get("source", "sample"))
