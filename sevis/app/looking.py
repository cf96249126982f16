"""What there is to see of a network of the gallery: one view at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pandas as pd
import streamlit as st

from sevis import sentences
from sevis.analysis.proofs import proofs
from sevis.app import session, state
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.evidence import DRAW, SHOWN
from sevis.app.sidebar import Choice
from sevis.app.words import say
from sevis.records import Inspection

__all__ = ["VIEWS"]

# column -> its heading, and what was tried
PROOFS = {
    "multiplies": ("out = in × weight", "whether the block's output is its input times its weights"),
    "alone": ("same alone", "whether a picture gets the same weights alone as in a batch"),
    "without": ("without weights", "how far the answers move, KL in nats, with every weight at 1 or all branches alike"),
    "exchanged": ("with another's", "how far they move when each picture gets another one's weights"),
    "classes": ("knows the class", "how much more of the weights' variance lies between the samples than with shuffled names"),
}
NUMBERS = {"without": "%.4f", "exchanged": "%.4f", "classes": "%.1f ×"}


def _this_picture(choice: Choice, network: str) -> None:
    """All blocks for the picture of the page."""
    inspection = _inspection(choice, network)
    chart(drawn(DRAW["network"], inspection, scale="absolute"), "game_network")
    say(sentences.WHAT["network"], sentences.TOLD["network"](inspection))


def _many_pictures(choice: Choice, network: str) -> None:
    """All blocks over the photographs."""
    _draw("spread_by_block", state.statistics(network))


def _one_block(choice: Choice, network: str) -> None:
    """Everything that is known of one block, for this picture and over the photographs."""
    statistics, inspection = state.statistics(network), _inspection(choice, network)
    names = [each.site.name for each in statistics]
    session.settle_one("game_look", names)
    depth = names.index(st.selectbox("Block to look at", names, key="game_look", width=260) or names[0])
    of_many = [(name, (statistics[depth],)) for name, has in SHOWN.items() if has(statistics[depth])]
    shown: list[tuple[str, tuple[object, ...]]] = [("squeeze_weight", (inspection, depth)), *of_many]
    for first in range(0, len(shown), 2):
        for column, (name, args) in zip(st.columns(2, gap="medium"), shown[first : first + 2], strict=False):
            with column:
                _draw(name, *args)


def _proofs(choice: Choice, network: str) -> None:
    """What only experiments show, a row a block."""
    case = state.case(network)
    table = pd.DataFrame([asdict(each) for each in proofs(case.diagnoses, case.ablated)])
    for name in ("multiplies", "alone"):
        table[name] = table[name].map({True: "yes", False: "no"})
    headings = {name: st.column_config.TextColumn(label) for name, (label, _) in PROOFS.items() if name not in NUMBERS}
    headings |= {name: st.column_config.NumberColumn(PROOFS[name][0], format=form) for name, form in NUMBERS.items()}
    st.dataframe(table, hide_index=True, column_config=headings, placeholder="–", alt="Experiments with every block")
    say("What was tried, from left to right:", "; ".join(meaning for _, meaning in PROOFS.values()) + ".")


VIEWS: dict[str, Callable[[Choice, str], None]] = {
    "This picture": _this_picture,
    "32 pictures": _many_pictures,
    "One block": _one_block,
    "Proofs": _proofs,
}


def _inspection(choice: Choice, network: str) -> Inspection:
    return state.inspect(network, choice.digest, choice.picture.pixels, None)


def _draw(name: str, *args: object) -> None:
    chart(drawn(DRAW[name], *args), f"game_{name}")
    say(sentences.WHAT[name], sentences.TOLD[name](*args))
