"""The pass that tells everything, and the one of gates alone, each against the same module bare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.networks import inspected, picture
from benchmarks.rounds import interleaved
from benchmarks.row import MOST, Row, Sizes, compared
from sevis.capture.watch import Watch
from sevis.inspector import Inspector

__all__ = ["everything", "forward", "forward_and_backward", "gates", "passes", "prepared"]

EVERYTHING = "predictions, gates, influence and Grad-CAM of all blocks"
ALL_GATES = "all gates, forward only"


def everything(inspector: Inspector, pixels: np.ndarray) -> None:
    inspector.inspect_batch([pixels], [None])


def prepared(inspector: Inspector, pixels: np.ndarray) -> Tensor:
    """The picture as the network takes it, for those who are not given its pixels: they prepare it as we do, and as long."""
    return inspector.batch([inspector.tensor(pixels)])


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
        pixels = picture(sizes.side)
        yield _everything(name, inspector, pixels, sizes.rounds)
        yield _gates(name, inspector, prepared(inspector, pixels), 2 * sizes.rounds)


def _everything(name: str, inspector: Inspector, pixels: np.ndarray, rounds: int) -> Row:
    works = {
        "sevis": lambda: everything(inspector, pixels),
        "bare": lambda: forward_and_backward(inspector.module, prepared(inspector, pixels)),
    }
    against = "a bare forward and backward, parameters frozen"
    return compared(f"{name}: {EVERYTHING}", against, interleaved(works, rounds), "sevis", "bare", MOST, 1.08)


def _gates(name: str, inspector: Inspector, batch: Tensor, rounds: int) -> Row:
    works = {"sevis": lambda: gates(inspector, batch), "bare": lambda: forward(inspector.module, batch)}
    against = "a bare forward in inference mode"
    return compared(f"{name}: {ALL_GATES}", against, interleaved(works, rounds), "sevis", "bare", MOST, 1.05)
