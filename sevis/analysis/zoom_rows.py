"""The numbers of a sweep as rows: by block, by slope, by channel, by class. What the figures draw, and what is exported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sevis.analysis.ablation import Effect
from sevis.analysis.profile import Row
from sevis.analysis.zoom import SLOPES, GateSweep, Sweep, View

__all__ = ["GROUPS", "block_rows", "channel_rows", "class_rows", "grouped", "slope_rows"]

GROUPS = 16  # points a curve: 16 consecutive channels each in SK_3_4 of SKNet-50, as in figure 3 of Li et al. 2019


def block_rows(sweep: Sweep) -> tuple[Row, ...]:
    """A row a gate and view: the mean share of the large kernel less that of the small one."""
    top1: Sequence[float | str] = sweep.top1 or ("",) * len(sweep.views)
    return tuple(
        {**_of(gate), **_seen(view), **_number(effect), "pictures": gate.pictures, "top1": right}
        for gate in sweep.gates
        for view, effect, right in zip(sweep.views, gate.difference, top1, strict=True)
    )


def slope_rows(sweep: Sweep) -> tuple[Row, ...]:
    """A row a gate and slope: how that difference changes a unit of zoom."""
    return tuple(
        {**_of(gate), "slope": name, "value": gate.slope[name].mean, "standard_error": gate.slope[name].error, "pictures": gate.pictures}
        for gate in sweep.gates
        for name in SLOPES
    )


def channel_rows(sweep: Sweep) -> tuple[Row, ...]:
    """A row a gate, view and group of consecutive channels."""
    return tuple(
        {**_of(gate), **_seen(view), "first_channel": first, "last_channel": last, "difference": value}
        for gate in sweep.gates
        for place, view in enumerate(sweep.views)
        for first, last, value in grouped(gate, place)
    )


def class_rows(sweep: Sweep) -> tuple[Row, ...]:
    """A row a gate, view and class."""
    return tuple(
        {**_of(gate), "class": sweep.classes[label], "pictures": int(gate.classes.count[label]), **_seen(view), **_number(effect)}
        for gate in sweep.gates
        for label in sweep.seen
        for view, effect in zip(sweep.views, gate.of_class(label), strict=True)
    )


def grouped(gate: GateSweep, view: int) -> Iterator[tuple[int, int, float]]:
    """The first and last channel of each group, and the mean difference over them."""
    size = -(-gate.site.channels // GROUPS)
    for first in range(0, gate.site.channels, size):
        last = min(first + size, gate.site.channels)
        yield first, last - 1, float(np.mean(gate.channels.mean[view, first:last]))


def _of(gate: GateSweep) -> Row:
    site = gate.site
    return {"gate": site.name, "path": site.path, "stage": site.stage, "large": site.branches[-1], "small": site.branches[0]}


def _seen(view: View) -> Row:
    return {"zoom": view.zoom, "shown": "blurred" if view.blurred else "enlarged"}


def _number(effect: Effect) -> Row:
    return {"difference": effect.mean, "standard_error": effect.error}
