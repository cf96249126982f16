"""What a network answers with its own weights, with each gate at its mean and with every gate at 1, in words."""

from __future__ import annotations

from collections.abc import Sequence

from sevis.records import Inspection, Prediction
from sevis.words import listed, percent

__all__ = ["answers_sentence"]

# whether the mean, where it is known, and 1 leave the answer as it is -> what that says of this picture
MEANINGS: dict[tuple[bool | None, bool], str] = {
    (True, True): "For this picture a constant, and even no gate at all, leads to the same answer.",
    (True, False): "The network counts on its weights, but for this picture their means, which are constants, lead to the same answer.",
    (False, False): "Neither constant leads to the answer: here it rests on the weights that the gates computed from this very picture.",
    (False, True): "Here the means lead to another answer, while no gate at all leads to the same.",
    (None, True): "For this picture no gate at all leads to the same answer.",
    (None, False): "The network counts on its weights: without them it gives another answer.",
}


def answers_sentence(told: Sequence[tuple[str, Inspection]]) -> str:
    """What comes first each time, and what that means; the first of the answers is the network as it is, the last with every gate at 1."""
    own, *others = (_first(inspection) for _, inspection in told)
    kept = [each.label == own.label for each in others]
    said = listed([f"{_named(each)} with {name}" for (name, _), each in zip(told[1:], others, strict=True)])
    meaning = MEANINGS[kept[0] if len(kept) > 1 else None, kept[-1]]
    return f"The network says {_named(own)} as it is, {said}. {meaning}"


def _first(inspection: Inspection) -> Prediction:
    """What comes first; of a detector that is sure of nothing, its best guess."""
    return inspection.predictions[0] if inspection.predictions else inspection.target


def _named(prediction: Prediction) -> str:
    return f"{prediction.label} ({percent(prediction.probability)})"
