"""What is drawn of an excitation, and its lines: each the product of a weight and the activation where it starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sevis.analysis.excitation import Part, changed, part
from sevis.excitation import Answer, Excitation
from sevis.figures.theme import Theme, told
from sevis.records import GateRecord
from sevis.words import decimal, signed

__all__ = ["Drawn", "drawn", "heights", "lines", "tints"]

AT = 0.36  # where on a line it can be asked: in the middle too many cross
WIDEST, THIN = 4.5, 1.5  # px of the strongest line, and of those of the others together
FAINT = 0.1  # of the strongest line: what says less is left away
MOST = 72  # lines of a layer: more cannot be told apart


@dataclass(frozen=True)
class Drawn:
    """An excitation with one channel's squeeze moved, and what of it is told apart.

    Attributes:
        own: the squeeze of the picture, (C,).
        squeeze: with the channel moved, (C,).
        before, now: what the excitation makes of the two.
        channels, units: those told apart; a last None stands for all others together.
        gates: those told apart.
    """

    excitation: Excitation
    channel: int
    own: np.ndarray
    squeeze: np.ndarray
    before: Answer
    now: Answer
    channels: tuple[int | None, ...]
    units: tuple[int | None, ...]
    gates: tuple[int, ...]


def drawn(excitation: Excitation, record: GateRecord, channel: int, value: float | None) -> Drawn:
    """The excitation of a picture's squeeze with one channel at a value; None leaves it as it is."""
    own = record.squeeze[0].astype(float)
    squeeze = own if value is None else changed(own, channel, value)
    shown: Part = part(excitation, own, channel)
    units, channels = excitation.w1.shape
    return Drawn(
        excitation,
        channel,
        own,
        squeeze,
        excitation.answer(own),
        excitation.answer(squeeze),
        (*shown.channels, *[None] * (len(shown.channels) < channels)),
        (*shown.units, *[None] * (len(shown.units) < units)),
        shown.gates,
    )


def heights(count: int) -> np.ndarray:
    """From the top down."""
    return np.asarray(1 - (np.arange(count) + 0.5) / count)


def tints(values: np.ndarray, strongest: float, theme: Theme) -> list[str]:
    """The diverging colours of values between -strongest and +strongest."""
    return [theme.diverging[len(theme.diverging) // 2 + step] for step in _steps(values, strongest, theme).tolist()]


def _steps(values: np.ndarray, strongest: float, theme: Theme) -> np.ndarray:
    """Which colour from the middle one on."""
    return np.rint(np.clip(values / max(strongest, 1e-12), -1, 1) * (len(theme.diverging) // 2)).astype(int)


@dataclass(frozen=True)
class _Layer:
    """One layer's lines, (ends, starts), from x to x + 1.

    Attributes:
        products: weight times activation.
        strongest: the largest that a single channel or unit has on the picture as it is.
        others: whether the last start stands for all others together.
        starts, ends: how high they lie.
        said: what each line says.
    """

    products: np.ndarray
    strongest: float
    others: bool
    starts: np.ndarray
    x: int = 0
    ends: np.ndarray = field(default_factory=lambda: np.empty(0))
    said: Sequence[Sequence[str]] = ()


def lines(shown: Drawn, theme: Theme) -> list[dict[str, Any]]:
    """The lines of both layers, and over each a mark that can be asked; those of the others together are dotted."""
    net, rows = shown.excitation, [unit for unit in shown.units if unit is not None]
    into = [_said(net.w1[unit], shown.squeeze, f"unit {unit}", shown.channels, "channel") for unit in rows]
    out = [_said(net.w2[gate], shown.now.hidden, f"the logit of channel {gate}", shown.units, "unit") for gate in shown.gates]
    first = _layer(net.w1[rows], (shown.squeeze, shown.own), shown.channels)
    second = _layer(net.w2[list(shown.gates)], (shown.now.hidden, shown.before.hidden), shown.units)
    return [
        *_drawn(replace(first, x=0, ends=heights(len(shown.units)), said=into), theme),
        *_drawn(replace(second, x=1, ends=heights(len(shown.gates)), said=out), theme),
    ]


def _layer(matrix: np.ndarray, values: tuple[np.ndarray, np.ndarray], shown: Sequence[int | None]) -> _Layer:
    """The products of a matrix with the values now, on the scale of those before; where they end is still to be said."""
    now, before = (_summed(matrix * each, shown) for each in values)
    strongest = float(np.abs(before[:, : before.shape[1] - (None in shown)]).max(initial=0.0))
    return _Layer(now, strongest, None in shown, heights(len(shown)))


def _summed(products: np.ndarray, shown: Sequence[int | None]) -> np.ndarray:
    """The products (rows, n) of the columns that are told apart, and the sum of all others where None is among them."""
    known = [each for each in shown if each is not None]
    columns = [products[:, known]]
    if None in shown:
        columns.append(np.delete(products, known, axis=1).sum(axis=1, keepdims=True))
    return np.concatenate(columns, axis=1)


def _said(weights: np.ndarray, values: np.ndarray, name: str, shown: Sequence[int | None], noun: str) -> list[str]:
    """The words of the lines into one node."""
    said = []
    for column, total in zip(shown, _summed((weights * values)[None], shown)[0].tolist(), strict=True):
        if column is None:
            said.append(f"all other {noun}s together give {name} {signed(total)}")
        else:
            factors = f"weight {decimal(float(weights[column]))} × {decimal(float(values[column]))}"
            said.append(f"{noun} {column} gives {name} {signed(total)}: {factors}")
    return said


def _drawn(layer: _Layer, theme: Theme) -> list[dict[str, Any]]:
    """A layer's traces: the dotted lines below, the marks above."""
    steps = _steps(layer.products, layer.strongest, theme)
    size = np.abs(layer.products)
    steps[size < max(FAINT * layer.strongest, float(np.sort(size, axis=None)[-MOST:].min()))] = 0
    several = np.arange(steps.shape[1]) >= steps.shape[1] - layer.others
    return [
        *_coloured(np.where(several, steps, 0), "dot", layer, theme),
        *_coloured(np.where(several, 0, steps), "solid", layer, theme),
        *_marks(steps, layer, theme),
    ]


def _coloured(steps: np.ndarray, dash: str, layer: _Layer, theme: Theme) -> Iterator[dict[str, Any]]:
    """A trace a colour, the strongest last."""
    middle = len(theme.diverging) // 2
    for step in sorted(set(steps.ravel().tolist()) - {0}, key=abs):
        pairs = np.argwhere(steps == step).tolist()
        width = THIN if dash == "dot" else WIDEST * abs(step) / middle
        yield {
            "type": "scatter",
            "mode": "lines",
            "x": [layer.x, layer.x + 1, None] * len(pairs),
            "y": [place for row, column in pairs for place in (float(layer.starts[column]), float(layer.ends[row]), None)],
            "line": {"color": theme.diverging[middle + step], "width": width, "dash": dash},
            "hoverinfo": "skip",
        }


def _marks(steps: np.ndarray, layer: _Layer, theme: Theme) -> Iterator[dict[str, Any]]:
    """What a line is asked at."""
    rows, columns = np.nonzero(steps)
    if len(rows):
        yield {
            "type": "scatter",
            "mode": "markers",
            "x": [layer.x + AT] * len(rows),
            "y": (1 - AT) * layer.starts[columns] + AT * layer.ends[rows],
            "marker": {"size": 9, "opacity": 0, "color": theme.accent},
            "customdata": told([[layer.said[row][column] for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]]),
            "hovertemplate": "%{customdata[0]}<extra></extra>",
        }
