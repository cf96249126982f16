"""Every cache of the page but its figures': the engine, what it answered, the samples; see session for what a visitor chose.

What cannot be changed is shared between all runs as a resource; as data Streamlit would copy it at each look.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import streamlit as st
from PIL import Image

from sevis import pictures
from sevis.analysis.arranged import Arranged
from sevis.analysis.covering import Part, ramp
from sevis.analysis.covering import window as window_of
from sevis.analysis.gate_statistics import GateStatistics
from sevis.app import health
from sevis.app.frozen import frozen
from sevis.app.uploads import OWN, Upload, Uploads
from sevis.edits import EditError, WhatIf, parse
from sevis.engine import Busy, Engine, NoRoom, OutOfMemory, Stopped
from sevis.excitation import Excitation
from sevis.figures import DARK, LIGHT, Theme
from sevis.gallery import Examination, examined, seen
from sevis.inspector import Inspector, NotFinite
from sevis.loading import CheckpointError, available, choose_device, load, load_uploaded
from sevis.menu import Entry, menu
from sevis.pictures import Picture, PictureError
from sevis.places import ASSETS
from sevis.rearranged import arranged as _arranged
from sevis.records import Inspection, Outcome, Provenance

__all__ = [
    "EXPECTED",
    "NETWORK_BUDGET",
    "Sample",
    "arch_of",
    "arranged",
    "bring",
    "brought",
    "case",
    "classes",
    "device",
    "effects",
    "engine",
    "excitation",
    "inspect",
    "is_detector",
    "known",
    "leave_if_gone",
    "networks",
    "picture",
    "provenance",
    "sample_weights",
    "samples",
    "statistics",
    "theme",
    "uploads",
    "window",
]

SAMPLES = ASSETS / "samples"
LARGEST = 2_000_000  # pixels of a picture that the page keeps
NETWORK_BUDGET = 2 << 30  # bytes of weights in memory at a time
UPLOAD_BUDGET = 600 << 20  # bytes of visitors' checkpoints in memory at a time
# what a visitor is told in one sentence; anything else is a bug, for the log
EXPECTED = (PictureError, EditError, CheckpointError, NotFinite, Busy, Stopped, NoRoom, OutOfMemory)


@dataclass(frozen=True)
class Sample:
    """A picture that ships with sevis."""

    title: str
    file: Path
    credit: str


@st.cache_resource(show_spinner=False, on_release=lambda held: held.close())
def engine() -> Engine[Inspector]:
    """The one engine of this server: all visitors' pictures go through it."""
    return Engine(_load, budget=NETWORK_BUDGET, on_lost=health.fall)


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


@st.cache_resource(show_spinner=False, ttl=10)
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


@st.cache_resource(show_spinner=False)
def known() -> Mapping[str, Entry]:
    """What is known of the networks of the menu before they are loaded."""
    return MappingProxyType({entry.name: entry for entry in menu()})


@st.cache_resource(show_spinner=False, max_entries=64)
def classes(network: str) -> tuple[str, ...]:
    """The classes that a network knows."""
    with engine().borrow(network, check=leave_if_gone) as inspector:
        return inspector.classes


@st.cache_resource(show_spinner=False, max_entries=64)
def is_detector(network: str) -> bool:
    """Whether a network finds boxes."""
    with engine().borrow(network, check=leave_if_gone) as inspector:
        return inspector.task == "detection"


@st.cache_resource(show_spinner=False)
def samples() -> tuple[Sample, ...]:
    """The pictures that ship with sevis, in display order."""
    entries = json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))
    return tuple(Sample(entry["title"], SAMPLES / entry["file"], entry["credit"]) for entry in entries)


@st.cache_resource(show_spinner=False, max_entries=16, ttl=600)
def picture(data: bytes) -> Picture:
    """A picture file's bytes as at most LARGEST pixels: what is held for visitors and waits in the queue stays bounded.

    Raises:
        PictureError: it is not a picture that can be shown; the sentence says why.
    """
    whole = pictures.read(data)
    height, width = whole.pixels.shape[:2]
    if height * width <= LARGEST:
        return frozen(whole)
    scale = (LARGEST / (height * width)) ** 0.5
    smaller = Image.fromarray(whole.pixels).resize((max(int(width * scale), 1), max(int(height * scale), 1)), Image.Resampling.BOX)
    note = f"The picture was brought from {width} x {height} to {smaller.width} x {smaller.height} pixels."
    return frozen(Picture(np.array(smaller), (*whole.notes, note)))


@st.cache_resource(show_spinner=False, max_entries=48, ttl=3600)
def inspect(network: str, digest: str, _pixels: np.ndarray, target: int | str | None, edits: tuple[str, ...] = ()) -> Inspection:
    """What a network did with a picture after edits; the same question is computed once, and all visitors share the answer.

    The digest of the file stands for the pixels: of an array this size Streamlit would hash a sample only.
    """
    told: Inspection = engine().ask(network, _pixels, target, what_if=_what_if(network, edits)).result(check=leave_if_gone)
    return frozen(told)


def _what_if(network: str, edits: tuple[str, ...]) -> WhatIf:
    """The edits, with the weights of the samples where they ask for a picture's."""
    parsed = tuple(parse(text) for text in edits)
    return WhatIf(parsed, dict(sample_weights(network)) if any(edit.what == "picture" for edit in parsed) else {})


def leave_if_gone() -> None:
    """Let Streamlit end this run if its visitor left or moved on: reading the session state is where it may."""
    st.session_state.get("network")


def device() -> str:
    """Where the networks run."""
    return str(choose_device())


def theme() -> Theme:
    """The colours that fit the visitor's page."""
    return DARK if st.context.theme.type == "dark" else LIGHT


@st.cache_data(show_spinner=False, max_entries=32, ttl=3600)
def sample_weights(network: str) -> tuple[tuple[str, tuple[np.ndarray, ...]], ...]:
    """The title of each sample with the weights (M, C) that every gate gave it, in order of depth."""
    told = []
    for sample in samples():
        data = sample.file.read_bytes()
        inspection = inspect(network, hashlib.sha256(data).hexdigest(), picture(data).pixels, None)
        told.append((sample.title, tuple(record.weights[0] for record in inspection.gates)))
    return tuple(told)


def brought() -> dict[str, str]:
    """What to call the checkpoints that this visitor brought, by the engine's name, as long as they are in memory; the latest last."""
    kept = {name: uploads().get(name) for name in st.session_state.get("brought", ())}
    return {name: f"your {upload.arch.rsplit('/')[-1]} ({name[-4:]})" for name, upload in kept.items() if upload is not None}


@st.cache_data(show_spinner=False, max_entries=48, ttl=3600)
def effects(network: str, digest: str, _pixels: np.ndarray, target: int | str | None) -> tuple[Outcome, ...]:
    """Which gate matters: see Inspector.effects; the same question is computed once."""
    told: tuple[Outcome, ...] = engine().ask(network, _pixels, target, kind="effects").result(check=leave_if_gone)
    return told


def arch_of(network: str) -> str:
    """The name that builds a network with fresh weights: its own, or the one that a visitor's checkpoint was said to belong to."""
    upload = uploads().get(network)
    return network if upload is None else upload.arch


@st.cache_resource(show_spinner=False, max_entries=64)
def provenance(network: str) -> Provenance:
    """What a network's inspections are made with."""
    with engine().borrow(network, check=leave_if_gone) as inspector:
        return inspector.provenance


@st.cache_data(show_spinner=False, max_entries=256, ttl=3600)
def window(network: str, height: int, width: int) -> Part:
    """The part of a picture of so many pixels that a network sees: the rest its preprocessing cuts off."""
    return window_of(inspect(network, f"ramp {height} x {width}", ramp(height, width), None).image, height, width)


@st.cache_data(show_spinner=False, max_entries=96, ttl=3600)
def arranged(network: str, digest: str, _pixels: np.ndarray) -> Arranged:
    """What a rearranged network made of a picture, unit by unit; the digest stands for the pixels."""
    with engine().borrow(network, check=leave_if_gone) as inspector, engine().turn(leave_if_gone):
        return _arranged(inspector, _pixels)


@st.cache_resource(show_spinner=False, max_entries=24)
def statistics(network: str) -> tuple[GateStatistics, ...]:
    """Every gate of a network over the gallery's photographs: looked at once, for all visitors."""
    with engine().borrow(network, check=leave_if_gone) as inspector:
        return seen(inspector, turn=lambda: engine().turn(leave_if_gone))


@st.cache_resource(show_spinner=False, max_entries=24)
def case(network: str) -> Examination:
    """What the doctor has of a network on the gallery's photographs, with every gate ablated: once, for all visitors."""
    with engine().borrow(network, check=leave_if_gone) as inspector:
        return examined(inspector, turn=lambda: engine().turn(leave_if_gone))


@st.cache_data(show_spinner=False, max_entries=64)
def excitation(network: str, depth: int) -> Excitation | None:
    """The two layers of a gate of a network as matrices; None where it has none that are proved."""
    with engine().borrow(network, check=leave_if_gone) as inspector, engine().turn(leave_if_gone):
        return inspector.excitation(depth)
