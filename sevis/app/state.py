"""Every cache and every session key of the page, and nothing else."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from sevis import pictures
from sevis.app.asking import Answers
from sevis.app.gathering import Brought, Gathering
from sevis.app.uploads import OWN, Upload, Uploads
from sevis.edits import EditError, WhatIf, parse
from sevis.engine import Busy, Engine, NoRoom, OutOfMemory, Stopped
from sevis.figures import DARK, LIGHT, Theme
from sevis.inspector import Inspector
from sevis.loading import CheckpointError, available, choose_device, load, load_uploaded
from sevis.menu import Entry, menu
from sevis.pictures import Picture, PictureError
from sevis.records import GateSite, Inspection, Outcome

__all__ = ["EXPECTED", "NETWORK_BUDGET", "Sample", "classes", "device", "engine", "inspect", "networks", "picture", "samples", "theme"]

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
LARGEST = 2_000_000  # pixels of a picture that the page keeps
NETWORK_BUDGET = 2 << 30  # bytes of weights in memory at a time
UNDONE = 50  # steps that can be taken back
UPLOAD_BUDGET = 600 << 20  # bytes of visitors' checkpoints in memory at a time
# what a visitor is told in one sentence; anything else is a bug, for the log
EXPECTED = (PictureError, EditError, CheckpointError, Busy, Stopped, NoRoom, OutOfMemory)


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
    name = uploads().keep(Upload(data, arch, classes))
    others = [each for each in st.session_state.get("brought", ()) if each != name]
    st.session_state["brought"] = (*others[-3:], name)  # the last four: what Compare offers
    return name


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
def inspect(network: str, digest: str, _pixels: np.ndarray, target: int | str | None, edits: tuple[str, ...] = ()) -> Inspection:
    """What a network did with a picture after edits; the same question is computed once, and each visitor gets a copy of the answer.

    The digest of the file stands for the pixels: of an array this size Streamlit would hash a sample only.
    """
    told: Inspection = engine().ask(network, _pixels, target, what_if=_what_if(network, edits)).result(check=_leave)
    return told


def _what_if(network: str, edits: tuple[str, ...]) -> WhatIf:
    """The edits, with the weights of the samples where they ask for a picture's."""
    parsed = tuple(parse(text) for text in edits)
    return WhatIf(parsed, dict(sample_weights(network)) if any(edit.what == "picture" for edit in parsed) else {})


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


@st.cache_data(show_spinner=False, max_entries=32, ttl=3600)
def sample_weights(network: str) -> tuple[tuple[str, tuple[np.ndarray, ...]], ...]:
    """The title of each sample with the weights (M, C) that every gate gave it, in order of depth."""
    told = []
    for sample in samples():
        data = sample.file.read_bytes()
        inspection = inspect(network, hashlib.sha256(data).hexdigest(), picture(data).pixels, None)
        told.append((sample.title, tuple(record.weights[0] for record in inspection.gates)))
    return tuple(told)


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


def batch() -> Gathering:
    """The visitor's batch."""
    held: Gathering = st.session_state.get("batch", Gathering())
    return held


def begin_batch(gathered: Gathering) -> None:
    """Take a new batch in, and let the old one go with its answers and its uploads."""
    st.session_state["batch"] = gathered
    st.session_state["batch_round"] = batch_round() + 1
    st.session_state.pop("batch_answers", None)


def batch_round() -> int:
    """How many batches this visitor has brought: part of the upload's key, so that what was taken in leaves the widget."""
    return int(st.session_state.get("batch_round", 0))


def batch_answers(network: str) -> Answers:
    """What the network said of the batch so far; what another one said is let go."""
    held: Answers | None = st.session_state.get("batch_answers")
    if held is None or held.network != network:
        held = st.session_state["batch_answers"] = Answers(network)
        stop_batch(stopped=False)
    return held


def stop_batch(*, stopped: bool) -> None:
    """Whether the batch is left as it is for now, or goes on."""
    st.session_state["batch_stopped"] = stopped


def is_batch_stopped() -> bool:
    """Whether the visitor stopped the batch."""
    return bool(st.session_state.get("batch_stopped", False))


def is_opening() -> bool:
    """Whether a picture was just handed over that its visitor wants to see; asked once."""
    return bool(st.session_state.pop("opening", False))


def leave_if_gone() -> None:
    """To be called while waiting: Streamlit ends this run here if its visitor left or moved on."""
    _leave()


def brought() -> dict[str, str]:
    """What to call the checkpoints that this visitor brought, by the engine's name, as long as they are in memory; the latest last."""
    kept = {name: uploads().get(name) for name in st.session_state.get("brought", ())}
    return {name: f"your {upload.arch.rsplit('/')[-1]} ({name[-4:]})" for name, upload in kept.items() if upload is not None}


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


def edits(most: int) -> list[str]:
    """The edits of the gates, as their widget and the address have them; what was there before the page was left comes back."""
    if "edits" not in st.session_state and "edits" not in st.query_params and st.session_state.get("edits_kept"):
        st.session_state["edits"] = list(st.session_state["edits_kept"])
    return list(st.session_state.get("edits", st.query_params.get_all("edits")))[:most]


def remember_edits(texts: Sequence[str]) -> None:
    """Keep what is shown now, and what was shown before it, so that a step can be taken back."""
    kept = tuple(st.session_state.get("edits_kept", ()))
    if tuple(texts) != kept:
        st.session_state["edits_before"] = (*st.session_state.get("edits_before", ()), kept)[-UNDONE:]
        st.session_state["edits_kept"] = tuple(texts)


def write_edits(texts: Sequence[str]) -> None:
    """Put other edits in the place of those that are shown; from a callback alone."""
    st.session_state["edits"] = list(texts)


def undo_edits() -> None:
    """Back to the edits before the last step; from a callback alone."""
    before = list(st.session_state.get("edits_before", ()))
    if before:
        last = before.pop()
        st.session_state.update(edits_before=tuple(before), edits_kept=last, edits=list(last), edit_in_hand=None)


def can_undo() -> bool:
    """Whether there is a step to take back."""
    return bool(st.session_state.get("edits_before"))


def in_hand() -> str | None:
    """The edit that the controls are about: they rewrite it until the next one is begun."""
    held: str | None = st.session_state.get("edit_in_hand")
    return held


def take_in_hand(text: str | None) -> None:
    """Say which edit the controls are about."""
    st.session_state["edit_in_hand"] = text


def set_control(key: str, value: object) -> None:
    """Move a control of the page from a callback."""
    st.session_state[key] = value


def control(key: str) -> Any:
    """What a control of the page says, inside a callback."""
    return st.session_state.get(key)


@st.cache_data(show_spinner=False, max_entries=48, ttl=3600)
def effects(network: str, digest: str, _pixels: np.ndarray, target: int | str | None) -> tuple[Outcome, ...]:
    """Which gate matters: see Inspector.effects; the same question is computed once."""
    told: tuple[Outcome, ...] = engine().ask(network, _pixels, target, kind="effects").result(check=_leave)
    return told
