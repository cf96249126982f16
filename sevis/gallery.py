"""The doctor's gallery as patients: which networks there are, the pictures to judge them on, and a whole examination in a second or two.

    case = examined(load("faulty/low rank"))
    case.diagnoses[5].verdict

Nothing is written; a run of a data set of one's own is what `sevis.scan` makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageOps

from sevis.ablations import ablate
from sevis.analysis.ablation import Ablated
from sevis.analysis.doctor import Diagnosis, examine
from sevis.analysis.statistics import GateStatistics, collect
from sevis.capture.watch import Watch
from sevis.inspector import Inspector
from sevis.nets.gallery import FAULTY, GALLERY, HEALTHY, SIDE, WELL
from sevis.places import ASSETS
from sevis.scanner import Turn

__all__ = ["PATIENTS", "Examination", "Patient", "examined", "photographs", "seen"]

VIEWS = 4  # of each sample


@dataclass(frozen=True)
class Patient:
    """A network of the gallery.

    Attributes:
        name: for `sevis.load`.
        fault: of GALLERY; "" where it is healthy.
        block: that has the fault; "" for all of them, or none.
        made_from: the shipped network that is operated on, or whose classes it has.
    """

    name: str
    fault: str
    block: str
    made_from: str


# every faulty network, and those that they were made from
PATIENTS: tuple[Patient, ...] = (
    *(
        Patient(FAULTY + name, name, fault.block, fault.network if isinstance(fault.network, str) else HEALTHY[0])
        for name, fault in GALLERY.items()
    ),
    *(Patient(WELL + name, "", "", name) for name in HEALTHY if any(fault.network == name for fault in GALLERY.values())),
)


@cache
def photographs() -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """32 pictures (SIDE, SIDE, 3) uint8, four views of each of the eight samples, and which sample each is of."""
    random = np.random.default_rng(0)
    files = sorted((ASSETS / "samples").glob("*.jpg"))
    pictures = [_view(Image.open(file).convert("RGB"), random) for file in files for _ in range(VIEWS)]
    return tuple(pictures), np.repeat(np.arange(len(files)), VIEWS)


def _view(picture: Image.Image, random: np.random.Generator) -> np.ndarray:
    """A part of six to ten tenths of a picture's sides, mirrored half of the time."""
    share = random.uniform(0.6, 1.0)
    width, height = (round(share * side) for side in picture.size)
    left, top = (int(random.integers(0, whole - part + 1)) for whole, part in zip(picture.size, (width, height), strict=True))
    cut = picture.crop((left, top, left + width, top + height))
    return np.asarray(ImageOps.fit(ImageOps.mirror(cut) if random.random() < 0.5 else cut, (SIDE, SIDE), Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class Examination:
    """What the doctor has of a network: one entry a gate, in order of depth.

    Attributes:
        ablated: what each gate is worth; of gates that were not ablated the effects are empty.
    """

    statistics: tuple[GateStatistics, ...]
    ablated: tuple[Ablated, ...]
    diagnoses: tuple[Diagnosis, ...]


def seen(inspector: Inspector, *, turn: Turn = nullcontext) -> tuple[GateStatistics, ...]:
    """The statistics of every gate over the photographs, each sample counting as a class; `turn` as in `examined`."""
    pictures, labels = photographs()
    with turn():
        _, tape = inspector.watched(inspector.batch([inspector.tensor(picture) for picture in pictures]), Watch(proof=False))
    return collect(inspector.proved(tape.records()), labels, int(labels.max()) + 1)


def examined(inspector: Inspector, blocks: Sequence[str] | None = None, *, turn: Turn = nullcontext) -> Examination:
    """The examination of a network on the photographs: statistics, ablations, and what the doctor makes of both.

    Args:
        blocks: the gates that are ablated, by name; None: all of them.
        turn: what every pass goes through the network in, where others use the device too.
    """
    statistics, depths = seen(inspector, turn=turn), [each.depth for each in inspector.sites if blocks is None or each.name in blocks]
    with ExitStack() as held:

        def passed(*_: int) -> None:
            held.close()
            held.enter_context(turn())

        held.enter_context(turn())
        ablated = ablate(inspector, photographs()[0], depths=depths, report=passed)
    return Examination(statistics, ablated, examine(statistics, ablated))
