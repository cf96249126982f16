"""Scan: a network's gates over a whole set of pictures, and the runs that came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from sevis.app import scans, session, state
from sevis.app.bringing import left_out
from sevis.app.loaded import ELSEWHERE, choose_run
from sevis.app.own_runs import OwnRuns
from sevis.app.packing import MAX_TOTAL, MOST
from sevis.app.scanning import Scanning
from sevis.app.shelf import size_of, zipped
from sevis.app.sidebar import TYPES, Choice
from sevis.app.words import plain
from sevis.datasets import Source
from sevis.runs import Run
from sevis.words import counted, listed
from sevis.zips import MAX_ENTRIES

TITLE = "Scan"
ICON = ":material/document_scanner:"

LARGEST = 200  # MB of one file, which may be an archive
ENOUGH = 30  # pictures: with fewer the doctor gives no verdict
EVERY = 1.0  # seconds between two looks at a scan that runs
WELCOME = (
    "One picture never tells whether a gate is alive. A scan shows the network every picture of a set and keeps what each gate did:"
    f" from {ENOUGH} pictures on the doctor can judge it, and a channel up close has a crowd to stand in."
)
HELP = (
    f"Up to {MOST:,} pictures and {MAX_TOTAL // 1_000_000} MB in all, {MAX_ENTRIES:,} files an archive. Folders in a zip are taken for"
    " classes. The pictures lie in a temporary folder of this server, which is removed when your visit ends, with your runs in it."
)
NAMED = 6  # classes
# the pages that read a run, the last only one with gates
LEADS = (
    ("Doctor", ":material/stethoscope:", "Ask the doctor"),
    ("Explore", ":material/visibility:", "See a channel up close among these pictures"),
)
ZIP_LIMIT = 300_000_000  # bytes of a run that is handed out: the zip is made in memory


def render(choice: Choice) -> None:
    """The page: pictures are brought and scanned, and any run is chosen, looked at and taken away."""
    own = scans.own_runs()
    st.subheader("Many pictures, every gate", anchor=False)
    st.markdown(WELCOME)
    _bring(own)
    _scan(own, choice.network)
    st.subheader("Runs", anchor="runs")
    if not scans.runs():
        st.caption(f"There is none yet. {ELSEWHERE}")
        return
    run = choose_run()
    if run is not None:
        _about(run, session.loaded_run() or run.folder.name, choice.network)


def _bring(own: OwnRuns) -> None:
    """The upload and the way to the samples, out of the way once there are pictures."""
    held = own.packed.pictures
    if held:
        with st.expander(f"Bring other pictures in place of these {held:,}" if held > 1 else "Bring other pictures in place of this one"):
            _choices(own)
    else:
        _choices(own)
    left_out(own.packed.left_out)


def _choices(own: OwnRuns) -> None:
    """The upload and the way to the samples; what is handed over is packed for the scan."""
    files = st.file_uploader(
        f"A zip of class folders or of pictures, or up to {MOST:,} photographs",
        [*TYPES, "zip"],
        accept_multiple_files=True,
        key=f"scan_upload_{session.scan_round()}",
        max_upload_size=LARGEST,
        help=HELP,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        samples = st.button(f"Take the {len(state.samples())} samples", key="scan_samples", icon=":material/photo_library:")
        st.caption(f"{ENOUGH} pictures are the least for a verdict, a few hundred are better; in class folders, classes are compared too.")
    if files:
        _take(own, ((file.name, file.getvalue()) for file in files))
    elif samples:
        _take(own, ((sample.file.name, sample.file.read_bytes()) for sample in state.samples()))


def _take(own: OwnRuns, files: Iterable[tuple[str, bytes]]) -> None:
    """Pack the files, and draw the page anew with them."""
    reading = st.empty()

    def tell(count: int) -> None:
        reading.caption(f"Packing picture {count + 1:,} ...")

    own.take(files, tell)
    session.finish_scan_round()
    st.rerun()


def _scan(own: OwnRuns, network: str) -> None:
    """The pictures that were brought, and their scan: to begin, as it goes on, or as it ended."""
    scanning = own.scanning
    if own.packed.source is None:
        return
    if scanning is not None and scanning.is_running:
        st.fragment(_progress, run_every=EVERY)(own, scanning)
        return
    if scanning is not None:
        _ended(own, scanning)
    if scanning is None or scanning.network != network:
        _ready(own, own.packed.source, network)


def _ready(own: OwnRuns, source: Source, network: str) -> None:
    """What was brought, and the button that begins."""
    count, classes = len(source.entries), source.labels
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Scan {counted(count, 'picture')} with {plain(network)}",
            key="begin_scan",
            type="primary",
            icon=":material/play_arrow:",
            on_click=partial(own.scan, network),
        )
        st.caption(plain(_brought(classes, source.split)))
    if count < ENOUGH:
        st.caption(f"Fewer than {ENOUGH} pictures are enough to see how a scan works, and too few for a verdict of the doctor.")


def _brought(classes: Sequence[str], split: str) -> str:
    if not classes:
        return "No class folders: what each picture shows is not known."
    named = listed([*classes[:NAMED], f"{len(classes) - NAMED} more"] if len(classes) > NAMED else list(classes))
    return f"{'Their split ' + split + ', of' if split else 'Of'} {counted(len(classes), 'class folder')}: {named}."


def _progress(own: OwnRuns, scanning: Scanning) -> None:
    """How far the scan is, drawn once a second; it goes on without this page too."""
    if not scanning.is_running:
        st.rerun()
    left, right = st.columns([9, 1], vertical_alignment="bottom")
    step = scanning.step
    left.progress(step.done / step.total if step else 0.0, plain(_told(scanning)))
    right.button("Stop", key="stop_scan", on_click=own.stop, width="stretch")
    st.caption("It goes on while you look at other pages, and shares the device with everybody's pictures, batch by batch.")


def _told(scanning: Scanning) -> str:
    """The scan's progress in words."""
    step, left = scanning.step, scanning.seconds_left
    if step is None:
        return f"Waiting for {scanning.network}, or for another visitor's scan"
    words = [f"Scanning with {scanning.network}: {step.done:,} of {counted(step.total, 'picture')}"]
    words += [f"{scanning.speed:.1f} images/s, {_time(left)} left"] if left is not None else []
    return ", ".join(words + ([f"{step.unreadable:,} not readable"] if step.unreadable else []))


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _ended(own: OwnRuns, scanning: Scanning) -> None:
    """How the scan ended, and the way to go on."""
    if own.key in scans.runs() and session.is_news(own.key):
        session.load_run(own.key)
    if scanning.is_done:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Go on", key="resume_scan", type="primary", on_click=own.go_on, icon=":material/play_arrow:")
        st.caption(plain(scanning.why or _stopped(own, scanning)))


def _stopped(own: OwnRuns, scanning: Scanning) -> str:
    kept = scans.run(own.key).done if own.key in scans.runs() else 0
    return f"Stopped: {kept:,} of {counted(len(scanning.source.entries), 'picture')} are kept, and a scan that goes on begins after them."


def _about(run: Run, key: str, network: str) -> None:
    """A run in numbers, what was wrong with its pictures, and where it leads."""
    unread = run.done - run.read
    told = {
        "Pictures": (f"{run.read:,}", "Pictures that were read and counted."),
        "Classes": (f"{len(run.classes)}" if run.classes else "–", "Class folders; a dash where the pictures lay in none."),
        "Gates": (f"{len(run.statistics)}", "Gates of the network that were watched."),
        "Top-1": ("–" if run.top1 is None else f"{run.top1:.1%}", "Pictures whose class the network named, of those whose class it knows."),
        "Not readable": (f"{unread:,}", "Pictures that could not be read; the reasons are listed below."),
    }
    for column, (name, (value, meaning)) in zip(st.columns(len(told), gap="small"), told.items(), strict=True):
        column.metric(name, value, help=meaning)
    st.caption(plain(_origin(run, key in scans.own_runs().folders)))
    if unread:
        _unread(run)
    _onward(run, key, network)


def _origin(run: Run, own: bool) -> str:
    """Of what, when and how far, in words."""
    pictures = "the pictures that you brought" if own else f"a {run.meta['source']['kind']}"
    of = f"{run.network} over {pictures}, begun {run.meta['started'].replace('T', ' at ').removesuffix('Z')} UTC"
    far = "" if run.is_finished else f"; {run.done:,} of {run.meta['pictures']:,} pictures so far, a random sample of them"
    few = f" Fewer than {ENOUGH} pictures: too few for a verdict of the doctor." if run.read < ENOUGH else ""
    gates = "" if run.meta["gates"] else " It holds no weights of single pictures, so a channel up close cannot be compared with it."
    return f"{of}{far}.{few}{gates}"


def _unread(run: Run) -> None:
    """The pictures that could not be read, with their reasons."""
    left = ~run.pictures["read"]
    with st.expander(f"{counted(int(left.sum()), 'picture')} could not be read", icon=":material/info:"):
        st.dataframe(pd.DataFrame({"picture": run.pictures["path"][left], "why": run.pictures["why"][left]}), hide_index=True)


def _onward(run: Run, key: str, network: str) -> None:
    """The run as a file, and the pages that read it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        for title, icon, label in LEADS if run.meta["gates"] else LEADS[:1]:
            # of a page that is a function Streamlit knows the address alone
            st.page_link(st.Page(lambda: None, title=title, url_path=title.lower()), label=label, icon=icon)
        if size_of(run.folder) <= ZIP_LIMIT:
            st.download_button(
                "Take the run away",
                partial(zipped, run.folder),
                f"{key}.zip",
                "application/zip",
                key="take_run",
                on_click="ignore",
                icon=":material/download:",
                help="A folder that `sevis doctor` opens; the pictures themselves are not in it.",
            )
    if run.network != network:
        st.caption(plain(f"Explore compares with this run once {run.network} is the network at the left."))
