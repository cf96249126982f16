"""The numbers behind the figures of one picture, as rows of a table: what the figures draw, read off the same records.

NumPy in, rows out; `sevis.profiles.csv_of` writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sevis.analysis.profile import Row
from sevis.analysis.rank import strongest
from sevis.records import Cam, Inspection

__all__ = ["NUMBERS", "cam_rows", "channel_rows", "map_rows", "prediction_rows"]

DIGITS = 6  # significant ones: single precision has no more
CORNERS = ("left", "top", "right", "bottom")


def channel_rows(inspection: Inspection, depth: int | None = None) -> tuple[Row, ...]:
    """A row a channel and branch, of one block or of all: squeeze, logit, weight, influence, and the average picture's weight."""
    depths = range(len(inspection.gates)) if depth is None else [depth]
    return tuple(row for each in depths for row in _channels(inspection, each))


def _channels(inspection: Inspection, depth: int) -> Iterator[Row]:
    record, spreads = inspection.gates[depth], inspection.deviation(depth)
    columns = {"logit": record.logits[0], "weight": record.weights[0], "influence": inspection.influence[depth][0]}  # (M, C) each
    if spreads is not None:
        average = inspection.averages[depth]
        columns |= {"average": average.mean, "spread": average.spread, "spreads above average": spreads[0]}
    squeeze = _rounded(record.squeeze[0])
    values = {name: [_rounded(row) for row in column] for name, column in columns.items()}
    for branch, named in enumerate(record.site.branches):
        for channel in range(record.site.channels):
            start: Row = {"block": record.site.name, "channel": channel, "branch": named, "squeeze": squeeze[channel]}
            yield start | {name: column[branch][channel] for name, column in values.items()}


def prediction_rows(inspection: Inspection) -> tuple[Row, ...]:
    """A row a class or box, best first, and the explained one behind them where it is not among them."""
    found = inspection.predictions
    shown = found if inspection.target in found else (*found, inspection.target)
    return tuple(
        {
            "class": each.label,
            "index": each.index,
            "probability": each.probability,
            "explained": "yes" if each == inspection.target else "no",
            **dict(zip(CORNERS, each.box or (), strict=False)),
        }
        for each in shown
    )


def cam_rows(inspection: Inspection) -> tuple[Row, ...]:
    """A row a cell of every block's Grad-CAM and of the last map's, in shares of its peak and in units of the score."""
    cams = inspection.cams + (() if inspection.last_cam is None else (inspection.last_cam,))
    return tuple(row for cam in cams for row in _cells(cam, inspection.target.label))


def _cells(cam: Cam, target: str) -> Iterator[Row]:
    shares, scores = cam.values[0], cam.values[0] * cam.peak[0]
    for (row, column), share in np.ndenumerate(shares):
        yield {
            "map": cam.name,
            "class": target,
            "row": row,
            "column": column,
            "share of peak": _short(share),
            "score": _short(scores[row, column]),
        }


def map_rows(inspection: Inspection, depth: int) -> tuple[Row, ...]:
    """A row a cell of the strongest channels' feature maps: each branch before the gate, and what came out of it."""
    record = inspection.gates[depth]
    chosen = list(strongest(inspection, depth))
    after = record.gated[0, chosen]  # (channels, H, W)
    assert record.maps is not None  # `gated` needs them
    before = record.maps[0][:, chosen]  # (M, channels, H, W)
    named = ["before" if record.site.kind == "channel" else f"{name} before" for name in record.site.branches]
    return tuple(
        {
            "block": record.site.name,
            "channel": chosen[place],
            "row": row,
            "column": column,
            **{name: _short(before[branch, place, row, column]) for branch, name in enumerate(named)},
            "after": _short(value),
        }
        for (place, row, column), value in np.ndenumerate(after)
    )


def _rounded(values: np.ndarray) -> list[float]:
    return [_short(value) for value in values.tolist()]


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


# figure -> the numbers that it draws; the figures of a block share the numbers of its channels
NUMBERS: dict[str, Callable[[Inspection, int], tuple[Row, ...]]] = {
    "network": lambda inspection, depth: channel_rows(inspection),
    "prediction": lambda inspection, depth: prediction_rows(inspection),
    "boxes": lambda inspection, depth: prediction_rows(inspection),
    "cam": lambda inspection, depth: cam_rows(inspection),
    "cam_row": lambda inspection, depth: cam_rows(inspection),
    **dict.fromkeys(("squeeze_weight", "sorted_weights", "histogram", "influence", "branches"), channel_rows),
    "feature_maps": map_rows,
}
