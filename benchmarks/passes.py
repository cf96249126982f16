"""The pass that tells everything, and the one of gates alone, each against the same module bare."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.networks import inspected, picture
from benchmarks.rounds import interleaved
from benchmarks.row import MOST, Row, Sizes
from sevis.capture.watch import Watch
from sevis.inspector import Inspector

__all__ = ["everything", "forward", "forward_and_backward", "gates", "passes"]

EVERYTHING = "predictions, gates, influence and Grad-CAM of all blocks"
ALL_GATES = "all gates, forward only"


def everything(inspector: Inspector, side: int) -> None:
    inspector.inspect_batch([picture(side)], [None])


def forward_and_backward(module: nn.Module, pictures: Tensor) -> None:
    """From the score of the best class to the pictures: the parameters are frozen."""
    asked = pictures.clone().requires_grad_()
    module(asked).max().backward()


def forward(module: nn.Module, pictures: Tensor) -> None:
    with torch.inference_mode():
        module(pictures)


def gates(inspector: Inspector, pictures: Tensor) -> None:
    with torch.inference_mode():
        _, tape = inspector.watched(pictures, Watch(proof=False))
    tape.records()


def passes(sizes: Sizes) -> Iterator[Row]:
    """One picture, each network."""
    for name in sizes.networks:
        inspector = inspected(name, sizes.side)
        batch = inspector.batch([inspector.tensor(picture(sizes.side))])
        yield _everything(name, inspector, batch, sizes)
        yield _gates(name, inspector, batch, sizes)


def _everything(name: str, inspector: Inspector, batch: Tensor, sizes: Sizes) -> Row:
    works = {"sevis": lambda: everything(inspector, sizes.side), "bare": lambda: forward_and_backward(inspector.module, batch)}
    seconds = interleaved(works, sizes.rounds)
    against = "a bare forward and backward, parameters frozen"
    return Row(f"{name}: {EVERYTHING}", against, seconds["sevis"] / seconds["bare"], MOST, 1.08, seconds)


def _gates(name: str, inspector: Inspector, batch: Tensor, sizes: Sizes) -> Row:
    seconds = interleaved({"sevis": lambda: gates(inspector, batch), "bare": lambda: forward(inspector.module, batch)}, 2 * sizes.rounds)
    return Row(f"{name}: {ALL_GATES}", "a bare forward in inference mode", seconds["sevis"] / seconds["bare"], MOST, 1.05, seconds)
