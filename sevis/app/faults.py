"""The faults of the gallery in plain words: what each is called in the game, what it does, and where to look for it."""

from __future__ import annotations

from dataclasses import dataclass

from sevis.records import Kind

__all__ = ["FAULTS", "NONE", "Words"]

HALF = "sigmoid(0) = 0.5"


@dataclass(frozen=True)
class Words:
    """A fault for who has never met it.

    Attributes:
        called: what one chooses it by.
        does: how it comes about, and what it does to the weights.
        hint: where to look, without the answer.
        kind: of the gates that can have it.
    """

    called: str
    does: str
    hint: str
    kind: Kind = "channel"


NONE = Words(
    "Nothing: this network is healthy",
    "In every block the weights differ from picture to picture, and the answers depend on them.",
    "Not every network here is ill. See whether anything speaks against this one at all.",
)
UNTRAINED = (
    "Its weights are those that it was born with: small random numbers give small logits, so that every weight stays near the middle,"
    " in every block and for every picture."
)
WHOLE = "Look at all blocks at once: is one of them different, or are all alike?"

FAULTS: dict[str, Words] = {
    "dead ReLU bottleneck": Words(
        "Dead bottleneck: none of its units ever fires",
        f"A bias far below 0 keeps every unit of the bottleneck behind its ReLU, so that nothing reaches the second layer: {HALF}.",
        "A weight of one half has several causes. Look at the units of the bottleneck, block by block.",
    ),
    "bottleneck of no units": Words(
        "Empty bottleneck: it has no units at all",
        "The block sees as many channels as a dense layer adds, 12, and 12 // 16 is 0 units. No error tells of it: the logits are 0, and"
        f" every weight is {HALF}. Document 002 builds it so for every growth rate below 16.",
        "Count the units of the bottleneck.",
    ),
    "saturated open": Words(
        "Saturated open: all weights near 1",
        "The last bias is 12, and the sigmoid of that is 1 but for six millionths: every channel passes, and the slope is too small to"
        " learn from.",
        "Look for a block all of whose weights lie at one end.",
    ),
    "saturated closed": Words(
        "Saturated closed: all weights near 0",
        "The last bias is −12, and the sigmoid of that is almost 0: the branch adds nothing, the shortcut alone goes on, and the slope is"
        " too small to learn from.",
        "Look for a block all of whose weights lie at one end.",
    ),
    "stuck at 0.5": Words(
        "Stuck at one half, though its units fire",
        "The second layer's weights are 0, as strong weight decay on the excitation leaves them. The bottleneck still answers to the"
        f" picture, but nothing of it gets out: {HALF}.",
        "A weight of one half has several causes. Look at the units of the bottleneck, block by block.",
    ),
    "constant gate": Words(
        "Constant: the same weights for every picture",
        "The second layer's weights are 0 and its biases are not: the block multiplies by numbers that no picture changes, and could be"
        " folded into the convolution before it.",
        "Do the weights differ between channels, or between pictures?",
    ),
    "low rank": Words(
        "Low rank: all units of the bottleneck say the same",
        "Every unit has the same incoming weights, so that the bottleneck knows one thing about a picture: the block can say more or"
        " less, and nothing else.",
        "A block may move a lot and still in one way only. Look at its directions.",
    ),
    "class-blind": Words(
        "Class-blind: varies, but not with what is shown",
        "The bottleneck's units are the sines of large numbers: each picture gets weights of its own, as different for two views of one"
        " thing as for two things.",
        "Late blocks know the class in a good network. The last proof tells which block does not.",
    ),
    "doubled multiplication": Words(
        "Doubled: the map is multiplied by itself",
        "The block's output is multiplied by its input once more, out × SE(out), as in document 000: the sign is lost and large values"
        " grow. The weights themselves look well.",
        "The weights may look well while something else is done with them. See the proofs.",
    ),
    "squeeze that sees only zeros": Words(
        "No input: this one block sees only zeros",
        "The map that enters is 0 everywhere, as behind a norm whose factor is 0: the squeeze is the same for every picture, and so are"
        " the weights.",
        "Look at what goes into a block, not only at what comes out.",
    ),
    "zero-init untrained": Words(
        "No input anywhere: every branch begins at zero",
        "The last norm of every branch starts with a factor of 0, which is a good start for training. Before any training no block has an"
        " input.",
        WHOLE,
    ),
    "gate ignored downstream": Words(
        "Ignored: the weights are computed and not used",
        "The product is computed and thrown away, and the map goes on as it came. The weights look well, and no answer depends on them.",
        "The weights may look well while nobody uses them. See the proofs.",
    ),
    "untrained": Words("Untrained: the weights are those of a fresh start", UNTRAINED, WHOLE),
    "untrained selection": Words("Untrained: the weights are those of a fresh start", UNTRAINED, WHOLE, "branch"),
    "branch collapse": Words(
        "Branch collapse: one kernel takes everything",
        "A large bias lets the first kernel win the softmax in every channel of every picture: the other one is computed for nothing.",
        "A selection that works uses all of its branches.",
        "branch",
    ),
    "uniform branches": Words(
        "Uniform: all kernels always share evenly",
        "The last layer's weights are 0, so that the softmax has nothing to choose by: the selection is a plain average of its branches.",
        "A selection that works leans now to one kernel, now to the other.",
        "branch",
    ),
    "softmax over the batch axis": Words(
        "Wrong axis: the softmax runs over the batch",
        "The shares of the kernels do not sum to 1, but those of the pictures do: what a picture gets depends on the pictures beside it.",
        "Do the shares of a channel sum to 1? Does a picture get the same weights alone?",
        "branch",
    ),
}
