"""What a gate is worth: the effect of ablating it on the network's answers, as numbers that can be stored with a scan.

`sevis.ablations` measures them; the doctor reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from sevis.aside import aside

__all__ = ["ABLATIONS", "FILE", "FRESH", "Ablated", "Ablation", "Effect", "compared", "read_ablations", "write_ablations"]

FILE = "ablations.json"  # of a run folder
FORMAT = 1
FRESH = ("M1", "M2", "M8", "M11")  # the metrics in which a network is compared with a twin that has fresh weights

# name: what becomes of the weights of one gate, the others being left alone
ABLATIONS: dict[str, str] = {
    "open": "every weight at 1; of a selection, all branches alike",
    "mean": "every weight at its mean over the pictures",
    "images": "the weights of another picture",
    "channels": "the weights dealt out anew among the channels",
}


@dataclass(frozen=True)
class Effect:
    """A mean over pictures and its standard error."""

    mean: float
    error: float


@dataclass(frozen=True)
class Ablation:
    """What one ablation of one gate does to a network's answers.

    Attributes:
        loss: change of the cross-entropy, in nats.
        accuracy: change of the share of right answers; of the agreement with the network's own, where there are no labels.
        divergence: KL(p, p') from the answer p to the answer p' of the ablated network, in nats.
        flips: share of the pictures whose most probable class is another one.
    """

    loss: Effect
    accuracy: Effect
    divergence: Effect
    flips: Effect


@dataclass(frozen=True)
class Ablated:
    """The ablations of one gate.

    Attributes:
        path, depth: of its site.
        effects: one a name of ABLATIONS; empty where the gate cannot be edited.
        leak: how far a picture's weights alone lie from its weights in a batch, at most (0 in a sound network in eval mode).
        pictures: how many they were measured on.
        labelled: on how many of them the right class was known; of the others the network's own answer counts as right.
        fresh: metrics of the same gate in a twin with fresh weights, on the same pictures; empty where no twin was at hand.
    """

    path: str
    depth: int
    effects: Mapping[str, Ablation]
    leak: float
    pictures: int
    labelled: int
    fresh: Mapping[str, float | None] = field(default_factory=dict)


def compared(before: np.ndarray, after: np.ndarray, targets: np.ndarray) -> Ablation:
    """The change from logits (N, K) to the logits of an ablated network, for the right classes (N,)."""
    own, other = _log_softmax(before), _log_softmax(after)
    rows, first, then = np.arange(len(targets)), before.argmax(axis=1), after.argmax(axis=1)
    return Ablation(
        loss=_effect(own[rows, targets] - other[rows, targets]),
        accuracy=_effect((then == targets).astype(float) - (first == targets)),
        divergence=_effect((np.exp(own) * (own - other)).sum(axis=1)),
        flips=_effect((first != then).astype(float)),
    )


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _effect(values: np.ndarray) -> Effect:
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Effect(float(values.mean()), float(error))


def write_ablations(folder: Path, ablated: Sequence[Ablated]) -> None:
    """Keep the ablations in a run's folder; those that are there already are replaced as a whole."""
    with aside(folder / FILE) as path:
        path.write_text(json.dumps({"format": FORMAT, "gates": [asdict(each) for each in ablated]}, indent=1), encoding="utf-8")


def read_ablations(folder: Path) -> tuple[Ablated, ...]:
    """The ablations that a run's folder keeps, in order of depth; none where it keeps none.

    Raises:
        ValueError: the file is not one of ours, or of another version.
    """
    file = folder / FILE
    if not file.exists():
        return ()
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']!r}, expected {FORMAT}")
        return tuple(_ablated(each) for each in kept["gates"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} cannot be read ({error}); delete it, and measure the ablations anew") from error


def _ablated(kept: dict[str, object]) -> Ablated:
    effects = kept.pop("effects")
    if not isinstance(effects, dict) or not effects.keys() <= ABLATIONS.keys():
        raise ValueError(f"ablations {effects!r}, expected {', '.join(ABLATIONS)}")
    return Ablated(effects={name: _ablation(values) for name, values in effects.items()}, **kept)  # type: ignore[arg-type]


def _ablation(kept: Mapping[str, Mapping[str, float]]) -> Ablation:
    return Ablation(**{name: Effect(**effect) for name, effect in kept.items()})
