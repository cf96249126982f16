"""What the doctor found, in words: of a whole network for who has a deadline, and of each figure that is evidence for one gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from sevis.analysis.ablation import Ablated, Ablation
from sevis.analysis.bottleneck import dead, effective_rank, width
from sevis.analysis.branches import usage
from sevis.analysis.doctor import Diagnosis
from sevis.analysis.findings import VERDICTS, Finding
from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.thresholds import load_thresholds
from sevis.words import amount, counted, decimal, listed, percent, signed, span, start

__all__ = [
    "ablation_bars_sentence",
    "doctor_sentence",
    "finding_sentence",
    "gate_branches_sentence",
    "gate_histogram_sentence",
    "gate_spectrum_sentence",
    "gate_spread_sentence",
    "gate_units_sentence",
    "verdicts_sentence",
]

NAMED = 4  # gates


def doctor_sentence(diagnoses: Sequence[Diagnosis], pictures: int, ablated: Sequence[Ablated] = ()) -> str:
    """Whether the network is healthy, and what that rests on.

    Args:
        pictures: how many were read.
    """
    return f"{_state(diagnoses, pictures)} {_basis(pictures, ablated)}"


def _state(diagnoses: Sequence[Diagnosis], pictures: int) -> str:
    count, ill = len(diagnoses), [f"{each.site.name} ({each.verdict})" for each in diagnoses if each.alarms]
    unclear = sum(each.verdict == "inconclusive" for each in diagnoses)
    least = int(load_thresholds()["pictures.least"])
    if ill:
        named = listed([*ill[:NAMED], f"{len(ill) - NAMED} more"] if len(ill) > NAMED else ill)
        return f"Needs attention: {counted(len(ill), 'gate', count)}, {named}."
    if pictures < least:
        few = "one picture can never prove" if pictures == 1 else f"{counted(pictures, 'picture')} cannot prove"
        return f"Inconclusive: {few} that a gate has collapsed; scan {least} or more."
    if unclear:
        return f"No alarm, but {counted(unclear, 'gate', count)} {'is' if unclear == 1 else 'are'} inconclusive."
    return f"Healthy: none of {counted(count, 'gate')} needs attention."


def _basis(pictures: int, ablated: Sequence[Ablated]) -> str:
    on = f", with ablations on {ablated[0].pictures:,}" if ablated else " alone, without ablations: what a gate is worth is not known"
    return f"Judged by statistics over {pictures:,} {'picture' if pictures == 1 else 'pictures'}{on}."


def verdicts_sentence(diagnoses: Sequence[Diagnosis], selected: int | None = None) -> str:
    """How many gates have which verdict, and what each verdict means."""
    counts = Counter(each.verdict for each in diagnoses)
    found = [f"{counts[verdict]} {verdict} ({meaning})" for verdict, meaning in VERDICTS.items() if counts[verdict]]
    return f"Of {counted(len(diagnoses), 'gate')}, {'; '.join(found)}."


def finding_sentence(finding: Finding) -> str:
    """The number of a finding beside its threshold; "" where the rule is no matter of a number."""
    if finding.number is None:
        return ""
    limit = "" if finding.threshold is None else f", threshold {_exact(finding.threshold)}"
    return f"measured {_exact(finding.number)}{limit}"


def _exact(value: float) -> str:
    """With two significant digits; very small ones as a power of ten."""
    if value == int(value):
        return f"{value:,.0f}"
    return amount(value) if abs(value) >= 1e-4 else f"{value:.1e}"


def gate_histogram_sentence(statistics: GateStatistics) -> str:
    """Between which values the weights lie, and where on average."""
    site, last = statistics.site, (statistics.low[-1].min(), statistics.high[-1].max())
    number = f"share of {site.branches[-1]}" if site.kind == "branch" else "weight"
    mean = decimal(float(statistics.overall.mean[-1].mean()))
    return f"In {site.name} the {number} is {mean} on average over all channels and pictures ({span(np.array(last))})."


def gate_spread_sentence(statistics: GateStatistics) -> str:
    """How many channels answer to the picture, and which does most."""
    limits = load_thresholds()
    spreads = statistics.overall.spread.mean(axis=0)
    alive, most = int((spreads >= limits["M1.alive"]).sum()), int(spreads.argmax())
    return (
        f"{start(counted(alive, 'channel', len(spreads)))} of {statistics.site.name} {'varies' if alive == 1 else 'vary'} by"
        f" {amount(limits['M1.alive'])} or more between pictures; channel {most} varies most, by {amount(float(spreads[most]))}."
    )


def gate_units_sentence(statistics: GateStatistics) -> str:
    """How many units of the bottleneck ever fire."""
    name, count = statistics.site.name, len(statistics.hidden_high)
    if not count:
        return f"The bottleneck of {name} has no unit at all, so that its weights are the same for every picture."
    if dead(statistics) is None:
        return f"The bottleneck of {name} has {counted(count, 'unit')}; its activation is no ReLU, so none of them can be dead."
    fires = int((statistics.hidden_high > 0).sum())
    return f"{start(counted(fires, 'unit', count))} of the bottleneck of {name} {'fires' if fires == 1 else 'fire'} on some picture."


def gate_spectrum_sentence(statistics: GateStatistics) -> str:
    """How many directions the logits use of those there are."""
    rank, most = effective_rank(statistics) or 0.0, width(statistics)
    values = statistics.logits.singular_values
    first = float(np.square(values[0]) / np.square(values).sum())
    return (
        f"The logits of {statistics.site.name} spread over about {decimal(rank * most, 1)} of {counted(most, 'direction')};"
        f" the first holds {percent(first)} of their variance."
    )


def gate_branches_sentence(statistics: GateStatistics) -> str:
    """Which branch is used most and which least."""
    shares, names = usage(statistics), statistics.site.branches
    most, least = (f"{names[place]} ({percent(float(shares[place]))})" for place in (int(shares.argmax()), int(shares.argmin())))
    return f"{statistics.site.name} uses {most} most on average over pictures and channels, and {least} least."


# ablation -> how a sentence says it
WITH = {"open": "all weights at 1", "mean": "the mean weights", "images": "another picture's weights", "channels": "its weights shuffled"}


def ablation_bars_sentence(name: str, ablated: Ablated) -> str:
    """Which ablation moves the answers most, and which ones leave them as they are."""
    limit = load_thresholds()["A1.harmless"]
    most = max(ablated.effects, key=lambda each: ablated.effects[each].divergence.mean)
    harmless = [WITH[each] for each, effects in ablated.effects.items() if _harm(effects) < limit]
    same = f"; with {listed(harmless)} they stay as they are" if harmless else "; no ablation leaves them as they are"
    return (
        f"The answers move most with {WITH[most]} in {name}: the loss changes by {signed(ablated.effects[most].loss.mean)}"
        f" and {percent(ablated.effects[most].flips.mean)} of the pictures change their class{same}."
    )


def _harm(effects: Ablation) -> float:
    return effects.divergence.mean + 2 * effects.divergence.error
