"""What a gate does with each class: the mean and the spread of its weights over the pictures of a class (Hu et al. 2018, section 7.2).

    for each in class_profiles(run.statistics, run.classes):
        each.mean, each.spread      # of the weights in 50 channels, a row a class

Of a selection (SK) the number of a channel is the share of its last branch, the largest kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from sevis.analysis.gate_statistics import UNKNOWN, GateStatistics
from sevis.records import GateSite

__all__ = ["BANDS", "MOST_CLASSES", "ClassProfile", "Row", "class_profiles", "common_classes", "papers_blocks", "profile_rows"]

CHANNELS = 50  # uniformly sampled, as in figures 6 and 7
CLASSES = 4  # goldfish, pug, plane, cliff
MOST_CLASSES = 6  # more lines cannot be told apart
BANDS = 2  # classes whose spread is shown, goldfish and plane: more bands would hide each other
LAST = 3  # blocks of the last stage: SE_5_1, SE_5_2, SE_5_3

Row = dict[str, str | int | float]


@dataclass(frozen=True)
class ClassProfile:
    """One gate's weights in P channels, by class.

    Attributes:
        channels: at equal distances from the first to the last, (P,).
        classes: the names of the k classes that are shown.
        counts: the pictures of each, (k,).
        mean: over the pictures of a class, (k, P).
        spread: standard deviation over the same pictures, (k, P).
        overall: mean over all pictures, (P,): the papers' reference.
        pictures: how many these are.
    """

    site: GateSite
    channels: np.ndarray
    classes: tuple[str, ...]
    counts: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    overall: np.ndarray
    pictures: int

    @property
    def apart(self) -> float:
        """How far a class lies from the overall mean, meant over classes and channels."""
        return float(np.abs(self.mean - self.overall).mean())

    @property
    def within(self) -> np.ndarray:
        """How much a weight varies between pictures of one class, meant over the channels, (k,)."""
        return np.asarray(self.spread.mean(axis=1))


def class_profiles(
    statistics: Sequence[GateStatistics], names: Sequence[str], classes: Sequence[str] | None = None
) -> tuple[ClassProfile, ...]:
    """The profiles of the blocks that the paper shows; none where no picture has a known class.

    Args:
        statistics: of all gates, in order of depth.
        names: of the classes, in the order in which the statistics count them.
        classes: which to show, six at most; None takes the four with the most pictures.

    Raises:
        ValueError: there is no picture of one of the classes, or there are too many.
    """
    shown = [statistics[depth] for depth in papers_blocks([each.site for each in statistics])]
    known = common_classes(statistics, names)
    if not known:
        return ()
    chosen = _checked(known[:CLASSES] if classes is None else tuple(dict.fromkeys(classes)), known)
    return tuple(_profile(each, [names.index(name) for name in chosen], chosen) for each in shown)


def papers_blocks(sites: Sequence[GateSite]) -> tuple[int, ...]:
    """The depths of the last block of each stage, and of the last three of the last stage (Hu et al. 2018, figure 6)."""
    stages = [list(depths) for _, depths in groupby(range(len(sites)), key=lambda depth: sites[depth].stage)]
    earlier = [depths[-1] for depths in stages[:-1]]
    return (*earlier, *(stages[-1][-LAST:] if stages else ()))


def common_classes(statistics: Sequence[GateStatistics], names: Sequence[str]) -> tuple[str, ...]:
    """The classes that have pictures, those with the most first."""
    if not statistics:
        return ()
    first = statistics[0]
    found = sorted((-int(count), int(label)) for label, count in zip(first.labels, first.weights.count, strict=True) if label != UNKNOWN)
    return tuple(names[label] for count, label in found if count)


def _checked(chosen: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    missing = [name for name in chosen if name not in known]
    if missing:
        few = f"{', '.join(known[:12])}{' ...' * (len(known) > 12)}"
        raise ValueError(f"there is no picture of class {missing[0]!r} in this run; choose from {few}")
    if not 0 < len(chosen) <= MOST_CLASSES:
        raise ValueError(f"{len(chosen)} classes are too {'many' if chosen else 'few'} for one figure; choose 1 to {MOST_CLASSES}")
    return chosen


def _profile(statistics: GateStatistics, labels: Sequence[int], classes: tuple[str, ...]) -> ClassProfile:
    channels = np.unique(np.linspace(0, statistics.site.channels - 1, CHANNELS).round().astype(int))
    places = np.searchsorted(statistics.labels, labels)
    moments = statistics.weights.at(places)
    return ClassProfile(
        statistics.site,
        channels,
        classes,
        moments.count,
        moments.mean[:, -1, channels],
        moments.spread[:, -1, channels],
        statistics.overall.mean[-1, channels],
        statistics.pictures,
    )


def profile_rows(profiles: Iterable[ClassProfile], most: int = MOST_CLASSES) -> tuple[Row, ...]:
    """The numbers of the profiles, of so many classes at most: a row a gate, class and channel."""
    return tuple(
        {
            "gate": each.site.name,
            "path": each.site.path,
            "branch": each.site.branches[-1],
            "class": name,
            "pictures": int(each.counts[place]),
            "channel": int(channel),
            "mean": float(each.mean[place, n]),
            "spread": float(each.spread[place, n]),
            "overall_mean": float(each.overall[n]),
        }
        for each in profiles
        for place, name in enumerate(each.classes[:most])
        for n, channel in enumerate(each.channels)
    )
