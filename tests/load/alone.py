"""What a page's numbers are when nobody else is there, and the same numbers read off the page's figures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from sevis.analysis.rank import reference, weight
from sevis.edits import NOTHING, WhatIf, parse
from sevis.inspector import Inspector
from sevis.loading import load
from sevis.pictures import read
from sevis.places import ASSETS
from sevis.records import Cam, Inspection
from tests.load.visitor import Page, Visitor, arrays

__all__ = ["NETWORKS", "Question", "differences", "expected", "photograph", "questions"]

NETWORKS = ("photos12/se_resnet18", "photos12/sk_net26")
EDITS = ("all:set=1", "all:factor=0.5", "all:permute={}", "all[top 10]:set=0")
SIDE = 160
MAGNIFIED = 4.0  # from a peak of 1/4 on, a map is compared as it is shown


@dataclass(frozen=True)
class Question:
    """One page: which network, which class by its place, which edit."""

    network: str
    target: int | None = None
    edit: str = ""

    @property
    def page(self) -> str:
        return "what-if" if self.edit else ""

    def put(self, visitor: Visitor) -> None:
        """Set the page's widgets to it."""
        label = {} if self.target is None else {"string_value": inspector(self.network).classes[self.target]}
        visitor.choose("network", string_value=self.network)
        visitor.choose("target", **label)
        visitor.choose("edits")
        visitor.chosen("edits").string_array_value.data.extend([self.edit] if self.edit else [])


def questions(session: int) -> tuple[Question, ...]:
    """A session's five: both networks as they are, both edited, and one with a class of its own."""
    first, second = NETWORKS if session % 2 else NETWORKS[::-1]
    edits = [EDITS[(session + place) % len(EDITS)].format(session + 1) for place in (0, 1)]
    return (
        Question(first),
        Question(second),
        Question(first, None, edits[0]),
        Question(second, None, edits[1]),
        Question(first, session % 12),
    )


def photograph(session: int) -> bytes:
    """A PNG that no other session has: a sample with noise over it."""
    samples = sorted((ASSETS / "samples").glob("*.jpg"))
    with Image.open(samples[session % len(samples)]) as image:
        pixels = np.asarray(image.convert("RGB").resize((SIDE, SIDE)), np.int16)
    noisy = pixels + np.random.default_rng(session).integers(-40, 40, pixels.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@cache
def inspector(network: str) -> Inspector:
    """The network of this process, which only one thread ever asks."""
    return load(network, "cpu")


def expected(data: bytes, question: Question) -> Inspection:
    """The answer to one question alone."""
    asked, pixels = inspector(question.network), read(data).pixels
    target = question.target
    if question.edit:
        target = asked.inspect_batch([pixels], [target], [NOTHING])[0].target.index
    edit = WhatIf((parse(question.edit),)) if question.edit else NOTHING
    return asked.inspect_batch([pixels], [target], [edit])[0]


def differences(page: Page, told: Inspection) -> float:
    """How far the page's gates, shares and maps lie from the answer, at most; infinite where there are none."""
    pairs = _edited(page, told) if told.edits else _as_it_is(page, told)
    return max((float(np.abs(seen - known).max()) if seen.shape == known.shape else np.inf for seen, known in pairs), default=np.inf)


def _as_it_is(page: Page, told: Inspection) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Explore: every row of the network's figure, the map of the block that is shown, the last map."""
    rows, count = page.figure("network_figure")["data"], len(told.gates)
    for depth in range(count):
        channels = [cell[1] for cell in rows[count + depth]["customdata"]]
        yield next(arrays(rows[depth]["z"])).ravel(), weight(told, depth)[channels]
    maps = [*told.cams, *([told.last_cam] if told.last_cam is not None else [])]
    for key in ("cam_0", "cam_1"):
        name = page.figure(key)["layout"]["title"]["text"].partition(":")[0]
        yield _map(page, key, next(each for each in maps if each.name == name))


def _edited(page: Page, told: Inspection) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What if: the second side's rows, whose colours are spreads from the average picture, and its map."""
    rows, count = page.figure("what_if_strips")["data"], len(told.gates)
    for depth in range(count):
        row = rows[count + depth]
        channels = np.array([cell[0] for cell in row["customdata"][0]], int)
        mean, spread = (values[channels] for values in reference(told, depth) or ())
        shown, known = next(arrays(row["z"])).ravel(), weight(told, depth)[channels]
        yield np.where(spread > 0, shown * spread + mean, known), known
    last = told.last_cam or told.cams[-1]
    yield _map(page, "what_if_cam_edited", last)


def _map(page: Page, key: str, known: Cam) -> tuple[np.ndarray, np.ndarray]:
    """A map as the page shows it, and as it is: both divided by their peak, which magnifies what float32 rounds where the peak is small.

    A map is a sum of large terms that cancel; batches of other sizes round it otherwise, by up to 2e-5 in units of the score.
    """
    magnified = min(1.0, MAGNIFIED * float(known.peak[0]))
    return next(arrays(page.figure(key)["data"][0]["z"])) * magnified, known.values[0] * magnified
