"""A scan with statistics and Parquet against a bare loop of the same network over the same decoded batches."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image

import sevis
from benchmarks.networks import picture
from benchmarks.rounds import interleaved
from benchmarks.row import LEAST, Row, Sizes, compared
from sevis.datasets import Source, open_source
from sevis.scan import scan
from sevis.scanner import BATCH, Scanner

__all__ = ["scans"]

NETWORK, SIDE = "photos12/se_resnet18", 160


def made_up(folder: Path, count: int) -> Path:
    """So many pictures of soft noise in two classes."""
    for n in range(count):
        path = folder / f"class{n % 2}" / f"{n:05d}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture(20, n)).resize((SIDE, SIDE)).save(path, quality=90)
    return folder


def bare(scanner: Scanner, source: Source, count: int) -> None:
    """Decode as the scan does, run the module, and throw the logits away."""
    for first in range(0, count, BATCH):
        decoded = scanner.decode(source.entries[first : min(first + BATCH, count)])
        with torch.inference_mode():
            scanner.inspector.module(decoded.tensor)


def scans(sizes: Sizes) -> Iterator[Row]:
    """The shipped SE-ResNet-18, forward only."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, runs = Path(temporary) / "pictures", (Path(temporary) / f"run{n}" for n in itertools.count())
        folder.mkdir()
        source = open_source(sizes.photographs or made_up(folder, sizes.pictures))
        inspector, count = sevis.load(NETWORK, "cpu"), min(sizes.pictures, len(source.entries))
        scanner = Scanner(inspector, source)
        works = {
            "sevis": lambda: scan(inspector, source, next(runs), limit=count, workers=1),
            "bare": lambda: bare(scanner, source, count),
        }
        rounds = interleaved(works, sizes.slow_rounds)
    what = f"scan of {count} pictures, batch {BATCH}: statistics and Parquet"
    yield compared(what, "a bare forward loop over the same decoded batches", rounds, "bare", "sevis", LEAST, 0.9)
