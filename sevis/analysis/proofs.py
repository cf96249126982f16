"""What statistics cannot show of a gate and an experiment can: one row a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sevis.analysis.ablation import Ablated
from sevis.analysis.doctor import Diagnosis
from sevis.analysis.thresholds import load_thresholds

__all__ = ["Proof", "proofs"]


@dataclass(frozen=True)
class Proof:
    """What the experiments with one gate came to.

    Attributes:
        block: its name.
        multiplies: whether its output is its input times its weights, as the tool checked once.
        alone: whether a picture gets the same weights alone as in a batch.
        without: KL(p, p') in nats when every weight is 1, or all branches alike; None where that was not tried.
        exchanged: the same when every picture gets another one's weights.
        classes: how many times as much of the variance of its weights lies between classes as with shuffled labels; None where unknown.
    """

    block: str
    multiplies: bool
    alone: bool
    without: float | None
    exchanged: float | None
    classes: float | None


def proofs(diagnoses: Sequence[Diagnosis], ablated: Sequence[Ablated]) -> tuple[Proof, ...]:
    """The proofs of every gate of a network, in order of depth."""
    return tuple(_proof(each, effects) for each, effects in zip(diagnoses, ablated, strict=True))


def _proof(diagnosis: Diagnosis, ablated: Ablated) -> Proof:
    known, shuffled = (diagnosis.metrics.get(name) for name in ("M11", "M11_null"))
    without, exchanged = (ablated.effects[name].divergence.mean if name in ablated.effects else None for name in ("open", "images"))
    return Proof(
        diagnosis.site.name,
        not diagnosis.site.warning,
        ablated.leak < load_thresholds()["B6.off"],
        without,
        exchanged,
        known / shuffled if known is not None and shuffled else None,
    )
