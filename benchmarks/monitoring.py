"""One look of the GateMonitor against the epoch after which it looks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.nn.functional import cross_entropy

from benchmarks.rounds import interleaved
from benchmarks.row import MOST, Row, Sizes
from sevis.monitor import GateMonitor
from sevis.nets.se_resnet import se_resnet

__all__ = ["monitoring"]

STEPS, BATCH, SIDE = 94, 128, 64  # of an epoch of photos12 at the smallest of the recipe's sizes, where a look is dearest
PROBE, SEEN = 48, 160


def monitoring(sizes: Sizes) -> Iterator[Row]:
    """The shipped SE-ResNet-18's shape, trained as its recipe trains it."""
    small = sizes.slow_rounds == 1
    batch, steps = (4, 2) if small else (BATCH, STEPS)
    torch.manual_seed(0)
    module = se_resnet(18, classes=12, stem="imagenet", width=0.5, reduction=8).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(module.parameters(), 0.01, momentum=0.9, nesterov=True)
    pictures, labels = torch.randn(batch, 3, SIDE, SIDE).to(memory_format=torch.channels_last), torch.arange(batch) % 12
    monitor = GateMonitor(module, torch.randn(batch if small else PROBE, 3, SEEN, SEEN), every=steps, warn=False)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = cross_entropy(module(pictures), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    rounds = interleaved({"a look": monitor.look, "a step": step}, sizes.slow_rounds)
    low, middle, high = (ratio / steps for ratio in rounds.quartiles("a look", "a step"))
    what, against = f"GateMonitor: a look at {PROBE} pictures of {SEEN} pixels", f"an epoch of {steps} steps of {batch} at {SIDE} pixels"
    yield Row(what, against, middle, MOST, 0.02, rounds.seconds, half=(low, high))
