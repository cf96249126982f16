"""How time and memory of the pass that tells everything grow: make bench-growth."""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from benchmarks.drawn import FIGURE, draw
from benchmarks.machine import machine
from benchmarks.networks import inspected, picture
from benchmarks.rounds import processor_seconds, quiet
from benchmarks.table import RESULTS, put, said_of
from sevis.engine import Engine
from sevis.inspector import Inspector
from sevis.nets.se_resnet import DEPTHS, se_resnet

__all__ = ["AXES", "GROWTH", "Axis", "Point", "fit", "measured", "section", "table"]

GROWTH = RESULTS.with_name("growth.json")
ROUNDS = 3
Make = Callable[[float], Callable[[], object]]


def _network(depth: int, width: float, side: int) -> Inspector:
    return inspected(f"SE-ResNet-{depth}", side, lambda: se_resnet(depth, classes=1000, stem="imagenet", width=width))


def _batch(depth: int = 18, width: float = 0.5, side: int = 128, pictures: int = 1) -> Callable[[], object]:
    inspector = _network(depth, width, side)
    return lambda: inspector.inspect_batch([picture(side, n) for n in range(pictures)], [None] * pictures)


def _sessions(count: int) -> Callable[[], object]:
    """So many visitors ask an engine at once, each with a picture of their own, and wait."""
    inspector = _network(18, 0.5, 128)

    def ask() -> None:
        with Engine(lambda name: inspector, budget=1 << 40) as engine:
            for ticket in [engine.ask("network", picture(128, n)) for n in range(count)]:
                ticket.result(lambda: None)

    return ask


@dataclass(frozen=True)
class Axis:
    """What grows: its name and unit, its values, and the work at a value."""

    name: str
    values: tuple[float, ...]
    make: Make
    size: Callable[[float], float] = lambda value: value


def _blocks(depth: float) -> float:
    return float(sum(DEPTHS[int(depth)][2]))


AXES = (
    Axis("blocks (SE-ResNet-18 to 152)", (18, 34, 50, 101, 152), lambda v: _batch(depth=int(v)), _blocks),
    Axis("channels (times the paper's)", (0.25, 0.5, 1, 2), lambda v: _batch(width=v)),
    Axis("pixels (side squared)", (96, 192, 384, 768, 1024), lambda v: _batch(side=int(v)), lambda side: side * side),
    Axis("batch (pictures)", (1, 4, 16, 64), lambda v: _batch(pictures=int(v))),
    Axis("sessions (requests at once)", (1, 4, 16, 64), lambda v: _sessions(int(v))),
)


@dataclass(frozen=True)
class Point:
    """One measurement: the size on its axis, the median processor seconds, and by how much the peak of resident memory rose (MB)."""

    size: float
    seconds: float
    megabytes: float


def measured(axis: Axis, values: Sequence[float]) -> list[Point]:
    """A process for each point, since the peak of resident memory never falls."""
    points = []
    for value in values:
        with multiprocessing.get_context("fork").Pool(1) as alone:
            points.append(Point(axis.size(value), *alone.apply(_once, (AXES.index(axis), value))))
    return points


def _once(axis: int, value: float) -> tuple[float, float]:
    work = AXES[axis].make(value)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    rose = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return median(processor_seconds(work) for _ in range(ROUNDS)), rose / 1024


def fit(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float, float]:
    """Of cost = fixed + each x size by least squares: fixed, each, and R squared (1: a straight line)."""
    each, fixed = np.polyfit(sizes, costs, 1)
    left = np.asarray(costs) - (fixed + each * np.asarray(sizes))
    whole = np.asarray(costs) - np.mean(costs)
    return float(fixed), float(each), float(1 - (left @ left) / (whole @ whole))


def table(results: dict[str, list[Point]]) -> str:
    """Every axis with its ends and its fits, as Markdown."""
    head = "| what grows | from | to | time | straight line, R² | time's power | memory | straight line, R² |"
    return "\n".join([head, "|---|---|---|---|---|---|---|---|", *(_line(name, points) for name, points in results.items())])


def _line(name: str, points: Sequence[Point]) -> str:
    sizes, seconds, memory = zip(*((p.size, p.seconds, p.megabytes) for p in points), strict=True)
    power = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    ends = f"{_size(sizes[0])} | {_size(sizes[-1])} | {seconds[0]:.2f} to {seconds[-1]:.2f} s"
    kept = f"{memory[0]:.0f} to {memory[-1]:.0f} MB | {fit(sizes, memory)[2]:.3f}"
    return f"| {name} | {ends} | {fit(sizes, seconds)[2]:.3f} | {power:.2f} | {kept} |"


def _size(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def main() -> None:
    quiet()
    results = {}
    for axis in AXES:
        started = time.time()
        results[axis.name] = measured(axis, axis.values)
        print(axis.name, *results[axis.name], f"{time.time() - started:.0f} s", sep="\n  ", flush=True)
    kept = {"machine": machine(), "axes": {name: [asdict(point) for point in points] for name, points in results.items()}}
    GROWTH.write_text(json.dumps(kept, indent=2) + "\n")
    draw({name: [(p.size, p.seconds, p.megabytes) for p in points] for name, points in results.items()}, FIGURE)
    put("bench-growth", section(kept))


def section(kept: dict[str, Any]) -> str:
    """What the page says of growth.json: the machine, the table, the figure."""
    results = {name: [Point(**point) for point in points] for name, points in kept["axes"].items()}
    return f"{said_of(kept['machine'])}\n\n{table(results)}\n\n![Time and memory against each size](performance_growth.svg)"


if __name__ == "__main__":
    main()
