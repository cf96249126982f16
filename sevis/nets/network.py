"""What every source of networks gives: a network with its weights, or the blueprint of one without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sevis.records import GateAverage

__all__ = ["Blueprint", "CheckpointError", "Network", "Transform", "described"]

Transform = Callable[..., Tensor]  # PIL picture -> (3, H, W)


class CheckpointError(ValueError):
    """A network that cannot be had: unknown, out of reach, damaged, or not what it should be; the message is fit for a visitor."""


@dataclass(frozen=True)
class Network:
    """A module with all that is needed to show it a picture and to read its answer.

    Attributes:
        preprocessing: PIL picture -> tensor (3, H, W).
        classes: names in the order of the logits.
        averages: every gate's average over many pictures, in order of depth; empty where nobody measured them.
        warnings: what its user should know of its weights, one sentence each.
        task: of READERS: how its output is read.
    """

    name: str
    module: nn.Module
    preprocessing: Transform
    classes: tuple[str, ...]
    averages: tuple[GateAverage, ...] = ()
    warnings: tuple[str, ...] = ()
    task: str = "classification"


@dataclass(frozen=True)
class Blueprint:
    """A network before its weights.

    Attributes:
        builder: number of logits -> module with random weights; None stands for as many as its makers gave it.
        preprocessing: that module -> its transform.
        classes: names of those logits; () where only a pass can tell how many there are.
        task: of READERS.
    """

    name: str
    builder: Callable[[int | None], nn.Module]
    preprocessing: Callable[[nn.Module], Transform]
    classes: tuple[str, ...]
    task: str = "classification"

    def sketch(self, logits: int | None = None) -> nn.Module:
        """The module without memory for its weights, on the meta device where it can be built there; errors as those of `build`."""
        try:
            with torch.device("meta"):
                return self.build(logits)
        except RuntimeError:  # some networks compute while they are built, which takes values
            return self.build(logits)

    def build(self, logits: int | None = None) -> nn.Module:
        """The module with random weights, in eval mode.

        Raises:
            CheckpointError: it cannot be built with its arguments.
        """
        try:
            return self.builder(logits).eval()
        except (TypeError, ValueError, KeyError, AssertionError) as error:
            raise CheckpointError(f"{self.name} cannot be built as asked ({described(error)}); check its arguments.") from error


def described(problem: Any) -> str:
    """An error of somebody else's as part of one sentence: its kind and its first line, at most 200 characters."""
    text = str(problem).strip()
    return f"{type(problem).__name__}: {text.splitlines()[0][:200]}" if text else type(problem).__name__
