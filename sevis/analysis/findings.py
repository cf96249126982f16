"""What a rule of the doctor is: it reads the evidence of one gate and gives at most one finding; sevis.analysis.rules lists them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sevis.analysis.ablation import Ablation
from sevis.analysis.thresholds import Thresholds
from sevis.records import GateSite

__all__ = ["VERDICTS", "Evidence", "Finding", "Rule", "Verdict", "metric", "never"]

Verdict = Literal[
    "no input",
    "untrained",
    "dead bottleneck",
    "identity",
    "static",
    "dynamic",
    "saturated",
    "branch collapse",
    "wrong axis",
    "inconclusive",
]

VERDICTS: dict[Verdict, str] = {
    "no input": "the gate sees the same in every picture, mostly zeros: the fault lies before it",
    "untrained": "the weights are those of a fresh initialisation",
    "dead bottleneck": "no unit of the bottleneck ever fires, so that every picture gets the same weights",
    "identity": "removable: the answers stay as they are without it",
    "static": "foldable: the weights are the same for every picture, and can be multiplied into the convolution before them",
    "dynamic": "working: the answers depend on each picture having its own weights",
    "saturated": "the weights lie at an end of the nonlinearity, where nothing is learned any more",
    "branch collapse": "a branch is hardly ever chosen",
    "wrong axis": "the weights are not normalised over the branches, or pictures of a batch see each other",
    "inconclusive": "the evidence decides nothing",
}


@dataclass(frozen=True)
class Finding:
    """What one rule says of one gate.

    Attributes:
        rule: of RULES.
        number: what was measured; None where the rule is no matter of a number.
        threshold: what it was compared with.
        cause: what it comes from, most likely.
        remedy: what to try.
        alarm: whether something is wrong; a note otherwise.
    """

    rule: str
    site: GateSite
    verdict: Verdict
    number: float | None
    threshold: float | None
    cause: str
    remedy: str
    alarm: bool = True


@dataclass(frozen=True)
class Evidence:
    """What is known of one gate.

    Attributes:
        metrics: by the ids of METRICS; None or missing where unknown. "finite" is the share of the pictures with finite numbers.
        ablations: by the names of ABLATIONS; empty where none were made.
        pictures: how many the metrics were measured on.
        last_stage: whether the gate is of the network's last stage.
        limits: the thresholds.
        untrained: how the whole network was found to be untrained; "" where it is not.
    """

    site: GateSite
    metrics: Mapping[str, float | None]
    ablations: Mapping[str, Ablation]
    pictures: int
    last_stage: bool
    limits: Thresholds
    untrained: str = ""

    @cached_property
    def spread(self) -> str:
        """The metric of how much the weights vary between images: of a channel gate, or of a selection."""
        return "M1" if self.site.kind == "channel" else "B4"

    def harm(self, name: str) -> float | None:
        """KL(p, p') of an ablation, in nats, with twice its standard error: it is hardly more; None where it was not made."""
        made = self.ablations.get(name)
        return None if made is None else made.divergence.mean + 2 * made.divergence.error

    def is_harmless(self, name: str) -> bool | None:
        """Whether an ablation leaves the answers as they are; None where it was not made."""
        harm = self.harm(name)
        return None if harm is None else harm < self.limits["A1.harmless"]

    @cached_property
    def worth(self) -> Verdict | None:
        """What the ablations say: identity, static or dynamic; None without them."""
        if not self.ablations:
            return None
        return "identity" if self.is_harmless("open") else "static" if self.is_harmless("images") else "dynamic"

    def exceeds(self, metric: str, limit: str) -> bool:
        """Whether a metric is known and above a threshold."""
        value = self.metrics.get(metric)
        return value is not None and value > self.limits[limit]


Number = Callable[[Evidence], float | None]
Side = Literal["at least", "at most", "more than", "less than"]
SIDES: dict[Side, Callable[[float, float], bool]] = {
    "at least": operator.ge,
    "at most": operator.le,
    "more than": operator.gt,
    "less than": operator.lt,
}
Test = Callable[[Evidence], bool]


def _always(_: Evidence) -> bool:
    return True


def never(_: Evidence) -> bool:
    """For what is worth knowing and never wrong."""
    return False


def metric(name: str) -> Number:
    """One of METRICS as a rule's number."""
    return lambda e: e.metrics.get(name)


@dataclass(frozen=True)
class Rule:
    """When a number of a gate is worth saying.

    Attributes:
        id: the metric or ablation, and what it finds.
        verdict: what the gate is then; None: whatever the ablations say of it.
        number: what is measured; None where the rule does not apply.
        side: on which side of the threshold the finding lies.
        limit: the threshold it is compared with; "" where there is none, and `when` decides.
        cause, remedy: as in Finding; {warning} stands for what the site's own proof said, {untrained} for how that was found.
        when: what else must hold.
        alarm: whether it is wrong rather than worth knowing.
    """

    id: str
    verdict: Verdict | None
    number: Number
    side: Side
    limit: str
    cause: str
    remedy: str
    when: Test = field(default=_always)
    alarm: Test = field(default=_always)

    def finding(self, evidence: Evidence) -> Finding | None:
        """What the rule says of a gate; None where it says nothing."""
        number, threshold = self.number(evidence), evidence.limits[self.limit] if self.limit else None
        if threshold is not None and (number is None or not SIDES[self.side](number, threshold)):
            return None
        if not self.when(evidence):
            return None
        verdict = self.verdict or evidence.worth or "inconclusive"
        cause = self.cause.format(warning=evidence.site.warning, untrained=evidence.untrained)
        return Finding(self.id, evidence.site, verdict, number, threshold, cause, self.remedy, self.alarm(evidence))
