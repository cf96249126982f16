"""The papers' figures from a run's folder: what is drawn, and the same numbers as rows.

    made = profile(open_run("RUN"), ["cat", "church"])
    for exhibit in made.exhibits:
        FIGURES[exhibit.name].draw(*exhibit.arguments)
        csv_of(exhibit.rows)

The network is not needed: the class figures come from the scan's statistics, and the sweep (SK) was kept in the folder by `sevis.sweeps`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sevis.analysis.profile import BANDS, ClassProfile, Row, class_profiles, profile_rows
from sevis.analysis.profile_separation import Separation, separated, separation_rows, shuffled_shares
from sevis.analysis.zoom import Sweep
from sevis.analysis.zoom_rows import block_rows, channel_rows, class_rows, slope_rows
from sevis.analysis.zoom_storing import read_sweep
from sevis.runs import Run

__all__ = ["Exhibit", "Profile", "csv_of", "profile"]

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Exhibit:
    """One figure and the numbers that it draws.

    Attributes:
        name: of the figure in FIGURES, of its sentence in TOLD.
        arguments: what both are called with.
        rows: the same numbers, as a table.
    """

    name: str
    arguments: tuple[Any, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Profile:
    """What the papers' figures show of a run; each part is empty where the run has nothing for it.

    Attributes:
        profiles: of the blocks that the papers show, by class.
        separations: of all gates, in order of depth.
        sweep: of the object's scale; None where none was made.
    """

    profiles: tuple[ClassProfile, ...]
    separations: tuple[Separation, ...]
    sweep: Sweep | None

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """Every figure that can be drawn, in the order of the papers."""
        return (*self._by_class(), *(() if self.sweep is None else _by_scale(self.sweep)))

    def _by_class(self) -> tuple[Exhibit, ...]:
        made = (
            Exhibit("class_profile", (self.profiles,), profile_rows(self.profiles)),
            Exhibit("class_spread", (self.profiles,), profile_rows(self.profiles, BANDS)),
            Exhibit("separation", (self.separations,), separation_rows(self.separations)),
        )
        return tuple(each for each in made if each.rows)


def _by_scale(sweep: Sweep) -> tuple[Exhibit, ...]:
    made = (
        Exhibit("scale_sweep", (sweep,), block_rows(sweep)),
        Exhibit("scale_sweep_slopes", (sweep,), slope_rows(sweep)),
        Exhibit("scale_sweep_channels", (sweep,), channel_rows(sweep)),
        Exhibit("scale_sweep_classes", (sweep,), class_rows(sweep)),
    )
    return tuple(each for each in made if each.rows)


def profile(run: Run, classes: Sequence[str] | None = None) -> Profile:
    """The papers' figures of a run.

    Args:
        classes: the ones whose profiles are shown; None takes the four with the most pictures.

    Raises:
        ValueError: the run has no picture of such a class, or its sweep is damaged.
    """
    return Profile(class_profiles(run.statistics, run.classes, classes), separations(run), read_sweep(run.folder))


def separations(run: Run) -> tuple[Separation, ...]:
    """The class share of every gate; against shuffled labels where the scan kept the weights of every picture."""
    labels = _labels(run)
    made = (separated(each, shuffled_shares(run.weights(each.site.name), labels) if run.meta["gates"] else None) for each in run.statistics)
    return tuple(each for each in made if each is not None)


def _labels(run: Run) -> np.ndarray:
    """The class of every picture that was read, as the statistics count them; -1 where it is unknown."""
    places = {name: place for place, name in enumerate(run.classes)}
    return np.array([places.get(label, -1) for label in run.pictures["label"][run.pictures["read"]]], dtype=np.int64)


def csv_of(rows: Sequence[Row]) -> str:
    """The rows as CSV with a header: all their columns, in the order in which they come."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    return file.getvalue()


def _no_formula(value: Any) -> Any:
    """A text that a spreadsheet would compute is marked as one, since names of files and classes are anybody's."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
