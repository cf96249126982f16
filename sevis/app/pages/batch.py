"""Batch: many pictures at once, what each was taken for, and which of them a gate treated alike."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial

import pandas as pd
import streamlit as st

from sevis import sentences
from sevis.app import session, state
from sevis.app.asking import Answers, answers
from sevis.app.bringing import bring, left_out
from sevis.app.chart import clickable_pictures
from sevis.app.contact_sheet import contact_sheet
from sevis.app.controls import SCALES
from sevis.app.gathering import Brought
from sevis.app.onward import open_handed
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.batch import Batch, Scale
from sevis.figures import picture_channels
from sevis.words import counted

TITLE = "Batch"
ICON = ":material/grid_view:"


def render(choice: Choice) -> None:
    """The page: where pictures are brought, their contact sheet, and one block over all of them."""
    if open_handed():
        return
    bring()
    gathered = session.batch()
    if not gathered.pictures:
        left_out(gathered.left_out)
        return
    known = _answered(choice.network, gathered.pictures)
    left_out((*gathered.left_out, *((each.title, known.failed[each.digest]) for each in gathered.pictures if each.digest in known.failed)))
    batch, pictures = known.batch(gathered.pictures)
    if not pictures:
        return
    contact_sheet(batch, [partial(session.hand_over, picture) for picture in pictures])
    say(sentences.batch_sentence(batch), "Click a picture to see it in Explore.")
    if batch.sites:
        _block(batch, pictures)
    else:
        st.info(f"{plain(batch.model)} has no channel gates: there are its predictions, but no weights to compare.")


def _answered(network: str, pictures: Sequence[Brought]) -> Answers:
    """What the network says of the pictures; those that it was not asked about yet go through it now."""
    known = session.batch_answers(network)
    missing = known.missing(pictures)
    place = st.empty()
    if missing and not session.is_batch_stopped():
        with place.container():
            _run(known, missing, len(pictures))
    elif missing:
        with place.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Stopped: {counted(len(missing), 'picture')} of {len(pictures)} not seen yet.", width="content")
            st.button("Go on", key="go_on", on_click=partial(session.stop_batch, stopped=False))
        return known
    place.empty()
    return known


def _run(known: Answers, missing: Sequence[Brought], count: int) -> None:
    """Ask about the missing pictures, with a bar that fills and a way to stop it."""
    left, right = st.columns([9, 1], vertical_alignment="bottom")
    bar = left.progress(0.0)
    right.button("Stop", key="stop", on_click=partial(session.stop_batch, stopped=True), width="stretch")
    engine, network = state.engine(), known.network
    asked = ((each, state.picture(each.data).pixels) for each in missing)
    with closing(answers(asked, partial(engine.ask, network), state.leave_if_gone)) as settled:
        for done in range(len(missing) + 1):
            seen = count - len(missing) + done
            bar.progress(seen / count, f"Running {plain(network)}: {seen} of {counted(count, 'picture')}")
            answer = next(settled, None)
            if answer is not None:
                known.take(answer[0].digest, answer[1])


def _block(batch: Batch, pictures: Sequence[Brought]) -> None:
    """One block over all pictures: its choice, its figure, its words, its numbers."""
    left, right = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    with left:
        names = [site.name for site in batch.sites]
        session.settle_block(names)
        chosen = st.selectbox("Block", names, index=None, placeholder=names[batch.most_varied], key="block", bind="query-params")
        depth = names.index(chosen) if chosen in names else batch.most_varied
    with right:
        scale: Scale = "absolute" if _scale(batch) == "absolute" else "average"
    clickable_pictures(
        picture_channels(batch, depth, scale=scale, theme=state.theme()),
        "picture_channels",
        len(pictures),
        lambda place, channel: _open(pictures[place], batch, depth, channel),
    )
    told = sentences.picture_channels_sentence(batch, depth, scale)
    say(sentences.WHAT["picture_channels"], told, "Click a cell to see its picture, block and channel in Explore.")
    if st.toggle("Show the numbers as a table", key="batch_table"):
        _table(batch, depth, scale)


def _scale(batch: Batch) -> str | None:
    return st.segmented_control(
        "Weights",
        list(SCALES),
        required=True,
        default="average",
        format_func=SCALES.__getitem__,
        key="scale",
        bind="query-params",
        disabled=not batch.averages,
    )


def _open(picture: Brought, batch: Batch, depth: int, channel: int | None) -> None:
    """Take a picture to Explore, and the block and the channel with it."""
    site = batch.sites[depth]
    session.choose(site, channel if channel is not None and channel < site.channels else None)
    session.hand_over(picture)


def _table(batch: Batch, depth: int, scale: Scale) -> None:
    """The block's numbers for a screen reader, or for copying."""
    said = {"picture": batch.titles, "prediction": [seen.target.label for seen in batch.pictures]}
    numbers = pd.DataFrame(batch.shown(depth, scale)).rename(columns=str)
    st.dataframe(pd.concat([pd.DataFrame(said), numbers], axis=1), hide_index=True, height=260)
