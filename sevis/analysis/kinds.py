"""KINDS: the faults of a gate that has an input and a living bottleneck; each that holds is said, in this order."""

from __future__ import annotations

from sevis.analysis.findings import Evidence, Number, Rule, metric, never

__all__ = ["KINDS", "PAPER_LAST"]


def _of_channels(name: str) -> Number:
    """A metric of channel gates alone, though selections have it too."""
    return lambda e: e.metrics.get(name) if e.site.kind == "channel" else None


def _lacks_dynamics(e: Evidence) -> bool:
    """No ablation shows that the pictures' own weights matter."""
    return e.worth != "dynamic"


def _is_constant(e: Evidence) -> bool:
    """Whether every picture gets the same weights: the ablations say so, or there are none and hardly any spread."""
    exact = e.metrics.get(e.spread)
    return e.worth == "static" or (e.worth is None and exact is not None and exact < e.limits[f"{e.spread}.exact"])


def _early_or_middle(e: Evidence) -> bool:
    return not e.last_stage


def _varies(e: Evidence) -> bool:
    """The weights vary between images, without which their rank and their classes mean nothing."""
    return e.exceeds(e.spread, f"{e.spread}.constant")


def _over_null(e: Evidence) -> float | None:
    """The class share, times that of shuffled labels."""
    share, null = e.metrics.get("M11"), e.metrics.get("M11_null")
    return None if share is None or not null else share / null


def _worst_harm(e: Evidence) -> float | None:
    """The most that any ablation does."""
    return max((made.divergence.mean for made in e.ablations.values()), default=None)


PAPER_LAST = "In the last stage of a good network that is normal (Hu et al. 2018, section 7.2: SE_5_2 is close to the identity)."

KINDS: tuple[Rule, ...] = (
    Rule(
        "A1 ignored",
        "identity",
        _worst_harm,
        "at most",
        "A1.ignored",
        "Nothing that is done to the weights reaches the output: what goes on is the map before the gate, or its branch ends in zeros.",
        "Return what the gate gives (x = se(x), not se(x)), and look for a factor of 0 after it.",
        when=lambda e: _varies(e) or (e.site.kind == "channel" and not e.exceeds("M3", "M3.open")),
    ),
    Rule(
        "M3 closed",
        "saturated",
        metric("M3_closed"),
        "at least",
        "M3.closed",
        "Most weights are below 0.05: the block mutes itself. A large negative bias or logits that grew without bounds.",
        "Lower the learning rate of the excitation, or start its last bias at 0; if the block is not needed, remove it with its branch.",
    ),
    Rule(
        "M3 open",
        "saturated",
        metric("M3"),
        "at least",
        "M3.open",
        "Nearly all weights are above 0.95: the block passes its input on. " + PAPER_LAST,
        "Leave the block out. If it should work: lower the learning rate of the excitation, or start its last bias at 0.",
        alarm=_early_or_middle,
    ),
    Rule(
        "M5 slope",
        "saturated",
        _of_channels("M5"),
        "at most",
        "M5.slope",
        "Nearly all weights lie at an end of the nonlinearity, where its slope is 0 and nothing is learned any more.",
        "Lower the learning rate of the excitation, or scale its logits down; a hard sigmoid may be replaced by a smooth one.",
        when=lambda e: not e.exceeds("M3", "M3.open") and not e.exceeds("M3_closed", "M3.closed"),
        alarm=_early_or_middle,
    ),
    Rule(
        "M4 half",
        "static",
        metric("M4"),
        "at least",
        "M4.half",
        "All weights are near 0.5, as logits near 0 give: weight decay on the excitation pulled it to 0, or its bottleneck has no unit"
        " (channels // reduction = 0).",
        "Train without weight decay on the excitation, with a higher learning rate for it; make sure of one unit at least.",
        when=_lacks_dynamics,
    ),
    Rule(
        "M1 constant",
        "static",
        _of_channels("M1"),
        "at most",
        "M1.constant",
        "Every picture gets the same weights: the block learned constants, or weight decay emptied the excitation.",
        "Fold the mean weights into the convolution before the block. If it should work: no weight decay on the excitation, a higher"
        " learning rate for it.",
        when=lambda e: (
            _is_constant(e) and not any(e.exceeds(*each) for each in (("M3", "M3.open"), ("M3_closed", "M3.closed"), ("M4", "M4.half")))
        ),
    ),
    Rule(
        "B2 usage",
        "branch collapse",
        metric("B2"),
        "at most",
        "B2.usage",
        "A branch is hardly ever chosen: the other was ahead early and took all the gradient.",
        "Remove the unused branch, or train on with branches alike at first, a lower learning rate for the selection, or a balance loss.",
    ),
    Rule(
        "B2 entropy",
        "branch collapse",
        metric("B2_entropy"),
        "at most",
        "B2.entropy",
        "One branch gets nearly everything: it was ahead early and took all the gradient.",
        "Train on with branches alike at first, a lower learning rate for the selection, or a balance loss.",
        when=lambda e: (e.metrics.get("B2") or 0.0) > e.limits["B2.usage"],
    ),
    Rule(
        "B1 uniform",
        "static",
        metric("B1"),
        "at least",
        "B1.uniform",
        "All branches get the same share of every channel in every picture, as logits near 0 give: weight decay on the selection, or a"
        " selection that never trained.",
        "Replace the selection by the mean of its branches, or train it without weight decay and with a higher learning rate.",
        when=lambda e: _lacks_dynamics(e) and not e.exceeds("B4", "B4.constant"),
    ),
    Rule(
        "B4 constant",
        "static",
        metric("B4"),
        "at most",
        "B4.constant",
        "Every picture gets the same selection: each channel has its branches, whatever is shown.",
        "Fold the mean shares into the branches' kernels. If it should work: no weight decay on the selection, a higher learning rate.",
        when=lambda e: (
            _is_constant(e)
            and (e.metrics.get("B1") or 0.0) < e.limits["B1.uniform"]
            and (e.metrics.get("B2") or 0.0) > e.limits["B2.usage"]
        ),
    ),
    Rule(
        "M8 rank",
        None,
        metric("M8"),
        "at most",
        "M8.rank",
        "The weights move along few directions only: the units of the bottleneck do the same.",
        "A smaller bottleneck does the same for less; or reinitialise the units that repeat others.",
        when=_varies,
        alarm=_early_or_middle,
    ),
    Rule(
        "M11 classes",
        None,
        _over_null,
        "at most",
        "M11.null",
        "The weights vary with the picture, and no more between classes than shuffled labels would have it: they follow something else.",
        "Look at what the strongest and weakest pictures share (brightness, border, compression); check the labels.",
        when=lambda e: _varies(e) and e.site.stage >= e.limits["M11.stage"],
    ),
    Rule(
        "M6 mostly",
        None,
        metric("M6"),
        "at least",
        "M6.mostly",
        "Most units of the ReLU bottleneck never fire; the others do the work.",
        "A smaller bottleneck does the same for less.",
        alarm=never,
    ),
    Rule(
        "M10 alike",
        None,
        metric("M10"),
        "at least",
        "M10.alike",
        "All pictures get nearly the same pattern of weights, up to its scale, as in SE_5_3 of the paper (Hu et al. 2018, section 7.2).",
        "Nothing, if the ablations say that the block works.",
        alarm=never,
    ),
    Rule(
        "B1 hard",
        "saturated",
        metric("B1"),
        "at most",
        "B1.hard",
        "The selection takes one branch wholly in nearly every channel, where its slope is 0 and nothing is learned any more.",
        "Scale the logits of the selection down, or lower its learning rate.",
        when=lambda e: (e.metrics.get("B2") or 0.0) > e.limits["B2.usage"],
        alarm=lambda e: _early_or_middle(e) and _lacks_dynamics(e),
    ),
    Rule(
        "B3 information",
        "static",
        metric("B3"),
        "at most",
        "B3.information",
        "The picture decides little of which branch a channel takes.",
        "Nothing, if the ablations say that the block works.",
        alarm=never,
    ),
)
