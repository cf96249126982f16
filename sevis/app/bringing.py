"""Where a visitor brings the pictures of a batch: files, archives, or the samples at a click."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import streamlit as st

from sevis.app import session, state
from sevis.app.gathering import MOST, gather
from sevis.app.sidebar import TYPES
from sevis.app.words import plain
from sevis.words import counted

__all__ = ["bring", "left_out"]

LARGEST = 100  # MB of one file, which may be an archive
WELCOME = (
    "All of them come onto one sheet with what the network took them for, and below it one block over all pictures:"
    " which of them did it treat alike? Bring your own, or take the samples to see how it works."
)
NAMED = 3  # of the files that were left out for the same reason
HELP = (
    "PNG, JPEG, WebP or GIF, or a zip of them; they stay in this server's memory for a while and are never written to disk. "
    "Of a file above 1 MB a JPEG of two megapixels is kept."
)


def bring() -> None:
    """Draw the upload and the way to the samples, out of the way once there is a batch; a new one takes the place of the old one."""
    held = session.batch().pictures
    if held:
        with st.expander(f"Bring other pictures in place of {f'these {len(held)}' if len(held) > 1 else 'this one'}"):
            _choices()
    else:
        st.subheader("Many pictures at once", anchor=False)
        st.markdown(WELCOME)
        _choices()


def _choices() -> None:
    """The upload and the samples; what is handed over becomes the batch."""
    files = st.file_uploader(
        f"Up to {MOST} photographs, or a zip of them",
        [*TYPES, "zip"],
        accept_multiple_files=True,
        key=f"batch_upload_{session.batch_round()}",
        max_upload_size=LARGEST,
        help=HELP,
    )
    samples = st.button(f"Take the {len(state.samples())} samples", key="take_samples", icon=":material/photo_library:")
    if files:
        _take((file.name, file.getvalue()) for file in files)
    elif samples:
        _take((sample.title, sample.file.read_bytes()) for sample in state.samples())


def _take(files: Iterable[tuple[str, bytes]]) -> None:
    """Read the files into a batch, and draw the page anew with it."""
    reading = st.empty()

    def tell(name: str) -> None:
        reading.caption(f"Reading {plain(name)} ...")

    session.begin_batch(gather(files, state.picture, tell))
    st.rerun()


def left_out(refused: Sequence[tuple[str, str]]) -> None:
    """What is not in the batch and why: one line a reason."""
    if not refused:
        return
    with st.expander(f"{counted(len(refused), 'file')} left out", icon=":material/info:", key="left_out"):
        for line in _reasons(refused):
            st.caption(plain(line))


def _reasons(refused: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The names of those that share a reason, and the reason."""
    reasons: dict[str, list[str]] = {}
    for name, reason in refused:
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        others = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"{', '.join(names[:NAMED])}{others}: {reason}"
