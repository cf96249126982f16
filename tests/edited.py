"""What edits do to made-up inspections: outcomes of every block in turn, and a map before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sevis.edits import effects_of
from sevis.figures import Entry
from sevis.records import Cam, Inspection, Outcome
from tests.made_up import frozen

SHIFTS = (-2.0, 0.5, 0.0, 1.25)  # of the score, in turn


def moved(cam: Cam) -> Cam:
    """The map after an edit: mirrored, and half as strong."""
    return replace(cam, values=frozen(cam.values[:, :, ::-1].copy()), peak=frozen(cam.peak / 2))


def outcomes(made: Inspection) -> tuple[Outcome, ...]:
    """The network as it is, then each block in turn; every fourth edit brings another class to the front."""
    before = Outcome((), made.predictions, made.target, made.score)
    return before, *(_after(made, place, str(edit)) for place, edit in enumerate(effects_of(made.sites)))


def _after(made: Inspection, place: int, edit: str) -> Outcome:
    shift = SHIFTS[place % len(SHIFTS)]
    target = replace(made.target, probability=float(np.clip(made.target.probability + shift / 10, 0, 1)))
    first = made.predictions[::-1] if place % 4 == 0 else made.predictions
    return Outcome((edit,), first, target, made.score + shift)


def changed(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call the entry on what edits did to the inspection."""
    if entry.of == "effects":
        return [(outcomes(made),)] if made.gates else []
    return [(made.image, cam, moved(cam)) for cam in made.cams]
