"""What a network whose SE blocks were moved makes of a picture, measured unit by unit.

    arranged(load("rearranged/post"), pixels).spreads

The names of such networks are NAMES.
"""

from __future__ import annotations

import numpy as np

from sevis.analysis.arranged import Arranged
from sevis.host import Awaited, brought
from sevis.inspector import Inspector
from sevis.nets.rearranged import ARRANGEMENTS, REARRANGED, TEACHER, by_units, kept

__all__ = ["NAMES", "TEACHER", "arranged"]

NAMES = {arrangement: REARRANGED + arrangement for arrangement in ARRANGEMENTS}  # arrangement -> its name for `sevis.load`


def arranged(inspector: Inspector, picture: np.ndarray) -> Arranged:
    """The spread of every residual unit's output and the answer, in one forward pass; any thread may call it, since nothing is hooked.

    Args:
        inspector: of one of NAMES.
        picture: (H, W, 3) uint8.
    """
    outputs, logits = by_units(inspector.module, inspector.batch([inspector.tensor(picture)]))
    spread = Awaited([output.float().std(unbiased=False) for output in outputs.values()], lambda arrays: np.array(arrays, dtype=float))
    (reading,), spreads = brought(inspector.reader.read(logits.float(), [None], inspector.classes).readings, spread)
    best = reading.predictions[0]
    name = inspector.name.removeprefix(REARRANGED)
    return Arranged(name, tuple(outputs), spreads, best.label, best.probability, kept(inspector.module, name))
