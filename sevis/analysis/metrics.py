"""METRICS: from what a gate did with many pictures to one number each, with its source.

M1 to M12 look at any gate or at channel gates, B1 to B6 at branches; a word behind an id is another side of the same metric. The
formulas are in spread, saturation, bottleneck and branches. B5, how the large kernel's share grows with the object, takes a sweep of
zooms: it stands in SWEPT. The other half of B6, that a picture's gate is the same alone as in a batch, takes two passes and is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from sevis.analysis import bottleneck, branches, saturation, spread
from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.zoom import GateSweep
from sevis.records import GateSite, Kind

__all__ = ["METRICS", "SWEPT", "Metric", "measured"]


class Seen(Protocol):
    """What a metric is measured on: one gate over so many pictures."""

    @property
    def site(self) -> GateSite: ...
    @property
    def pictures(self) -> int: ...


Of = TypeVar("Of", bound=Seen)


@dataclass(frozen=True)
class Metric(Generic[Of]):
    """One number of a gate.

    Attributes:
        name: what it is called on a table.
        kinds: the gates that it is of.
        formula: its value; None where it does not apply. It may assume a gate of these kinds and as many pictures.
        unit: of the value.
        source: the paper or practice that it comes from.
        pictures: how many it takes at least.
    """

    id: str
    name: str
    kinds: tuple[Kind, ...]
    formula: Callable[[Of], float | None]
    unit: str
    source: str
    pictures: int = 1

    def measure(self, statistics: Of) -> float | None:
        """The value; None for another kind of gate, for too few pictures, or where the metric does not apply."""
        applies = statistics.site.kind in self.kinds and statistics.pictures >= self.pictures
        return self.formula(statistics) if applies else None


ANY: tuple[Kind, ...] = ("channel", "branch")
SE: tuple[Kind, ...] = ("channel",)
SK: tuple[Kind, ...] = ("branch",)
HU = "Hu et al. 2018, Squeeze-and-Excitation Networks, section 7.2"
KELLEY = "Kelley 1935, An unbiased correlation ratio measure"
GOYAL = "Goyal et al. 2017, Accurate, Large Minibatch SGD, section 5.1 (a last batch norm that starts at 0)"
FEDUS = "Fedus et al. 2022, Switch Transformers, section 2.2 (load balancing)"
LI = "Li et al. 2019, Selective Kernel Networks, figure 3"

_ENTRIES: tuple[Metric[GateStatistics], ...] = (
    Metric("M1", "spread between images", ANY, spread.between_pictures, "weight", f"{HU} (spread over instances)", 2),
    Metric("M2", "spread between channels", ANY, spread.between_channels, "weight", f"{HU} (mean by channel)"),
    Metric("M3", "open", SE, saturation.opened, "share of weights", f"{HU} (SE_5_2: most weights are close to one)"),
    Metric("M3_closed", "closed", SE, saturation.closed, "share of weights", f"{HU} (the other end)"),
    Metric("M4", "stuck at half", SE, saturation.at_half, "share of weights", "hujie-frank/SENet, issue 78 (all weights 0.5)"),
    Metric("M5", "slope of the gate", ANY, saturation.slope, "weight a logit", "derivative of the nonlinearity"),
    Metric("M6", "dead bottleneck", ANY, bottleneck.dead, "share of units", "Lu et al. 2020, Dying ReLU and Initialization"),
    Metric(
        "M7",
        "dormant bottleneck",
        ANY,
        bottleneck.dormant,
        "share of units",
        "Sokar et al. 2023, The Dormant Neuron Phenomenon in Deep Reinforcement Learning, definition 3.1",
    ),
    Metric(
        "M8",
        "effective rank of the logits",
        ANY,
        bottleneck.effective_rank,
        "share of the bottleneck's width",
        "Roy and Vetterli 2007, The effective rank; Garrido et al. 2023, RankMe",
        2,
    ),
    Metric(
        "M9",
        "dimensions of the logits",
        ANY,
        bottleneck.dimensions,
        "share of the bottleneck's width",
        "Richter et al. 2021, Feature Space Saturation during Training (delve)",
        2,
    ),
    Metric("M10", "images alike", ANY, spread.alike, "correlation", f"{HU} (SE_5_3: one pattern up to a modest change in scale)", 2),
    Metric("M11", "class share", ANY, spread.class_share, "share of variance", f"{HU} (class by class); eta squared, Fisher 1925", 2),
    Metric("M11_null", "class share of shuffled labels", ANY, spread.class_null, "share of variance", KELLEY, 2),
    Metric("M12", "spread of the squeeze", ANY, spread.squeeze_spread, "squeeze", GOYAL, 2),
    Metric("M12_zeros", "zeros in the squeeze", ANY, spread.squeeze_zeros, "share of values", GOYAL),
    Metric(
        "B1", "entropy of the branches", SK, branches.entropy, "share of log M", "Shazeer et al. 2017, Outrageously Large Neural Networks"
    ),
    Metric("B2", "least used branch", SK, branches.least_usage, "times an even share", FEDUS),
    Metric("B2_entropy", "entropy of the usage", SK, branches.usage_entropy, "share of log M", FEDUS),
    Metric(
        "B2_variation",
        "variation of the usage",
        SK,
        branches.usage_variation,
        "std over mean",
        "Shazeer et al. 2017, Outrageously Large Neural Networks, eq. 6",
    ),
    Metric(
        "B3",
        "information in the image",
        SK,
        branches.information,
        "share of log M",
        "Lin 1991, Divergence Measures Based on the Shannon Entropy, eq. 5.1 (mutual information of image and branch)",
        2,
    ),
    Metric(
        "B4",
        "spread between images",
        SK,
        spread.between_pictures,
        "share of a branch",
        "Li et al. 2019, Selective Kernel Networks, section 4.4",
        2,
    ),
    Metric("B4_share", "variance between images", SK, branches.images_share, "share of variance", "law of total variance", 2),
    Metric("B6", "branches off 1", SK, branches.excess, "share of a branch", "Li et al. 2019, eq. 5 (a softmax over the branches)"),
)

METRICS: dict[str, Metric[GateStatistics]] = {metric.id: metric for metric in _ENTRIES}


def _slope(name: str, gate: GateSweep) -> float:
    return gate.slope[name].mean


# Expected above 0 in stages 2 and 3 only (Li et al. 2019, section 4.4): late features hold an object's size already.
SWEPT: dict[str, Metric[GateSweep]] = {
    metric.id: metric
    for metric in (
        Metric("B5", "scale slope", SK, partial(_slope, "zoom"), "share a unit of zoom", LI),
        Metric("B5_blur", "scale slope of the blur", SK, partial(_slope, "blur"), "share a unit of zoom", f"control of {LI}"),
        Metric("B5_size", "scale slope less the blur's", SK, partial(_slope, "size"), "share a unit of zoom", f"{LI}, less its control"),
    )
}


def measured(statistics: GateStatistics) -> dict[str, float | None]:
    """Every metric of one gate by its id; None where it does not apply."""
    return {name: metric.measure(statistics) for name, metric in METRICS.items()}
