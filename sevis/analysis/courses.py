"""How a metric went over a training, gate by gate, and from which look on a gate stayed beyond a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sevis.analysis.limits import Limit
from sevis.analysis.looks import Look
from sevis.analysis.metrics import METRICS

__all__ = ["Course", "courses", "known_metrics", "stayed_since"]


@dataclass(frozen=True)
class Course:
    """One metric of one gate over a training.

    Attributes:
        gate: its name.
        steps: of the looks at which the metric is known, ascending; one at least.
        values: at these.
    """

    gate: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


def known_metrics(looks: Sequence[Look]) -> tuple[str, ...]:
    """The ids of METRICS that have a number at some look, in the order of METRICS."""
    found = {name for look in looks for metrics in look.gates.values() for name, value in metrics.items() if value is not None}
    return tuple(name for name in METRICS if name in found)


def courses(looks: Sequence[Look], metric: str) -> tuple[Course, ...]:
    """The metric of every gate that has it, in the order in which the looks name the gates: that of depth."""
    points: dict[str, list[tuple[int, float]]] = {gate: [] for look in looks for gate in look.gates}
    for look in looks:
        for gate, metrics in look.gates.items():
            value = metrics.get(metric)
            if value is not None:
                points[gate].append((look.step, value))
    return tuple(Course(gate, *zip(*found, strict=True)) for gate, found in points.items() if found)


def stayed_since(course: Course, limit: Limit, threshold: float) -> int | None:
    """The step of the first look from which the gate was on that side of the threshold to the end; None where it is not there then."""
    since = None
    for step, value in zip(reversed(course.steps), reversed(course.values), strict=True):
        if not limit.holds(value, threshold):
            break
        since = step
    return since
