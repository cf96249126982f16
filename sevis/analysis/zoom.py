"""How the share of the large kernel moves when the object grows, and when the picture is only blurred (Li et al. 2019, figures 3 and 4).

Cropping the centre and enlarging it makes the object larger and the picture softer at once. Each zoom therefore has a control: the whole
picture, as soft as that. What a zoom does beyond its control is due to the object's size, or to what the crop left out.

Letters in the shapes: V views (the zooms, then the controls of all but the first), K classes; others as in sevis.records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sevis.analysis.ablation import Effect
from sevis.analysis.moments import Moments
from sevis.records import GateRecord, GateSite

__all__ = ["SLOPES", "ZOOMS", "GateSweep", "Sweep", "View", "swept", "views_of"]

ZOOMS = (1.0, 1.5, 2.0)

# name: change of the large kernel's share less the small one's, a unit of zoom
SLOPES = {"zoom": "as the object grows", "blur": "by the blur alone", "size": "by the object's size: the first less the second"}


@dataclass(frozen=True)
class View:
    """One way to show a picture: its centre enlarged by the zoom, or the whole of it as soft as that makes it."""

    zoom: float
    blurred: bool

    @property
    def name(self) -> str:
        return f"{'blur' if self.blurred else 'zoom'} {self.zoom:g}"


def views_of(zooms: Sequence[float]) -> tuple[View, ...]:
    """The views of a picture; the first is the picture as it is."""
    return (*(View(zoom, False) for zoom in zooms), *(View(zoom, True) for zoom in zooms[1:]))


@dataclass(frozen=True)
class GateSweep:
    """One selection under every view: sums over pictures that add up to the whole.

    The number is the share of the last branch (the large kernel) less that of the first.

    Attributes:
        channels: its moments, (V, C).
        classes: those of its mean over the channels by class, (K + 1, V); the last group is of pictures without a known class.
        slopes: those of each picture's slopes, (3,), in the order of SLOPES.
    """

    site: GateSite
    channels: Moments
    classes: Moments
    slopes: Moments

    @property
    def pictures(self) -> int:
        """How many were shown."""
        return int(self.channels.count)

    @property
    def difference(self) -> tuple[Effect, ...]:
        """The mean over channels and pictures, one a view."""
        whole = self.classes.pooled
        return _effects(whole.mean, whole.m2, self.pictures)

    @property
    def slope(self) -> dict[str, Effect]:
        """The mean slope over the pictures, by the names of SLOPES: B5 with and without its control."""
        return dict(zip(SLOPES, _effects(self.slopes.mean, self.slopes.m2, self.pictures), strict=True))

    def of_class(self, label: int) -> tuple[Effect, ...]:
        """The mean over channels and the pictures of one class, one a view."""
        return _effects(self.classes.mean[label], self.classes.m2[label], int(self.classes.count[label]))

    def __add__(self, other: GateSweep) -> GateSweep:
        return GateSweep(self.site, self.channels + other.channels, self.classes + other.classes, self.slopes + other.slopes)


def _effects(mean: np.ndarray, m2: np.ndarray, count: int) -> tuple[Effect, ...]:
    """Means and their standard errors; no error of a single picture."""
    errors = np.sqrt(m2 / max(count - 1, 1) / max(count, 1))
    return tuple(Effect(float(value), float(error)) for value, error in zip(mean, errors, strict=True))


@dataclass(frozen=True)
class Sweep:
    """What a network's selections did with pictures of growing objects.

    Attributes:
        network: its name.
        weights_sha256: of its weights.
        classes: the names of the labels; () without labels.
        zooms: the first is 1.
        unread: pictures that could not be read.
        named: of how many pictures the network could name the class.
        right: how many of these it did name right, (V,).
        gates: one a selection, in order of depth; () without pictures.
    """

    network: str
    weights_sha256: str
    classes: tuple[str, ...]
    zooms: tuple[float, ...]
    unread: int
    named: int
    right: np.ndarray
    gates: tuple[GateSweep, ...]

    @property
    def views(self) -> tuple[View, ...]:
        """In the order of every V."""
        return views_of(self.zooms)

    @property
    def pictures(self) -> int:
        """How many were shown."""
        return self.gates[0].pictures if self.gates else 0

    @property
    def top1(self) -> tuple[float, ...] | None:
        """The share of right answers, one a view; None where no class is known."""
        return tuple(float(count) / self.named for count in self.right) if self.named else None

    @property
    def seen(self) -> tuple[int, ...]:
        """The places of the classes that have pictures."""
        counts = self.gates[0].classes.count[:-1] if self.gates else np.empty(0)
        return tuple(np.flatnonzero(counts).tolist())

    def __add__(self, other: Sweep) -> Sweep:
        """The sweep over the pictures of both.

        Raises:
            ValueError: they are of other networks, classes or zooms.
        """
        if _what(self) != _what(other):
            raise ValueError(f"sweeps of {_what(self)} and {_what(other)} do not add up; sweep one network with the same classes and zooms")
        return replace(
            self,
            unread=self.unread + other.unread,
            named=self.named + other.named,
            right=self.right + other.right,
            gates=_added(self.gates, other.gates),
        )


def _added(one: tuple[GateSweep, ...], other: tuple[GateSweep, ...]) -> tuple[GateSweep, ...]:
    """The gates of both; a sweep over no picture has none."""
    return tuple(first + second for first, second in zip(one, other, strict=True)) if one and other else one or other


def _what(sweep: Sweep) -> tuple[object, ...]:
    return sweep.network, sweep.weights_sha256[:12], sweep.classes, sweep.zooms


def swept(views: Sequence[GateRecord], labels: np.ndarray, classes: int, zooms: Sequence[float]) -> GateSweep:
    """One selection's sums over the pictures of a batch.

    Args:
        views: what it did with them under each view.
        labels: their classes, (N,) from 0 to classes - 1; -1 where unknown.
        zooms: as in `views_of`.
    """
    weights = np.stack([record.weights for record in views], axis=1).astype(np.float64)  # (N, V, M, C)
    difference = weights[:, :, -1] - weights[:, :, 0]
    means = difference.mean(axis=2)
    return GateSweep(
        views[0].site,
        Moments.of(difference),
        Moments.by(np.where(labels < 0, classes, labels), classes + 1, means),
        Moments.of(_slopes(means, zooms)),
    )


def _slopes(means: np.ndarray, zooms: Sequence[float]) -> np.ndarray:
    """Each picture's least-squares slopes over the zoom, (N, 3), from its means (N, V): zoom, blur, and their difference."""
    centred = np.asarray(zooms) - np.mean(zooms)
    fit = centred / np.square(centred).sum()
    zoom = means[:, : len(zooms)] @ fit
    blur = np.concatenate([means[:, :1], means[:, len(zooms) :]], axis=1) @ fit
    return np.stack([zoom, blur, zoom - blur], axis=1)
