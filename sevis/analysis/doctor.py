"""The doctor: what is wrong with a gate, from its metrics over many pictures and from what its ablations did.

    for diagnosis in examine(run.statistics, read_ablations(run.folder)):
        print(diagnosis.site.name, diagnosis.verdict, diagnosis.findings[0].cause)

NumPy in, findings out. The order of the verdicts: what cannot be trusted at all (wrong axis, too few pictures, no input, untrained, dead
bottleneck) ends the examination; then come the kinds of fault, then what the ablations say the gate is worth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sevis.analysis.ablation import FRESH, Ablated, Ablation
from sevis.analysis.findings import VERDICTS, Evidence, Finding, Rule, Verdict
from sevis.analysis.metrics import measured
from sevis.analysis.rules import KINDS, PROOFS, RULES, STOPS, WORTHS
from sevis.analysis.statistics import GateStatistics
from sevis.analysis.thresholds import Thresholds, load_thresholds
from sevis.records import GateSite

__all__ = ["RULES", "VERDICTS", "Diagnosis", "Finding", "Verdict", "diagnose", "examine", "untrained"]

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Diagnosis:
    """All that was found in one gate.

    Attributes:
        findings: the verdict's first; one at least.
        metrics: what they rest on.
    """

    site: GateSite
    findings: tuple[Finding, ...]
    metrics: Metrics

    @property
    def verdict(self) -> Verdict:
        return self.findings[0].verdict

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """What is wrong; the other findings are notes."""
        return tuple(finding for finding in self.findings if finding.alarm)


def diagnose(
    site: GateSite,
    metrics: Metrics,
    ablations: Mapping[str, Ablation] | None,
    pictures: int,
    last_stage: bool,
    thresholds: Thresholds | None = None,
    *,
    untrained: str = "",
) -> tuple[Finding, ...]:
    """What is found in one gate, the verdict's finding first: alarms, then what the gate is worth, then notes.

    Args:
        metrics: by the ids of METRICS; None or missing where unknown.
        ablations: by the names of ABLATIONS; None or empty where none were made, and then some gates stay inconclusive.
        pictures: how many the metrics were measured on.
        last_stage: whether the gate is of the network's last stage, which is often open in good networks.
        thresholds: as load_thresholds gives them; None: ours.
        untrained: how the whole network was found to be untrained; "" where it is not.
    """
    limits = load_thresholds() if thresholds is None else thresholds
    evidence = Evidence(site, metrics, ablations or {}, pictures, last_stage, limits, untrained)
    proofs, stops = _found(PROOFS, evidence), _found(STOPS, evidence)[:1]
    alarms, notes = _sorted([*stops, *proofs] if stops else [*proofs, *_found(KINDS, evidence)])
    if stops:
        return (*alarms, *notes)
    worth = _found(WORTHS, evidence)[:1] if ablations or not alarms else []  # beside a fault, a spread alone says nothing
    return (*alarms, *worth, *notes)


def _found(rules: Sequence[Rule], evidence: Evidence) -> list[Finding]:
    return [finding for rule in rules if (finding := rule.finding(evidence)) is not None]


def _sorted(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Alarms and notes, each in the order of the rules."""
    return [each for each in findings if each.alarm], [each for each in findings if not each.alarm]


def examine(
    statistics: Sequence[GateStatistics],
    ablated: Sequence[Ablated] = (),
    thresholds: Thresholds | None = None,
    *,
    trained: bool = False,
) -> tuple[Diagnosis, ...]:
    """The diagnosis of every gate of a network, in order of depth.

    Args:
        trained: whether the network is known to have learned something, as by its answers; where there is a twin, that decides.
        ablated: what sevis.ablations measured, one a gate; () where nothing was ablated.

    Raises:
        ValueError: the ablations are of another network.
    """
    if ablated and [each.path for each in ablated] != [each.site.path for each in statistics]:
        raise ValueError(
            f"the ablations are of {len(ablated)} gates, {ablated[0].path} first, which are not those scanned; measure them anew"
        )
    limits = load_thresholds() if thresholds is None else thresholds
    metrics = [_metrics(each) for each in statistics]
    sites, last = [each.site for each in statistics], max((each.site.stage for each in statistics), default=0)
    how = untrained(sites, metrics, [each.fresh for each in ablated], limits, trained=trained)
    return tuple(
        Diagnosis(each.site, diagnose(each.site, values, effects, each.pictures, each.site.stage == last, limits, untrained=how), values)
        for each, values, effects in zip(statistics, _with_leaks(metrics, ablated, limits), _effects(statistics, ablated), strict=True)
    )


def _effects(statistics: Sequence[GateStatistics], ablated: Sequence[Ablated]) -> list[Mapping[str, Ablation]]:
    return [each.effects for each in ablated] or [{} for _ in statistics]


def _with_leaks(metrics: Sequence[Metrics], ablated: Sequence[Ablated], limits: Thresholds) -> list[Metrics]:
    """The metrics, with what the other pictures of a batch do to a gate in B6: its second half, which takes two passes.

    Gates behind the first that sees other pictures see them too, without any fault of theirs.
    """
    leaks = [each.leak for each in ablated] or [0.0] * len(metrics)
    first = next((depth for depth, leak in enumerate(leaks) if leak >= limits["B6.off"]), len(leaks))
    return [
        {**values, "B6": max(values.get("B6") or 0.0, leak)} if ablated and depth <= first else values
        for depth, (values, leak) in enumerate(zip(metrics, leaks, strict=True))
    ]


def _metrics(statistics: GateStatistics) -> dict[str, float | None]:
    seen = statistics.pictures + statistics.not_finite
    units = None if statistics.hidden is None else float(len(statistics.hidden_high))
    return measured(statistics) | {"not_finite": statistics.not_finite / max(seen, 1), "units": units}


def untrained(
    sites: Sequence[GateSite], metrics: Sequence[Metrics], twin: Sequence[Metrics], limits: Thresholds, *, trained: bool = False
) -> str:
    """How a network is found to be untrained, as a sentence; "" where it is not, or where nothing tells.

    One gate may look fresh by accident or by weight decay; only all of them together are taken for it, and thresholds only where there is
    no twin: weight decay may empty all gates further than any initialisation does.
    """
    if twin and all(twin):
        alike = "Taken over all gates, the weights spread over images, channels and classes as those of a twin with fresh weights do."
        return alike if _is_like(metrics, twin, limits) else ""
    if sites and not trained and all(_is_fresh(site, own, limits) for site, own in zip(sites, metrics, strict=True)):
        return "In every gate all weights are alike and hardly vary with the picture, as after initialisation (told by thresholds)."
    return ""


def _is_like(metrics: Sequence[Metrics], twin: Sequence[Metrics], limits: Thresholds) -> bool:
    """Whether every metric of FRESH, as a geometric mean over the gates, is the twin's but for a factor; one initialisation differs
    from another by up to three in a single gate."""
    means = [_mean_ratio(name, metrics, twin, limits["untrained.floor"]) for name in FRESH]
    return all(mean is None or abs(mean) <= math.log(limits["untrained.twin"]) for mean in means)


def _mean_ratio(name: str, metrics: Sequence[Metrics], twin: Sequence[Metrics], floor: float) -> float | None:
    """The logarithm of a metric over the twin's, averaged over the gates where both are known; None where there is none."""
    pairs = [(own.get(name), fresh.get(name)) for own, fresh in zip(metrics, twin, strict=True)]
    ratios = [math.log(max(own, floor) / max(fresh, floor)) for own, fresh in pairs if own is not None and fresh is not None]
    return sum(ratios) / len(ratios) if ratios else None


def _is_fresh(site: GateSite, own: Metrics, limits: Thresholds) -> bool:
    """Whether a gate's weights all lie near one half, or one share, in every picture."""
    spread, half = own.get(_spread(site)), own.get("M4" if site.kind == "channel" else "B1")
    return spread is not None and half is not None and spread < limits["untrained.spread"] and half > limits["untrained.half"]


def _spread(site: GateSite) -> str:
    """The metric of how much a gate's weights vary between images."""
    return "M1" if site.kind == "channel" else "B4"
