"""RULES: what a number says of a gate, one entry a rule, with its cause and its remedy, in the order in which the doctor asks them."""

from __future__ import annotations

from sevis.analysis.findings import Number, Rule, metric, never
from sevis.analysis.kinds import KINDS, PAPER_LAST

__all__ = ["KINDS", "PROOFS", "RULES", "STOPS", "WORTHS"]


def _harm(name: str) -> Number:
    return lambda e: e.harm(name)


FATAL = ("multiplied by its own input", "differs from input x weights")  # of what a site's own proof may say

# ---- what is wrong whatever the numbers say

PROOFS: tuple[Rule, ...] = (
    Rule(
        "proof",
        None,
        lambda e: None,
        "at least",
        "",
        "{warning}",
        "Return what the gate gives, once: out = SE(out).",
        when=lambda e: bool(e.site.warning),
        alarm=lambda e: any(said in e.site.warning for said in FATAL),
    ),
    Rule(
        "finite",
        None,
        metric("not_finite"),
        "more than",
        "finite.most",
        "Some pictures gave a NaN or an infinity in this gate; they are not in the other numbers.",
        "Run in float32; look for an overflow in half precision or a division by a norm of 0.",
    ),
)

# ---- the first that holds is the verdict, and nothing else is asked

STOPS: tuple[Rule, ...] = (
    Rule(
        "B6 axis",
        "wrong axis",
        metric("B6"),
        "at least",
        "B6.off",
        "The softmax runs over another axis than the branches (pictures or channels), so that their weights do not sum to 1, or one"
        " picture's weights depend on the others in its batch.",
        "Stack the branches as (N, M, C) and take softmax(dim=1); check that eval mode gives one picture the same weights alone.",
    ),
    Rule(
        "pictures",
        "inconclusive",
        lambda e: e.pictures,
        "less than",
        "pictures.least",
        "Too few pictures: one photograph never proves that a gate has collapsed.",
        "Scan a folder of at least as many pictures, of several classes.",
        alarm=never,
    ),
    Rule(
        "M12 squeeze",
        "no input",
        metric("M12"),
        "at most",
        "M12.spread",
        "The squeeze is the same for every picture: the map before the gate is all zeros or constant. A norm whose factor is 0 does it"
        " (zero-initialised residuals before training, or weight decay on norms), and so does a dead ReLU further up.",
        "Look at the layers before the gate, not at the gate. An untrained network with zero-initialised norms needs training only.",
    ),
    Rule(
        "no units",
        "dead bottleneck",
        metric("units"),
        "less than",
        "M6.units",
        "The bottleneck has no unit at all: fewer channels than the reduction, as with a growth rate below 16 and a reduction of 16. Every"
        " weight is the nonlinearity of the last bias, one half without one, whatever the picture.",
        "Keep one unit or more: max(channels // reduction, 1), or a smaller reduction.",
    ),
    Rule(
        "untrained",
        "untrained",
        lambda e: e.metrics.get(e.spread),
        "at most",
        "",
        "{untrained}",
        "Load the trained weights; check that their names fit (a checkpoint loaded with strict=False skips gates silently), or train.",
        when=lambda e: bool(e.untrained),
    ),
    Rule(
        "M6 dead",
        "dead bottleneck",
        metric("M6"),
        "at least",
        "M6.dead",
        "Every unit of the ReLU bottleneck is at 0 for every picture, so that the weights are those of the last bias alone. A learning"
        " rate that was too high, a large negative bias, or a squeeze that changed its scale.",
        "Reinitialise the first linear layer of the block and train on, with a lower learning rate or a warm-up; or use SiLU there.",
    ),
)

# ---- what the gate is worth: the first that holds

WORTHS: tuple[Rule, ...] = (
    Rule(
        "A1 identity",
        "identity",
        _harm("open"),
        "less than",
        "A1.harmless",
        "With every weight at 1 (of a selection: with all branches alike) the answers stay as they are. " + PAPER_LAST,
        "Leave the block out, which saves its parameters and its time.",
        alarm=never,
    ),
    Rule(
        "A1 static",
        "static",
        _harm("images"),
        "less than",
        "A1.harmless",
        "With another picture's weights the answers stay as they are, with weights of 1 they do not: the block is a learned constant.",
        "Fold the mean weights into the convolution before the block; the answers stay as they are.",
        alarm=never,
    ),
    Rule(
        "A1 dynamic",
        "dynamic",
        _harm("images"),
        "at least",
        "A1.harmless",
        "With another picture's weights the answers change: the block does what it is for.",
        "Nothing.",
        alarm=never,
    ),
    Rule(
        "spread alone",
        "dynamic",
        lambda e: e.metrics.get(e.spread),
        "at least",
        "M1.alive",
        "The weights vary with the picture. Statistics alone: whether the answers depend on them, only ablations tell.",
        "Give --pictures to ablate the gate.",
        alarm=never,
    ),
    Rule(
        "no ablations",
        "inconclusive",
        lambda e: e.metrics.get(e.spread),
        "less than",
        "",
        "The weights vary little with the picture, and no ablation tells a learned constant from a gate that works finely.",
        "Give --pictures to ablate the gate.",
        alarm=never,
    ),
)

RULES: tuple[Rule, ...] = (*PROOFS, *STOPS, *KINDS, *WORTHS)
