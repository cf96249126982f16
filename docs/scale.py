"""Measures what docs/scale.md counts with: python -m docs.scale"""

from __future__ import annotations

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import sevis
from sevis.analysis.statistics import collect, to_arrays, total
from sevis.datasets import open_source
from sevis.inspector import Inspector
from sevis.records import GateRecord
from sevis.scan import scan
from sevis.scanner import BATCH, Scanner
from sevis.sources import Entry

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
NETWORKS = ("photos12/se_resnet18", "untrained/se_resnet50")
CLASSES = 1000
SIZE = (500, 375)  # a common size of ImageNet's pictures


def pictures(folder: Path, count: int) -> Path:
    """So many different photographs."""
    samples = sorted(SAMPLES.glob("*.jpg"))
    for n in range(count):
        with Image.open(samples[n % len(samples)]) as sample:
            sample.convert("RGB").resize(SIZE).rotate(n).save(folder / f"n{n:07d}.jpg", quality=90)
    return folder


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Of one processor."""
    before = clock()
    work()
    return clock() - before


def records(inspector: Inspector, count: int) -> tuple[GateRecord, ...]:
    """What made-up gates of that network did with so many pictures."""
    random, made = np.random.default_rng(0), []
    for site in inspector.sites:
        logits = random.normal(size=(count, len(site.branches), site.channels)).astype(np.float32)
        made.append(GateRecord(site, logits[:, 0], logits[:, 0, : site.channels // 16], logits, 1 / (1 + np.exp(-logits))))
    return tuple(made)


def measure(name: str, folder: Path) -> None:
    inspector = sevis.load(name, "cpu")
    source = open_source(folder)
    scanner, some = Scanner(inspector, source), source.entries[:BATCH]
    decoded = scanner.decode(some)
    scanner.show(decoded)
    told = {
        "values a picture": sum(len(site.branches) * site.channels for site in inspector.sites),
        "ms of a processor a picture, decoding": 1e3 / BATCH * seconds(lambda: scanner.decode(some)),
        "ms of a processor a picture, network and statistics": 1e3 / BATCH * seconds(lambda: scanner.show(decoded)),
    }
    with tempfile.TemporaryDirectory() as out:
        took = seconds(lambda: scan(inspector, source, Path(out), gates=True), time.perf_counter)
        told |= {
            f"bytes a picture, {table}": (Path(out) / table).stat().st_size / len(source.entries)
            for table in ("pictures.parquet", "gates.parquet")
        }
    told["pictures a second, whole scan"] = len(source.entries) / took
    parts = [collect(records(inspector, CLASSES), np.arange(CLASSES), CLASSES)] * 2
    told["MB of statistics, 1,000 classes"] = sum(each.nbytes for each in to_arrays(parts[0]).values()) / 1e6
    told["seconds to add two of them"] = seconds(lambda: total(parts))
    batch = records(inspector, BATCH)
    part = collect(batch, np.arange(BATCH), CLASSES)
    told["ms a picture, statistics of a batch"] = 1e3 / BATCH * seconds(lambda: collect(batch, np.arange(BATCH), CLASSES))
    told["ms a picture, adding a batch to 1,000 classes"] = 1e3 / BATCH * seconds(lambda: total([parts[0], part]))
    print(name, *(f"  {key}: {value:,.1f}" for key, value in told.items()), sep="\n")


def main(count: int) -> None:
    torch.set_num_threads(1)
    tracemalloc.start()
    listed = [Entry(f"n{n // 1300:08d}/n{n:08d}_{n}.JPEG", f"n{n // 1300:08d}", n) for n in range(100_000)]
    print(f"bytes of memory an entry: {tracemalloc.get_traced_memory()[0] / len(listed):.0f}")
    tracemalloc.stop()
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder), count)
        for name in NETWORKS:
            measure(name, Path(folder))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 96)
