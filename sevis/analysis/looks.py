"""What a training run's monitor saw, look by look: a JSON Lines file, written a line at a time and read back without the network."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Look", "Metrics", "finite", "line", "read_looks"]

DIGITS = 6  # significant ones: a probe of some dozens of pictures tells no more

Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Look:
    """What the gates were like after a step of the training.

    Attributes:
        step: how many steps had been done.
        gates: name of the gate -> metric of METRICS -> value; None where it does not apply.
    """

    step: int
    gates: Mapping[str, Metrics]


def line(look: Look) -> str:
    """A look as a line of JSON."""
    gates = {gate: {metric: _short(value) for metric, value in metrics.items()} for gate, metrics in look.gates.items()}
    return json.dumps({"step": look.step, "gates": gates}, allow_nan=False)


def finite(metrics: Metrics) -> Metrics:
    """The metrics, with None for what is no number: JSON has none such."""
    return {name: value if value is not None and math.isfinite(value) else None for name, value in metrics.items()}


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def read_looks(lines: str | Path | Iterable[str]) -> tuple[Look, ...]:
    """The looks of a file or of its lines, in order of their steps.

    Of two looks at one step the later line counts: a run that was killed and went on took these steps again.

    Raises:
        ValueError: a line is not a look.
    """
    told = Path(lines).read_text(encoding="utf-8").splitlines() if isinstance(lines, (str, Path)) else lines
    looks = (_look(number, text) for number, text in enumerate(told, 1) if text.strip())
    return tuple(sorted({look.step: look for look in looks}.values(), key=lambda look: look.step))


def _look(number: int, text: str) -> Look:
    try:
        read = json.loads(text)
        gates = {str(gate): {str(metric): _number(value) for metric, value in metrics.items()} for gate, metrics in read["gates"].items()}
        return Look(int(read["step"]), gates)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f'line {number} is {text[:60]!r}, expected {{"step": ..., "gates": {{NAME: {{METRIC: number}}}}}}') from error


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
