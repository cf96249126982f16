"""Statistics as named arrays without objects, as np.savez takes them, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields

import numpy as np

from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.moments import Covariance, Moments
from sevis.records import GateSite

__all__ = ["from_arrays", "to_arrays"]


def to_arrays(statistics: Sequence[GateStatistics]) -> dict[str, np.ndarray]:
    """Everything, each under the gate's place and the field's name, as in "3.weights.mean"; the site as JSON."""
    return {f"{place}.{name}": array for place, each in enumerate(statistics) for name, array in _named(each)}


def _named(statistics: GateStatistics) -> Iterator[tuple[str, np.ndarray]]:
    for field in fields(statistics):
        value = getattr(statistics, field.name)
        if isinstance(value, GateSite):
            yield field.name, np.array(json.dumps(asdict(value)))
        elif isinstance(value, Moments | Covariance):
            yield from ((f"{field.name}.{part.name}", np.asarray(getattr(value, part.name))) for part in fields(value))
        elif value is not None:
            yield field.name, np.asarray(value)


def from_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[GateStatistics, ...]:
    """What `to_arrays` named; an open NpzFile will do.

    Raises:
        ValueError: an array is missing, or has another name; or a site has other fields.
    """
    try:
        places = sorted({int(name.partition(".")[0]) for name in arrays})
        return tuple(_gate(arrays, f"{place}.") for place in places)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"these are not the statistics of gates as this version of sevis stores them: {error.args[0]}; scan again"
        ) from error


def _gate(arrays: Mapping[str, np.ndarray], start: str) -> GateStatistics:
    def array(name: str) -> np.ndarray:
        return arrays[start + name]

    def number(name: str) -> int:
        return int(array(name))

    def moments(name: str) -> Moments:
        return Moments(*(array(f"{name}.{part.name}") for part in fields(Moments)))

    return GateStatistics(
        site=_site(str(array("site"))),
        classes=number("classes"),
        pictures=number("pictures"),
        not_finite=number("not_finite"),
        labels=array("labels"),
        weights=moments("weights"),
        low=array("low"),
        high=array("high"),
        histogram=array("histogram"),
        directed=number("directed"),
        direction=array("direction"),
        squeeze=moments("squeeze"),
        squeeze_zeros=array("squeeze_zeros"),
        hidden=moments("hidden") if f"{start}hidden.mean" in arrays else None,
        hidden_low=array("hidden_low"),
        hidden_high=array("hidden_high"),
        logits=Covariance(*(array(f"logits.{part.name}") for part in fields(Covariance))),
        entropy=array("entropy"),
        excess=float(array("excess")),
    )


def _site(text: str) -> GateSite:
    stored = json.loads(text)
    return GateSite(**{**stored, "branches": tuple(stored["branches"])})
