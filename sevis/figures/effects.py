"""Which gate matters: what the explained class gains or loses when one block at a time is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.edits import parse
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.records import Outcome
from sevis.words import signed

__all__ = ["effects"]

HEIGHT = 340
MARGIN = {"l": 8, "r": 12, "t": 58, "b": 8}


def effects(outcomes: Sequence[Outcome], *, theme: Theme = LIGHT) -> go.Figure:
    """A bar an edit, early blocks at the left: the change of the score. A ring marks where another class comes first.

    Args:
        outcomes: of the network as it is, then of each edit (Inspector.effects).
    """
    before, *after = outcomes
    wholes = dict.fromkeys(_whole(each) for each in after)
    traces = [_bars(before, [each for each in after if _whole(each) == whole], whole, place, theme) for place, whole in enumerate(wholes)]
    target = plain(before.target.label)
    return compose(
        [*traces, _overturned(before, after, theme)],
        (
            f"What each block does for {target}",
            _legend(tuple(wholes), theme) + "; ring: another class comes first" * any(_is_overturned(before, each) for each in after),
        ),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        bargap=0.3,
        xaxis={"title": {"text": "block, early to late"}, "type": "category", "tickangle": 0 if len(after) < 10 else -45},
        yaxis={"title": {"text": "change of the score (logits)"}, "showgrid": True, "zeroline": True},
    )


def _whole(outcome: Outcome) -> str:
    """What is done to a block: the weights at 1, or one branch alone."""
    edit = parse(outcome.edits[0])
    return "" if edit.what == "set" else edit.value


def _block(outcome: Outcome) -> str:
    return parse(outcome.edits[0]).where


def _legend(wholes: tuple[str, ...], theme: Theme) -> str:
    if wholes == ("",):
        return "each block in turn with all weights at 1, everything else as it is"
    named = [
        f"<span style='color:{theme.branches[place % len(theme.branches)]}'>■</span> {plain(name) + ' alone' if name else 'weights at 1'}"
        for place, name in enumerate(wholes)
    ]
    return "each block in turn: " + ", ".join(named)


def _bars(before: Outcome, after: Sequence[Outcome], whole: str, place: int, theme: Theme) -> dict[str, Any]:
    changes = [each.score - before.score for each in after]
    signs = [theme.positive if change >= 0 else theme.negative for change in changes]
    return {
        "type": "bar",
        "offsetgroup": whole,
        "x": [_block(each) for each in after],
        "y": changes,
        "marker": {"color": theme.branches[place % len(theme.branches)] if whole else signs},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": told([[each.edits[0] for each in after], [_sentence(before, each) for each in after]]),
        "hovertemplate": "%{customdata[1]}<extra></extra>",
    }


def _sentence(before: Outcome, after: Outcome) -> str:
    done = f"with {plain(_whole(after))} alone" if _whole(after) else "with all weights at 1"
    first = "" if not after.predictions else f"; {plain(after.predictions[0].label)} comes first"
    return (
        f"{_block(after)} {done}: {plain(before.target.label)} goes from {before.target.probability:.0%} to"
        f" {after.target.probability:.0%} (score {signed(after.score - before.score)}){first}"
    )


def _is_overturned(before: Outcome, after: Outcome) -> bool:
    """Whether another class comes first than in the network as it is."""
    return bool(before.predictions and after.predictions) and before.predictions[0].label != after.predictions[0].label


def _overturned(before: Outcome, after: Sequence[Outcome], theme: Theme) -> dict[str, Any]:
    """A ring at the foot of each bar that changes the first class."""
    rung = [each for each in after if _is_overturned(before, each)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [_block(each) for each in rung],
        "y": [0.0] * len(rung),
        "marker": {"symbol": "circle-open", "size": 11, "color": theme.accent, "line": {"width": 2}},
        "hoverinfo": "skip",
    }
