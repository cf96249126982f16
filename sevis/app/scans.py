"""Every cache of runs and of trainings; see state for those of the page's own pictures and networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from sevis.analysis.ablation import FILE, Ablated, read_ablations
from sevis.analysis.doctor import Diagnosis
from sevis.analysis.looks import Look, read_looks
from sevis.analysis.scanned import average
from sevis.analysis.zoom_storing import FILE as SWEEP
from sevis.app import logs, session, shelf, state
from sevis.app.ablating import Ablating
from sevis.app.errand import Errands, OnRun
from sevis.app.own_runs import OwnRuns
from sevis.app.sweeping import Sweeping
from sevis.app.thumbnails import thumbnails as read_thumbnails
from sevis.profiles import Profile, profile
from sevis.provenance import weights_sha256
from sevis.records import GateAverage
from sevis.runs import META, STATISTICS, Run, RunError, open_run
from sevis.turns import Turns

__all__ = [
    "ablated",
    "ablations",
    "examined",
    "looks",
    "own_runs",
    "papers_figures",
    "run",
    "runs",
    "scan_line",
    "scanned",
    "sweeps",
    "thumbnails",
    "training_logs",
    "weights_of",
]


@st.cache_resource(show_spinner=False)
def scan_line() -> Turns:
    """In which all visitors' scans wait for each other."""
    return Turns()


def own_runs() -> OwnRuns:
    """The scans of this visitor; they end, and what they wrote is removed, some minutes after the visitor left."""
    return _here(session.own_runs(lambda: OwnRuns(state.engine(), scan_line(), _is_here())))


def _is_here() -> Callable[[], bool]:
    """Whether the visitor of this session is connected, for whoever asks later and from another thread."""
    context = get_script_run_ctx()
    return lambda: context is not None and runtime.exists() and runtime.get_instance().is_active_session(context.session_id)


@st.cache_resource(show_spinner=False, scope="session", on_release=lambda held: held.leave())
def _here(_held: OwnRuns) -> OwnRuns:
    """The same, told that its visitor is here; released when the connection is lost, while the session's own keys wait for its return."""
    _held.stay()
    return _held


def runs() -> dict[str, Path]:
    """The folder of every run that this visitor may open, by its key: the visitor's own, latest first, then the server's."""
    own = own_runs().folders
    return own | shelf.shown() | own  # theirs never hide the visitor's, which come first


def run(key: str) -> Run:
    """A run, opened without its network; one that goes on is opened anew when more of it is there.

    Raises:
        RunError: there is no such run, or it cannot be read.
    """
    return _opened(*_place(key))


def _place(key: str) -> tuple[str, tuple[float, ...]]:
    """A run's folder, and what changes when there is more in it."""
    folder = runs().get(key)
    if folder is None:
        raise RunError(f"There is no run {key!r} here; choose another one.")
    files = [folder / name for name in (META, STATISTICS)]
    return str(folder), tuple(file.stat().st_mtime for file in files if file.is_file())


@st.cache_resource(show_spinner=False, max_entries=8)
def _opened(folder: str, changed: tuple[float, ...]) -> Run:
    return open_run(folder)


@st.cache_data(show_spinner=False, max_entries=64)
def weights_of(network: str) -> str:
    """The sha256 of a network's weights, as runs have it."""
    with state.engine().borrow(network, check=state.leave_if_gone) as inspector:
        return weights_sha256(inspector.module)


def scanned(key: str, depth: int) -> tuple[GateAverage, np.ndarray]:
    """One gate's average over the pictures of a run, and the weight of every picture and channel, (N, C).

    Raises:
        RunError: there is no such run, or it holds no weights of single pictures.
    """
    found: tuple[GateAverage, np.ndarray] = _scanned(*_place(key), depth)
    return found


@st.cache_resource(show_spinner=False, max_entries=4)
def _scanned(folder: str, changed: tuple[float, ...], depth: int) -> tuple[GateAverage, np.ndarray]:
    held = _opened(folder, changed)
    weights = held.weights(held.statistics[depth].site.name)
    return average(held.statistics[depth], weights), weights[:, -1]


def thumbnails(key: str, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those pictures of a run that can still be read, small, by name."""
    found: dict[str, np.ndarray] = _thumbnails(*_place(key), names)
    return found


@st.cache_data(show_spinner=False, max_entries=64, ttl=3600)
def _thumbnails(folder: str, changed: tuple[float, ...], names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return read_thumbnails(_opened(folder, changed), names)


def ablations() -> Errands:
    """The ablations that this visitor asked for; they are stopped with the visitor's scans."""
    return _watched("ablations", Ablating)


def sweeps() -> Errands:
    """The sweeps that this visitor asked for, likewise."""
    return _watched("sweeps", Sweeping)


def _watched(kind: str, make: Callable[..., OnRun]) -> Errands:
    """The visitor's errands of a kind, which end some minutes after the visitor left."""
    held = session.errands(kind, lambda: Errands(make, state.engine(), scan_line()))
    own_runs().watch(held)
    return held


def ablated(key: str) -> tuple[Ablated, ...]:
    """What the gates of a run are worth: as this visitor had it measured, or as the run's folder keeps it; () where it is not known.

    Raises:
        RunError: there is no such run.
        ValueError: what the folder keeps is damaged.
    """
    own = ablations().of(key, run(key))
    if own is not None and own.result:
        held: tuple[Ablated, ...] = own.result
        return held
    folder = Path(_place(key)[0])
    changed = (folder / FILE).stat().st_mtime if (folder / FILE).is_file() else 0.0
    return _kept(str(folder), changed)


@st.cache_resource(show_spinner=False, max_entries=8)
def _kept(folder: str, changed: float) -> tuple[Ablated, ...]:
    return read_ablations(Path(folder))


def examined(key: str, worth: tuple[Ablated, ...]) -> tuple[Diagnosis, ...]:
    """What the doctor says of every gate of a run.

    Raises:
        RunError: there is no such run.
        ValueError: the ablations are of another network.
    """
    return _examined(*_place(key), worth)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs={Ablated: repr})
def _examined(folder: str, changed: tuple[float, ...], worth: tuple[Ablated, ...]) -> tuple[Diagnosis, ...]:
    return _opened(folder, changed).examine(worth)


def papers_figures(key: str, names: tuple[str, ...]) -> Profile:
    """The papers' figures of a run, of those classes or, where none is named, of the four with the most pictures.

    Raises:
        RunError: there is no such run.
        ValueError: it has no picture of such a class, or its sweep is damaged.
    """
    folder, changed = _place(key)
    swept, own = Path(folder) / SWEEP, sweeps().of(key, run(key))
    kept: Profile = _papers_figures(folder, (*changed, swept.stat().st_mtime if swept.is_file() else 0.0), names)
    return replace(kept, sweep=own.result) if own is not None and own.result else kept


@st.cache_resource(show_spinner="Drawing the papers' figures ...", max_entries=8)
def _papers_figures(folder: str, changed: tuple[float, ...], names: tuple[str, ...]) -> Profile:
    return profile(_opened(folder, changed[:-1]), names or None)


def training_logs() -> dict[str, Path]:
    """The log of every network that ships with one, by the network's name."""
    return logs.shipped(state.networks())


@st.cache_resource(show_spinner=False, max_entries=8)
def looks(path: str) -> tuple[Look, ...]:
    """What the monitor saw, by a log that ships."""
    return read_looks(Path(path))
