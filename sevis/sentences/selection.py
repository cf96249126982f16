"""How a softmax shares one channel out among the branches, with the numbers of one picture, as LaTeX."""

from __future__ import annotations

from string import ascii_lowercase

from sevis.records import Inspection

__all__ = ["selection_formula"]


def selection_formula(inspection: Inspection, depth: int, channel: int) -> str:
    """Li et al. 2019, equation 5: one line a branch, in the paper's letters, with the logits and shares of this picture."""
    record = inspection.gates[depth]
    powers = [f"e^{{{logit:.2f}}}" for logit in record.logits[0, :, channel].tolist()]
    shares = record.weights[0, :, channel].tolist()
    below = " + ".join(powers)
    told = zip(ascii_lowercase, powers, shares, strict=False)
    parts = [rf"{letter}_{{{channel}}} = \frac{{{power}}}{{{below}}} = {share:.2f}" for letter, power, share in told]
    return r", \qquad ".join(parts)
